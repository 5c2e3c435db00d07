import { CliError } from './cli-error.ts'
import type { CommandSpec, OptionSpec } from './command.ts'
import { suggest } from './suggestion.ts'

/** Options that every command takes. */
export const commonOptions: readonly OptionSpec[] = [
  {
    name: 'config',
    value: 'FILE',
    help: 'configuration to work with; default gatehouse.yaml in this folder, or $GATEHOUSE_CONFIG',
  },
  { name: 'json', help: 'answer in JSON, for programs' },
  { name: 'help', help: 'say what the command does, and how' },
]

/** A command line, read. */
export type CommandLine =
  | { readonly kind: 'help'; readonly words: readonly string[]; readonly json: boolean }
  | { readonly kind: 'version'; readonly json: boolean }
  | {
      readonly kind: 'command'
      readonly command: CommandSpec
      readonly operands: ReadonlyMap<string, string>
      readonly options: ReadonlyMap<string, readonly string[]>
      readonly vocabulary: Readonly<Record<string, string | boolean | readonly string[]>>
      readonly rest: readonly string[]
    }

// Far beyond what is typed or scripted; an attacker who writes command lines needs none of this.
const longestArgument = 65_536

/**
 * Reads a command line: options anywhere, `--name value`, `--name=value` or `--name` for a switch, `--` before operands
 * that begin with a dash.
 * @param words what was written behind `gatehouse`.
 * @throws {CliError} `usage`, with what was probably meant.
 */
export function readCommandLine(words: readonly string[], commands: readonly CommandSpec[]): CommandLine {
  for (const word of words) {
    if (word.length > longestArgument) throw usage('an argument is longer than 64 KiB')
    if (word.includes('\0')) throw usage('an argument holds a NUL character')
  }
  const { command, path, rest } = findCommand(words, commands)
  if (command === undefined) return withoutCommand(path, rest, commands)
  if (command.readsItself === true) {
    if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', words: path, json: false }
    return { kind: 'command', command, operands: new Map(), options: new Map(), vocabulary: {}, rest }
  }
  return readRest(command, path, rest)
}

// The command's words may have options before and between them: `gatehouse --json user list`.
function findCommand(words: readonly string[], commands: readonly CommandSpec[]) {
  const path: string[] = []
  const rest: string[] = []
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word.startsWith('-')) {
      rest.push(word)
      if (word === '--config') rest.push(...words.slice(++at, at + 1))
      continue
    }
    const longer = [...path, word]
    if (!commands.some((command) => longer.every((part, index) => command.words[index] === part))) break
    path.push(word)
    if (
      commands.some(
        (command) => command.readsItself === true && command.words.length === path.length && fits(command, path),
      )
    ) {
      at++
      break
    }
  }
  const command = commands.find((candidate) => candidate.words.length === path.length && fits(candidate, path))
  return { command, path, rest: [...rest, ...words.slice(at)] }
}

const fits = (command: CommandSpec, path: readonly string[]) =>
  path.every((part, index) => command.words[index] === part)

