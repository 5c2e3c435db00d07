/**
 * `gatehouse demo`: federation server, proxy and sample applications in one process, to try out and to test against.
 *
 *     folder ──▶ Gatehouse opened ──▶ sample applications published ──▶ listeners ──▶ demo.json ──▶ "is ready"
 *
 * The screen shows a table and one last line; everything else is in the folder's `gatehouse.log`.
 */
import { relative } from 'node:path'
import { destination } from 'pino'
import { CliError } from '../cli-error.ts'
import { loadConfiguration } from '../configuration/configuration-file.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import { openGatehouse } from '../gatehouse.ts'
import { createLog } from '../log.ts'
import { startServing } from '../serve.ts'
import { type DemoFile, readDemoFile, writeDemoFile } from './demo-file.ts'
import { type DemoFolder, openDemoFolder } from './demo-folder.ts'
import { parseDemoOptions } from './demo-options.ts'
import { kerberosApplication } from './demo-plan.ts'
import { linksOf, seedDemo } from './demo-seed.ts'
import type { DemoKerberos } from './kerberos/demo-kerberos.ts'
import type { SampleBackend } from './sample-backend.ts'

export interface Terminal {
  out(text: string): void
  error(text: string): void
}

interface StopRequest {
  readonly asked: Promise<void>
  isAsked(): boolean
  done(): void
}

/** Seconds that a request in flight may still take after Ctrl-C. */
const deadline = 3

/**
 * Runs the demo until it is told to stop (SIGINT, SIGTERM, SIGHUP).
 * @param words what stands behind `gatehouse demo`.
 * @returns the exit status: 0 after a clean stop, 1 with one line on what is in the way, 2 for wrong usage.
 */
export async function runDemo(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const stop = listenForStop()
  try {
    const folder = await openDemoFolder(parseDemoOptions(words))
    try {
      await serve(folder, terminal, stop)
    } finally {
      await folder.remove()
    }
    return exitCodes.success
  } catch (error) {
    terminal.error(`gatehouse: ${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof CliError && error.code === 'usage' ? exitCodes.usage : exitCodes.failure
  } finally {
    stop.done()
  }
}

async function serve(folder: DemoFolder, terminal: Terminal, stop: StopRequest): Promise<void> {
  // What happens to be in the environment is meant for a server, not for a demo.
  const configuration = await loadConfiguration({ file: folder.configurationFile, environment: {} })
  const file = destination({ dest: folder.logFile, append: true, sync: true })
  const log = createLog({ level: configuration.log.level, destination: file })
  const backends: SampleBackend[] = []
  let kerberos: DemoKerberos | undefined
  try {
    kerberos = await startKerberos(folder)
    const gatehouse = await openGatehouse(configuration, { log })
    try {
      const before = await readDemoFile(folder.path)
      const { file: demo } = await seedDemo(gatehouse, folder.address, before, backends, kerberos?.backend)
      const running = await startServing(gatehouse)
      try {
        await writeDemoFile(folder.path, demo)
        if (!stop.isAsked()) terminal.out(welcome(folder, demo, kerberos))
        await stop.asked
      } finally {
        await running.close({ deadline })
      }
    } finally {
      await gatehouse.close()
    }
  } finally {
    await Promise.all(backends.map((backend) => backend.close()))
    await kerberos?.close()
    file.end()
  }
}

async function startKerberos({ path, address }: DemoFolder): Promise<DemoKerberos | undefined> {
  const { kdcPort } = address
  if (kdcPort === undefined) return undefined
  const { startDemoKerberos } = await import('./kerberos/demo-kerberos.ts')
  return startDemoKerberos({
    folder: path,
    port: kdcPort,
    application: kerberosApplication.name,
    links: linksOf(address),
  })
}

function welcome(
  folder: DemoFolder,
  { sts, applications, accounts }: DemoFile,
  kerberos: DemoKerberos | undefined,
): string {
  const who = (name: string) =>
    accounts
      .filter(({ mayOpen }) => mayOpen.includes(name))
      .map(({ upn }) => upn.replace(/@.*/, ''))
      .join(', ')
  const addresses = [
    ['Application', 'Address', 'Who may open it'],
    ...applications.map(({ name, kind, url }) => [name, url, kind === 'pass-through' ? 'everybody' : who(name)]),
    ['Sign-in, portal', `${sts.url}/adfs/portal`, accounts.map(({ upn }) => upn.replace(/@.*/, '')).join(', ')],
  ]
  const people = [
    ['Account', 'Password', 'May open'],
    ...accounts.map(({ upn, password, mayOpen }) => [upn, password, mayOpen.join(', ')]),
  ]
  const places = [
    ['Folder', `${folder.path}${folder.temporary ? ' (removed at the end)' : ''}`],
    ['Log', folder.logFile],
    ...(folder.authority === undefined ? [] : [['Certificate authority', folder.authority]]),
    ...(kerberos === undefined ? [] : [['Kerberos', `KRB5_CONFIG=${kerberos.configuration} kinit alice`]]),
    ['Commands', `${ownCommand()} user list --config ${folder.configurationFile}`],
  ]
  const ready = applications[0]?.url ?? `${sts.url}/adfs/portal`
  return `\n${[addresses, people, places].map(table).join('\n')}\nCtrl-C stops it.\nGatehouse is ready: ${ready}\n`
}

/** How this very program is called by hand: installed, or from its sources with the Node.js that came with them. */
function ownCommand(): string {
  const program = process.argv[1] ?? ''
  return program.endsWith('.ts') ? `npx node ${relative(process.cwd(), program)}` : 'gatehouse'
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
    .join('\n')
    .concat('\n')
}

/** Listens from the first moment on, so that a Ctrl-C while it starts leaves nothing behind either. */
function listenForStop(): StopRequest {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let asked = false
  let tell: () => void = () => {}
  const told = new Promise<void>((resolve) => {
    tell = resolve
  })
  const onSignal = () => {
    // Who asks twice does not want to wait.
    if (asked) process.exit(exitCodes.failure)
    asked = true
    tell()
  }
  for (const signal of signals) process.on(signal, onSignal)
  return {
    asked: told,
    isAsked: () => asked,
    done: () => {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
