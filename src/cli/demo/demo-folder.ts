/**
 * The folder of a demo: `gatehouse.yaml`, `master.key`, `data/`, `tls/` with `--tls`, `demo.json`, and the log. Made when
 * it is not there; taken up as it is, with what a person changed in `gatehouse.yaml`, when the demo made it before.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { type Document, isMap, isSeq, parseDocument } from 'yaml'
import { createMasterKey } from '../../sts/keys/master-key.ts'
import { CliError } from '../cli-error.ts'
import { lockDataFolder } from '../data-folder-lock.ts'
import { makeFolder } from '../make-folder.ts'
import { type DemoOptions, requireLoopback } from './demo-options.ts'
import { type DemoAddress, demoHosts, demoOrigin } from './demo-plan.ts'
import { demoKerberos } from './kerberos/demo-account.ts'

export interface DemoFolder {
  /** Absolute. */
  readonly path: string
  readonly configurationFile: string
  readonly logFile: string
  readonly address: DemoAddress
  /** PEM file of the demo's own certificate authority, with TLS. */
  readonly authority: string | undefined
  /** Whether it is removed when the demo ends. */
  readonly temporary: boolean
  /** Removes it, where it is temporary. */
  remove(): Promise<void>
}

const defaultPort = 8080
const defaultAddress = '127.0.0.1'
const marker = ' Made by "gatehouse demo", which goes on with this folder only as long as this line is here.'

/**
 * Makes or takes up the folder that the options name.
 * @throws {CliError} `file` or `not-permitted` for a folder that cannot be used, `configuration` for one that is not a
 * demo's, `listen` for an address that is not loopback or a port that cannot be had.
 */
export async function openDemoFolder(options: DemoOptions): Promise<DemoFolder> {
  const path = options.data === undefined ? await mkdtemp(join(tmpdir(), 'gatehouse-demo-')) : resolve(options.data)
  const remove = () => (options.data === undefined ? rm(path, { recursive: true, force: true }) : Promise.resolve())
  try {
    makeFolder(path)
    return { ...(await furnish(path, options)), temporary: options.data === undefined, remove }
  } catch (error) {
    await remove()
    throw error instanceof CliError ? error : unusable(path, error)
  }
}

async function furnish(path: string, options: DemoOptions): Promise<Omit<DemoFolder, 'temporary' | 'remove'>> {
  const configurationFile = join(path, 'gatehouse.yaml')
  const configuration = await readConfiguration(configurationFile)
  const listener = readListener(configuration)
  const host = options.address ?? listener.address ?? defaultAddress
  for (const address of [host, ...furtherAddresses(configuration)]) requireLoopback(address)
  // Another demo that runs on it must not find its configuration changed.
  const lock = await lockDataFolder(join(path, 'data'))
  lock.release()
  const port = await claimPort(host, options.port ?? listener.port ?? defaultPort)
  const kdcPort = await claimKdcPort(configuration, options)
  const address = { port, tls: options.tls ?? listener.tls ?? false, ...(kdcPort !== undefined && { kdcPort }) }
  const certificates = address.tls ? await serverCertificates(join(path, 'tls'), address) : undefined
  configuration.setIn(['resolve', '*.contoso.localhost'], host)
  configuration.setIn(['resolve', '*.backend.localhost'], '127.0.0.1')
  configuration.setIn(['listeners', 0], {
    address: host,
    port,
    protocol: address.tls ? 'https' : 'http',
    ...(certificates && {
      certificates: [...certificates.hosts.values()].map(({ certificate, key }) => ({
        certificate: relative(path, certificate),
        key: relative(path, key),
      })),
    }),
  })
  configuration.setIn(['sts', 'url'], demoOrigin('sts', address))
  if (kdcPort === undefined) configuration.delete('kerberos')
  else configuration.setIn(['kerberos'], configuration.createNode(kerberosOf(kdcPort)))
  await makeMasterKey(join(path, 'master.key'))
  const draft = join(path, '.gatehouse.yaml')
  await writeFile(draft, configuration.toString(), { mode: 0o600 })
  await rename(draft, configurationFile)
  return { path, configurationFile, logFile: join(path, 'gatehouse.log'), address, authority: certificates?.authority }
}

