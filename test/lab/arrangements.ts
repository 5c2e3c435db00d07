/**
 * The two ways in which the round trip is walked: everything in one process (the demo itself), and a federation server
 * and a proxy that share nothing but the federation server's public addresses, told of each other by hand as a proxy
 * before a foreign federation server is.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startSampleBackend } from '../../src/cli/demo/sample-backend.ts'
import { createMasterKey } from '../../src/sts/keys/master-key.ts'
import { freePort } from './free-port.ts'
import { gatehouse, type RunningDemo, startDemo, startGatehouse } from './gatehouse.ts'
import { createHttpClient } from './http-client.ts'
import type { Program } from './processes.ts'
import { demoPassword } from './round-trip.ts'

export interface Arrangement {
  /** Base address of the federation service. */
  readonly sts: string
  /** Addresses of the applications, each with a closing slash. */
  readonly crm: string
  readonly wiki: string
  readonly news: string
  /** Whether what ends a session at the federation service is known to the proxy at once. */
  readonly oneProcess: boolean
  /** Runs the command on the federation server's configuration, or on the proxy's. */
  administer(words: readonly string[], input?: string): Promise<string>
  administerProxy(words: readonly string[], input?: string): Promise<string>
  /** Kills every process of it without warning and starts them again on their folders. */
  killAndRestart(): Promise<void>
  close(): Promise<void>
}

/** The demo: federation server, proxy and sample applications in one process. */
export async function inOneProcess(folder: string): Promise<Arrangement> {
  let demo: RunningDemo = await startDemo(folder)
  const administer = (words: readonly string[], input?: string) =>
    gatehouse([...words, '--config', demo.configurationFile], input)
  return {
    sts: demo.file.sts.url,
    crm: demo.url('CRM'),
    wiki: demo.url('Wiki'),
    news: demo.url('News'),
    oneProcess: true,
    administer,
    administerProxy: administer,
    killAndRestart: async () => {
      await demo.program.stop('SIGKILL')
      demo = await startDemo(folder, [])
    },
    close: async () => {
      await demo.program.stop()
    },
  }
}

/** A federation server and a proxy, each a process with a folder of its own; the applications run in this process. */
export async function inTwoProcesses(folder: string): Promise<Arrangement> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    return { ...(await arrangeTwoProcesses(folder, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function arrangeTwoProcesses(
  folder: string,
  closers: (() => Promise<unknown>)[],
): Promise<Omit<Arrangement, 'close'>> {
  const [stsPort, proxyPort] = [await freePort(), await freePort()]
  const sts = `http://sts.contoso.localhost:${stsPort}`
  const address = (label: string) => `http://${label}.contoso.localhost:${proxyPort}/`
  const [crm, wiki, news] = [address('crm'), address('wiki'), address('news')]

  const stsFile = await writeInstallation(join(folder, 'sts'), {
    roles: ['sts'],
    listeners: [{ address: '127.0.0.1', port: stsPort, protocol: 'http' }],
    sts: { url: sts },
  })
  const administer = (words: readonly string[], input?: string) => gatehouse([...words, '--config', stsFile], input)
  // Before any server runs: the command works on the data folder.
  for (const group of ['Staff', 'Editors']) await administer(['group', 'add', group])
  const addPerson = (name: string, ...groups: string[]) =>
    administer(['user', 'add', name, ...groups.map((group) => `--group=${group}`), '--password-stdin'], demoPassword)
  await addPerson('alice@contoso.test', 'Staff', 'Editors')
  await addPerson('bob@contoso.test', 'Staff')
  await administer(['trust', 'add', 'CRM', '--permit-group', 'Staff', '--published-url', crm])
  await administer(['trust', 'add', 'Wiki', '--permit-group', 'Editors', '--published-url', wiki])
  const trusts = JSON.parse(await administer(['trust', 'list', '--json'])) as { id: string; name: string }[]

  const proxyFile = await writeInstallation(join(folder, 'proxy'), {
    roles: ['proxy'],
    resolve: { '*.contoso.localhost': '127.0.0.1', '*.backend.localhost': '127.0.0.1' },
    listeners: [{ address: '127.0.0.1', port: proxyPort, protocol: 'http' }],
    proxy: {
      federationService: {
        metadataUrl: `${sts}/FederationMetadata/2007-06/FederationMetadata.xml`,
        trusts: trusts.map(({ id, name }) => ({ id, name })),
      },
    },
  })
  const administerProxy = (words: readonly string[], input?: string) =>
    gatehouse([...words, '--config', proxyFile], input)

  let programs: Program[] = []
  const start = async () => {
    // Both at once: the proxy serves, and says what it is waiting for, before the federation server is there.
    programs = [proxyFile, stsFile].map((file) => startGatehouse(['serve', '--config', file]))
    await Promise.all(programs.map((program) => program.line(/ready/)))
  }
  const stop = (signal?: NodeJS.Signals) => Promise.all(programs.map((program) => program.stop(signal)))
  closers.push(() => stop())
  await start()

  const backendOf = async (name: string) => {
    const links = { applications: [{ name: 'Wiki', url: wiki }], portal: `${sts}/adfs/portal`, signOut: sts }
    const backend = await startSampleBackend({ application: name, links })
    closers.push(() => backend.close())
    return `http://${name.toLowerCase()}.backend.localhost:${backend.port}/`
  }
  for (const [name, external] of [
    ['CRM', crm],
    ['Wiki', wiki],
  ] as const)
    await administerProxy([
      ...['app', 'publish', '--name', name, '--external-url', external, '--backend-url', await backendOf(name)],
      ...['--preauthentication', 'adfs', '--trust', name, '--identity-header', 'X-Forwarded-User=upn'],
    ])
  await administerProxy([
    // The names that Web Application Proxy has for the same.
    ...['app', 'publish', '-Name', 'News', '-ExternalUrl', news, '-BackendServerUrl', await backendOf('News')],
    ...['-ExternalPreauthentication', 'PassThrough'],
  ])
  await untilSignInIsPossible(crm)
  return {
    ...{ sts, crm, wiki, news },
    oneProcess: false,
    administer,
    administerProxy,
    killAndRestart: async () => {
      await stop('SIGKILL')
      await start()
      await untilSignInIsPossible(crm)
    },
  }
}

/** A proxy that started before the federation server asks for its keys again, at growing intervals, and says so meanwhile. */
async function untilSignInIsPossible(url: string): Promise<void> {
  for (let asked = 0; asked < 100; asked++) {
    const { status } = await createHttpClient().visit(url)
    if (status === 307) return
    if (status !== 503) throw new Error(`${url} answered ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`no sign-in possible at ${url} in time`)
}

async function writeInstallation(folder: string, configuration: object): Promise<string> {
  await mkdir(folder, { recursive: true })
  createMasterKey(join(folder, 'master.key'))
  const file = join(folder, 'gatehouse.yaml')
  await writeFile(file, stringify(configuration))
  return file
}
