/** A configuration with its master key in a folder of its own, and the command run on it as a person would. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createMasterKey } from '../../src/sts/keys/master-key.ts'
import { runGatehouse, startGatehouse } from '../lab/gatehouse.ts'
import type { Outcome, Program } from '../lab/processes.ts'

export interface Installation {
  readonly folder: string
  readonly file: string
  readonly data: string
  readonly socket: string
  /** Runs the command to its end. */
  run(words: readonly string[], input?: string): Promise<Outcome>
  /** Runs it with `--json` and gives back what it answered; rejects when it failed. */
  json<T>(words: readonly string[], input?: string): Promise<T>
  /** Starts the server and waits until it is ready. */
  serve(words?: readonly string[]): Promise<Program>
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
  const run = (words: readonly string[], input?: string) =>
    runGatehouse([...words, '--config', file], { env: withoutGatehouse, ...(input === undefined ? {} : { input }) })
  return {
    folder,
    file,
    data: join(folder, 'data'),
    socket: join(folder, 'data', 'gatehouse.sock'),
    run,
    async json<T>(words: readonly string[], input?: string) {
      const { code, stdout, stderr } = await run([...words, '--json'], input)
      if (code !== 0) throw new Error(`gatehouse ${words.join(' ')} ended with ${code}: ${stderr}`)
      return JSON.parse(stdout) as T
    },
    async serve(words = []) {
      const program = startGatehouse(['serve', '--config', file, ...words], { env: withoutGatehouse })
      await program.line(/ready/)
      return program
    },
  }
}

// What the person who runs the tests has set for a server of their own.
const withoutGatehouse = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('GATEHOUSE_'))
    .map((name) => [name, undefined]),
)