async function readConfiguration(file: string): Promise<Document> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    const fresh = parseDocument('roles: [sts, proxy]\ndata: data\nmasterKeyFile: master.key\nlisteners: []\n')
    fresh.commentBefore = marker
    return fresh
  }
  // Its accounts have a password that everybody knows: never add them to an installation that is somebody's own.
  if (!text.includes(marker))
    throw new CliError('configuration', `${file} is not the demo's: give the demo a folder of its own`)
  const document = parseDocument(text)
  const [error] = document.errors
  if (error !== undefined || !isMap(document.contents))
    throw new CliError(
      'configuration',
      `${file} cannot be read: ${error?.message.split('\n', 1)[0] ?? 'no keys in it'}`,
    )
  return document
}

function readListener(configuration: Document): { address?: string; port?: number; tls?: boolean } {
  const address = configuration.getIn(['listeners', 0, 'address'])
  const port = configuration.getIn(['listeners', 0, 'port'])
  const protocol = configuration.getIn(['listeners', 0, 'protocol'])
  return {
    ...(typeof address === 'string' && { address }),
    ...(typeof port === 'number' && { port }),
    ...(typeof protocol === 'string' && { tls: protocol === 'https' }),
  }
}

/** The addresses of listeners that a person added. */
function furtherAddresses(configuration: Document): string[] {
  const listeners = configuration.get('listeners')
  if (!isSeq(listeners)) return []
  return listeners.items.slice(1).flatMap((listener) => {
    const address = isMap(listener) ? listener.get('address') : undefined
    return typeof address === 'string' ? [address] : []
  })
}

/** Finds out before anything is stored that the port can be listened on, and which one 0 stands for. */
function claimPort(host: string, port: number): Promise<number> {
  return new Promise((done, reject) => {
    const probe = createServer()
    probe.once('error', (cause) => reject(portError(host, port, cause)))
    probe.listen({ host, port }, () => {
      const address = probe.address()
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : port))
    })
  })
}

/** Undefined where the demo has no Kerberos; before anything is stored, whether it can. */
async function claimKdcPort(configuration: Document, options: DemoOptions): Promise<number | undefined> {
  if (!(options.kerberos ?? configuration.has('kerberos'))) return undefined
  const [{ requireDebianPackages }, { freePort }] = await Promise.all([
    import('./kerberos/debian-packages.ts'),
    import('./kerberos/free-port.ts'),
  ])
  requireDebianPackages()
  const before = configuration.getIn(['kerberos', 'kdcs', 0])
  return freePort(Number(/:(\d+)$/.exec(String(before))?.[1] ?? 0))
}

function kerberosOf(kdcPort: number) {
  const { realm, principal, keytab } = demoKerberos
  return { realm, kdcs: [`127.0.0.1:${kdcPort}`], principal, keytab }
}

function portError(host: string, port: number, cause: Error): CliError {
  const code = errorCode(cause)
  const why =
    code === 'EADDRINUSE'
      ? `port ${port} on ${host} is in use: stop what listens there, or choose another with --port`
      : code === 'EACCES'
        ? `port ${port} is not for this account: choose one from 1024 on with --port`
        : `port ${port} on ${host} cannot be listened on: ${cause.message}`
  return new CliError('listen', why, { cause })
}

async function makeMasterKey(file: string): Promise<void> {
  try {
    await readFile(file)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await createMasterKey(file)
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: 'no folder can be made there',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'it lies below something that is not a folder',
  EEXIST: 'there is a file of that name',
  ENOSPC: 'the disk is full',
  ENAMETOOLONG: 'the name is too long',
}

function unusable(path: string, cause: unknown): CliError {
  const code = errorCode(cause) ?? ''
  const why = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new CliError('file', `the folder ${path} cannot be used: ${why}`, { cause })
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What makes certificates is large, and needed with `--tls` alone. */
async function serverCertificates(folder: string, address: DemoAddress) {
  const { demoCertificates } = await import('./demo-certificates.ts')
  return demoCertificates(folder, demoHosts(address))
}
