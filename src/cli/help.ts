import type { CommandSpec, OptionSpec } from './command.ts'
import { commonOptions } from './command-line.ts'
import { exitCodeMeanings } from './exit-code.ts'
import { table } from './text.ts'

/**
 * The help of a command, of the commands below a word, or of all.
 * @param words a command's words, or the first of them; none for all.
 */
export function helpText(words: readonly string[], commands: readonly CommandSpec[]): string {
  const below = commands.filter((command) => words.every((word, index) => command.words[index] === word))
  const exact = below.find((command) => command.words.length === words.length)
  if (exact !== undefined) return commandHelp(exact)
  return words.length === 0 ? overview(commands) : groupHelp(words, below)
}

function overview(commands: readonly CommandSpec[]): string {
  return [
    'Gatehouse: the federation server, and the proxy that lets in whom it signed in.',
    '',
    'Usage: gatehouse COMMAND [OPTION …]',
    '',
    'Commands:',
    ...indent(table(commands.map(({ words, summary }) => [words.join(' '), summary]))),
    '',
    'Options of every command:',
    ...indent(table(commonOptions.map(optionRow))),
    '',
    'Changes are taken up by the running server at once; where none runs, they are made in the data folder.',
    'Every key of the configuration can come from the environment: GATEHOUSE_STS_URL, GATEHOUSE_LOG_LEVEL …',
    '',
    'Exit status:',
    ...indent(table(exitCodeMeanings.map(([code, meaning]) => [String(code), meaning]))),
    '',
    'Examples:',
    '  gatehouse demo',
    '  gatehouse init --url https://sts.contoso.test',
    '  gatehouse serve',
    '  gatehouse user add --help',
  ].join('\n')
}

function groupHelp(words: readonly string[], commands: readonly CommandSpec[]): string {
  const name = words.join(' ')
  return [
    `Usage: gatehouse ${name} COMMAND [OPTION …]`,
    '',
    'Commands:',
    ...indent(table(commands.map((command) => [command.words.join(' '), command.summary]))),
    '',
    'Examples:',
    ...commands.flatMap(({ examples }) => examples.slice(0, 1).map((example) => `  gatehouse ${example}`)),
  ].join('\n')
}

function commandHelp(command: CommandSpec): string {
  const { words, summary, description, operands = [], options = [], vocabulary, examples } = command
  const usage = operands.map(({ name, optional }) => (optional === true ? ` [${name}]` : ` ${name}`)).join('')
  const section = (title: string, rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? [] : ['', `${title}:`, ...indent(table(rows))]
  return [
    `Usage: gatehouse ${words.join(' ')}${usage} [OPTION …]`,
    '',
    summary,
    ...(description === undefined ? [] : ['', description]),
    ...section(
      'Operands',
      operands.map(({ name, help }) => [name, help]),
    ),
    ...section('Options', [...options, ...(vocabulary?.options ?? [])].map(optionRow)),
    ...(vocabulary === undefined ? [] : ['', vocabulary.help]),
    ...(command.readsItself === true ? [] : section('Options of every command', commonOptions.map(optionRow))),
    '',
    'Examples:',
    ...examples.map((example) => `  gatehouse ${example}`),
  ].join('\n')
}

const optionRow = ({ name, value, many, help }: OptionSpec): string[] => [
  value === undefined ? `--${name}` : `--${name} ${value}`,
  many === true ? `${help}; may be given more than once` : help,
]

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`)
