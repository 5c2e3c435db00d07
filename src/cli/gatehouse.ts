/**
 * The composition root: opens what a configuration names and joins it, without listening. One process at a time has a
 * data folder open ({@link lockDataFolder}), so what is composed here is the whole truth about it. The server
 * (`serve.ts`) puts listeners in front; a command that finds no server runs its one operation and closes again.
 *
 *     configuration ──▶ lock ──▶ master key ──▶ federation server ──▶ federation service ──▶ proxy's store
 *                                                (role sts)            in process, or foreign   (role proxy)
 */
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FederationService } from '../proxy/federation-service.ts'
import type { ProxyStore } from '../proxy/proxy-store.ts'
import type { FederationServer } from '../sts/federation-server.ts'
import { CliError } from './cli-error.ts'
import type { Configuration } from './configuration/configuration.ts'
import { lockDataFolder } from './data-folder-lock.ts'
import type { Logger } from './log.ts'

/** What the role `proxy` consists of, apart from the forwarding itself. */
export interface ProxyParts {
  readonly store: ProxyStore
  readonly federationService: FederationService
}

/** Everything that a configuration names, open and joined. */
export interface Gatehouse {
  readonly configuration: Configuration
  readonly log: Logger
  readonly masterKey: KeyObject
  /** The federation server; undefined without the role `sts`. */
  readonly sts: FederationServer | undefined
  /** Undefined without the role `proxy`. */
  readonly proxy: ProxyParts | undefined
  /** Closes everything and gives the data folder free; more than once does no harm. */
  close(): Promise<void>
}

export interface OpenOptions {
  readonly log: Logger
  /** Milliseconds to wait for a data folder that is in use; default 0. */
  readonly patience?: number
  /** Called once when there is something to wait for. */
  readonly onWait?: () => void
}

/**
 * Opens a Gatehouse.
 * @throws {CliError} `folder-in-use`, `file`, `not-permitted`; and the rooms' own errors (`master-key`, `newer-schema` …).
 */
export async function openGatehouse(configuration: Configuration, options: OpenOptions): Promise<Gatehouse> {
  const { log, patience = 0, onWait } = options
  const closers: (() => void | Promise<void>)[] = []
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= closeAll(closers, log)
    return closing
  }
  try {
    const lock = await lockDataFolder(configuration.data, { patience, ...(onWait === undefined ? {} : { onWait }) })
    closers.push(() => lock.release())
    const { readMasterKey } = await import('../sts/keys/master-key.ts')
    const { masterKeyFile, allowGroupReadableKey } = configuration
    const masterKey = readMasterKey(masterKeyFile, { allowGroupReadableKey })

    const sts = configuration.sts === undefined ? undefined : await openSts(configuration, masterKey, log)
    if (sts !== undefined) closers.push(() => sts.close())
    const proxy = configuration.roles.includes('proxy')
      ? await openProxy(configuration, masterKey, sts, closers)
      : undefined
    return { configuration, log, masterKey, sts, proxy, close }
  } catch (error) {
    await close()
    throw error
  }
}

// The other way round than opened; what does not close must not keep the rest open.
async function closeAll(closers: readonly (() => void | Promise<void>)[], log: Logger): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close()
    } catch (error) {
      log.error({ err: error }, 'did not close cleanly')
    }
  }
}

async function openSts(configuration: Configuration, masterKey: KeyObject, log: Logger): Promise<FederationServer> {
  const { createFederationServer } = await import('../sts/federation-server.ts')
  const { sts, data, listeners } = configuration
  if (sts === undefined) throw new CliError('role-missing', 'this machine has no federation server')
  try {
    return await createFederationServer({
      ...sts,
      folder: data,
      masterKey,
      trustedProxies: listeners.flatMap(({ trustedProxies }) => trustedProxies),
      log,
      auditStream: (line) => log.info({ audit: JSON.parse(line) as unknown }, 'audit'),
    })
  } catch (cause) {
    // What the schema cannot see, such as a logo that is no picture.
    if (cause instanceof TypeError) throw new CliError('configuration', `sts: ${cause.message}`, { cause })
    throw cause
  }
}

async function openProxy(
  configuration: Configuration,
  masterKey: KeyObject,
  sts: FederationServer | undefined,
  closers: (() => void | Promise<void>)[],
): Promise<ProxyParts> {
  const federationService = await openFederationService(configuration, sts)
  closers.push(() => federationService.close())
  const { openProxyStore } = await import('../proxy/proxy-store.ts')
  const store = await openProxyStore({ file: join(configuration.data, 'proxy.json'), masterKey })
  closers.push(() => store.close())
  return { store, federationService }
}

async function openFederationService(
  configuration: Configuration,
  sts: FederationServer | undefined,
): Promise<FederationService> {
  if (sts !== undefined) {
    const { createFederationServiceInProcess } = await import('./federation-in-process.ts')
    return createFederationServiceInProcess(sts, { services: configuration.kerberos?.services })
  }
  const foreign = configuration.proxy?.federationService
  if (foreign === undefined) throw new CliError('configuration', 'proxy.federationService is missing')
  const [{ openForeignFederationService }, { createFetch }] = await Promise.all([
    import('../proxy/foreign-federation-service.ts'),
    import('./outgoing.ts'),
  ])
  const ca = await readCertificateAuthorities(configuration)
  return openForeignFederationService({ ...foreign, fetch: await createFetch({ resolve: configuration.resolve, ca }) })
}

/** The certificate authorities of `proxy.backendCa`, as PEM text. */
export async function readCertificateAuthorities(configuration: Configuration): Promise<string[]> {
  return Promise.all(
    (configuration.proxy?.backendCa ?? []).map(async (file) => {
      try {
        return await readFile(file, 'latin1')
      } catch (cause) {
        throw new CliError('file', `the certificate authority ${file} (proxy.backendCa) cannot be read`, { cause })
      }
    }),
  )
}