function withoutCommand(
  path: readonly string[],
  rest: readonly string[],
  commands: readonly CommandSpec[],
): CommandLine {
  const json = rest.includes('--json')
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', words: path, json }
  if (path.length === 0 && rest.includes('--version')) return { kind: 'version', json }
  const word = rest.find((argument) => !argument.startsWith('-'))
  const next = [
    ...new Set(commands.filter((command) => fits(command, path)).map(({ words }) => words[path.length] ?? '')),
  ]
  const whole = ['gatehouse', ...path].join(' ')
  if (word === undefined) {
    const [option] = rest.filter((argument) => argument !== '--json')
    if (option !== undefined && path.length === 0)
      throw usage(`${shown(option)} without a command; \`gatehouse --help\` lists them`)
    const what = path.length === 0 ? 'no command' : `${path.join(' ')}: which one`
    throw usage(`${what}? ${next.join(', ')}; \`${whole} --help\` says more`)
  }
  const near = suggest(word, next)
  throw usage(
    `${whole} has no command \`${shown(word)}\`${near === undefined ? `; it has ${next.join(', ')}` : `; did you mean \`${near}\`?`}`,
  )
}

function readRest(command: CommandSpec, path: readonly string[], rest: readonly string[]): CommandLine {
  const whole = ['gatehouse', ...command.words].join(' ')
  const operands: string[] = []
  const options = new Map<string, string[]>()
  const vocabulary: Record<string, string | boolean | string[]> = {}
  let help = false
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ''
    if (word === '--') {
      operands.push(...rest.slice(at + 1))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word)
      continue
    }
    if (word === '-h' || word === '--help') {
      help = true
      continue
    }
    const { name, inline } = splitOption(word)
    const own = [...(command.options ?? []), ...commonOptions].find(
      (option) => word.startsWith('--') && option.name === name,
    )
    const foreign = own === undefined ? command.vocabulary?.find(name) : undefined
    const spec = own ?? foreign
    if (spec === undefined) throw unknownOption(whole, word, command)
    let value: string | boolean
    if (spec.value === undefined) value = switchValue(whole, name, inline)
    else if (inline !== undefined) value = inline
    else {
      const next = rest[at + 1]
      // A value may begin with a dash only behind `=`: `--name --json` is a value forgotten, not a name.
      if (next === undefined || (next.startsWith('-') && next !== '-'))
        throw usage(`${whole}: --${name} needs ${spec.value}`)
      value = next
      at++
    }
    if (own !== undefined) {
      const before = options.get(name)
      if (before !== undefined && own.many !== true) throw usage(`${whole}: --${name} is given twice`)
      if (typeof value === 'string') options.set(name, [...(before ?? []), value])
      else if (value) options.set(name, [])
    } else {
      const before = Object.hasOwn(vocabulary, name) ? vocabulary[name] : undefined
      if (before !== undefined && spec.many !== true) throw usage(`${whole}: ${shown(word)} is given twice`)
      const list = spec.many === true && typeof value === 'string'
      const given = list ? [...(Array.isArray(before) ? before : []), value as string] : value
      Object.defineProperty(vocabulary, name, { value: given, enumerable: true, writable: true, configurable: true })
    }
  }
  if (help) return { kind: 'help', words: path, json: options.has('json') }
  return { kind: 'command', command, operands: nameOperands(whole, command, operands), options, vocabulary, rest: [] }
}

function splitOption(word: string): { name: string; inline: string | undefined } {
  const body = word.replace(/^--?/, '')
  // PowerShell writes `-EnableSignOut:$true`.
  const at = word.startsWith('--') ? body.indexOf('=') : body.search(/[=:]/)
  return at === -1 ? { name: body, inline: undefined } : { name: body.slice(0, at), inline: body.slice(at + 1) }
}

function switchValue(whole: string, name: string, inline: string | undefined): boolean {
  if (inline === undefined || /^\$?true$/i.test(inline)) return true
  if (/^\$?false$/i.test(inline)) return false
  throw usage(`${whole}: --${name} is a switch; it takes no value`)
}

function nameOperands(whole: string, command: CommandSpec, given: readonly string[]): Map<string, string> {
  const specs = command.operands ?? []
  const named = new Map<string, string>()
  for (const [index, spec] of specs.entries()) {
    const value = given[index]
    if (value !== undefined) named.set(spec.name, value)
    else if (spec.optional !== true)
      throw usage(`${whole}: ${spec.name} is missing (${spec.help}); \`${whole} --help\` shows examples`)
  }
  const tooMany = given[specs.length]
  if (tooMany !== undefined) throw usage(`${whole} does not expect \`${shown(tooMany)}\``)
  return named
}

function unknownOption(whole: string, word: string, command: CommandSpec): CliError {
  const { name } = splitOption(word)
  const own = [...(command.options ?? []), ...commonOptions].map((option) => option.name)
  const near = suggest(name, [...own, ...(command.vocabulary?.names ?? [])])
  const help = near === undefined ? `; \`${whole} --help\` lists them` : `; did you mean \`--${near}\`?`
  return usage(`${whole} has no option \`${shown(word)}\`${help}`)
}

const usage = (message: string) => new CliError('usage', message)

// What came from a command line goes to a terminal: no escape sequence may come along, and no secret in full length.
const shown = (word: string) => {
  const plain = word.replaceAll(/\p{C}/gu, '?')
  return plain.length > 60 ? `${plain.slice(0, 60)}…` : plain
}
