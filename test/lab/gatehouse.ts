/** The command as a person runs it: the program itself, in a process of its own. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DemoFile } from '../../src/cli/demo/demo-file.ts'
import { type Outcome, type Program, type ProgramOptions, startProgram } from './processes.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Starts `gatehouse` with these words behind it. */
export function startGatehouse(words: readonly string[], options?: ProgramOptions): Program {
  return startProgram(process.execPath, [main, ...words], options)
}

/** Runs `gatehouse` to its end. */
export function runGatehouse(words: readonly string[], options?: ProgramOptions): Promise<Outcome> {
  return startGatehouse(words, options).ended
}

/** Runs `gatehouse` and gives back what it printed; rejects, with what it said, when it failed. */
export async function gatehouse(words: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await runGatehouse(words, input === undefined ? {} : { input })
  if (code !== 0) throw new Error(`gatehouse ${words.join(' ')} ended with ${code}: ${stderr}${stdout}`)
  return stdout
}

export interface RunningDemo {
  readonly program: Program
  readonly folder: string
  readonly configurationFile: string
  readonly file: DemoFile
  /** What the last line of the start names. */
  readonly firstUrl: string
  /** PEM of the demo's own authority, when it was started with TLS. */
  readonly ca: string | undefined
  /** Address of an application by its name, with a closing slash. */
  url(application: string): string
}

/**
 * Starts a demo on its folder and waits until it says that it is ready.
 * @param folder kept from start to start.
 */
export async function startDemo(folder: string, words: readonly string[] = ['--port', '0']): Promise<RunningDemo> {
  const program = startGatehouse(['demo', '--data', folder, ...words])
  const [, firstUrl = ''] = await program.line(/^Gatehouse is ready: (\S+)$/)
  const file = JSON.parse(await readFile(join(folder, 'demo.json'), 'utf8')) as DemoFile
  return {
    program,
    folder,
    configurationFile: join(folder, 'gatehouse.yaml'),
    file,
    firstUrl,
    ca: words.includes('--tls') ? await readFile(join(folder, 'tls', 'ca.pem'), 'utf8') : undefined,
    url: (application) => {
      const found = file.applications.find(({ name }) => name === application)
      if (found === undefined) throw new Error(`the demo has no application ${application}`)
      return found.url
    },
  }
}
