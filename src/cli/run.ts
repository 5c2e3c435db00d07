import type { Answer, Call, Terminal } from './command.ts'
import { type CommandLine, readCommandLine } from './command-line.ts'
import { commands } from './commands.ts'
import { type ExitCode, exitCodeOf, exitCodes } from './exit-code.ts'
import { helpText } from './help.ts'
import { printable } from './text.ts'

/**
 * Runs a command line to its end.
 * @param words what was written behind `gatehouse`.
 * @returns the exit status; see `exit-code.ts`.
 */
export async function main(words: readonly string[], terminal: Terminal = processTerminal()): Promise<ExitCode> {
  // Whoever reads our output may stop reading (`| head`); that is no failure of the command.
  for (const stream of [terminal.stdout, terminal.stderr]) stream.on('error', () => {})
  let json = words.includes('--json')
  try {
    const line = readCommandLine(words, commands)
    if (line.kind === 'help') {
      const text = helpText(line.words, commands)
      await print(terminal.stdout, line.json ? JSON.stringify({ help: text }) : text)
      return exitCodes.success
    }
    if (line.kind === 'version') {
      const version = await ownVersion()
      await print(
        terminal.stdout,
        line.json ? JSON.stringify({ version, node: process.versions.node }) : `gatehouse ${version}`,
      )
      return exitCodes.success
    }
    const call = callOf(line, terminal)
    json = call.json
    const answer = await line.command.run(call)
    await printAnswer(answer, call)
    return answer.exitCode ?? exitCodes.success
  } catch (error) {
    await printError(error, { json, terminal })
    return exitCodeOf(codeOf(error))
  }
}

const processTerminal = (): Terminal => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
})

function callOf(line: Extract<CommandLine, { kind: 'command' }>, terminal: Terminal): Call {
  const { operands, options, vocabulary, rest } = line
  const configurationFile = options.get('config')?.[0]
  const configuration = once(async () => {
    const { loadConfiguration } = await import('./configuration/configuration-file.ts')
    return loadConfiguration({ file: configurationFile, environment: terminal.environment })
  })
  return {
    operand: (name) => operands.get(name) ?? '',
    has: (option) => options.has(option),
    text: (option) => options.get(option)?.[0],
    list: (option) => options.get(option) ?? [],
    vocabulary,
    rest,
    json: options.has('json'),
    configurationFile,
    configuration,
    administration: once(async () => {
      const [{ administrationOf }, loaded] = await Promise.all([
        import('./administration/administration.ts'),
        configuration(),
      ])
      return administrationOf(loaded)
    }),
    terminal,
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

async function printAnswer({ data, text }: Answer, { json, terminal }: Call): Promise<void> {
  if (json) {
    if (data !== undefined) await print(terminal.stdout, JSON.stringify(data))
  } else if (text !== '') {
    await print(terminal.stdout, text)
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

async function printError(error: unknown, { json, terminal }: { json: boolean; terminal: Terminal }): Promise<void> {
  const code = codeOf(error) ?? 'internal'
  const message = error instanceof Error ? error.message : String(error)
  if (json) {
    const problems = error instanceof Error && 'problems' in error ? error.problems : undefined
    const some = Array.isArray(problems) && problems.length > 0 ? { problems: problems as unknown } : {}
    await print(terminal.stderr, JSON.stringify({ error: { code, message, ...some } }))
    return
  }
  const lines = message.split('\n').map(printable)
  // An error without a code is a fault of the program: where it happened is then the one thing worth knowing.
  const fault =
    codeOf(error) === undefined && error instanceof Error ? (error.stack?.split('\n').slice(1, 4) ?? []) : []
  await print(terminal.stderr, [`gatehouse: ${lines.join('\n')}`, ...fault].join('\n'))
}

// Waits until it is out: the process may end right after.
function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(`${text}\n`, () => resolve())
  })
}

async function ownVersion(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  // Beside src/ as beside dist/.
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : ''
}
