/** A configuration with its master key in a folder of its own, and the command run on it as a person would. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { stringify } from 'yaml'
import type { Terminal } from '../../src/cli/command.ts'
import { main } from '../../src/cli/run.ts'
import { createMasterKey } from '../../src/sts/keys/master-key.ts'
import { runGatehouse, startGatehouse } from '../lab/gatehouse.ts'
import type { Outcome, Program } from '../lab/processes.ts'

/** The command, run on an installation. */
export interface CommandRunner {
  /** Runs the command to its end. */
  run(words: readonly string[], input?: string): Promise<Outcome>
  /** Runs it with `--json` and gives back what it answered; rejects when it failed. */
  json<T>(words: readonly string[], input?: string): Promise<T>
}

export interface Installation extends CommandRunner {
  readonly folder: string
  readonly file: string
  readonly data: string
  readonly socket: string
  /** The same without a process for each command: for the many little questions. */
  readonly inThisProcess: CommandRunner
  /** Starts the server and waits until it is ready. */
  serve(words?: readonly string[]): Promise<Program>
}

/** A folder with a short path, so that a socket fits into it; removed at the end of the test. */
export async function temporaryFolder(t: { teardown(work: () => unknown): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Federation server and proxy on a port that the system chooses, unless `changes` say otherwise. */
export async function makeInstallation(folder: string, changes: object = {}): Promise<Installation> {
  await mkdir(folder, { recursive: true })
  createMasterKey(join(folder, 'master.key'))
  const file = join(folder, 'gatehouse.yaml')
  const configuration = {
    listeners: [{ port: 0, protocol: 'http' }],
    sts: { url: 'http://sts.contoso.localhost:8080' },
    resolve: { '*.contoso.localhost': '127.0.0.1' },
    ...changes,
  }
  await writeFile(file, stringify(configuration))
  // `--` says that operands follow, so what is added stands before.
  const whole = (words: readonly string[]) => [...words.slice(0, 2), '--config', file, ...words.slice(2)]
  const own = runner((words, input) =>
    runGatehouse(whole(words), { env: withoutGatehouse, ...(input === undefined ? {} : { input }) }),
  )
  return {
    ...own,
    inThisProcess: runner((words, input) => runHere(whole(words), input)),
    folder,
    file,
    data: join(folder, 'data'),
    socket: join(folder, 'data', 'gatehouse.sock'),
    async serve(words = []) {
      const program = startGatehouse(['serve', '--config', file, ...words], { env: withoutGatehouse })
      await program.line(/ready/)
      return program
    },
  }
}

function runner(run: CommandRunner['run']): CommandRunner {
  return {
    run,
    async json<T>(words: readonly string[], input?: string) {
      const { code, stdout, stderr } = await run([...words.slice(0, 2), '--json', ...words.slice(2)], input)
      if (code !== 0) throw new Error(`gatehouse ${words.join(' ')} ended with ${code}: ${stderr}${stdout}`)
      return JSON.parse(stdout) as T
    },
  }
}

async function runHere(words: readonly string[], input = ''): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const collect = (name: keyof typeof written) =>
    new Writable({
      write(chunk, _, done) {
        written[name] += String(chunk)
        done()
      },
    })
  const terminal = {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    environment: {},
  }
  const code = await main(words, terminal as unknown as Terminal)
  return { code, signal: null, ...written }
}

// What the person who runs the tests has set for a server of their own.
const withoutGatehouse = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('GATEHOUSE_'))
    .map((name) => [name, undefined]),
)
