import { type CertificateSet, openCertificateSet } from './certificate-set.ts'
import { checkConfig, type ListenerConfig } from './listener-config.ts'
import type { ListenerLog } from './listener-log.ts'
import {
  closeListener,
  type OpenListener,
  openListener,
  type RunningListener,
  type Timeouts,
} from './listening-server.ts'
import type { Site } from './site.ts'

// The sockets that Gatehouse listens on. Each listener is a Node server with strict limits; what comes in goes through
// the front door (front-door.ts) to the site that has the host. An https listener serves one certificate per external
// host by SNI; a client that names no host of ours, or none at all, meets a certificate that names nobody, and 421.

export type { ListenerConfig } from './listener-config.ts'
export type { ListenerLog } from './listener-log.ts'
export type { OpenListener, Timeouts } from './listening-server.ts'
export type { CertificateFiles } from './server-certificate.ts'

export interface ListenersOptions {
  listeners: readonly ListenerConfig[]
  sites: readonly Site[]
  log: ListenerLog
  /** The clock that certificates are judged by; default the system's. */
  now?: (() => Date) | undefined
  /** Seconds between two looks at the certificate files; default 5. */
  certificateInterval?: number | undefined
  /** Seconds that a client may take; the defaults are meant for service, others for tests. */
  timeouts?: Partial<Timeouts> | undefined
}

export interface Listeners {
  readonly addresses: OpenListener[]
  /** Whether every https listener has a certificate for a host; to be asked before something is published there. */
  covers(host: string): boolean
  /** Takes up replaced certificate files now, instead of at the next look. Never rejects: what is wrong is logged. */
  reloadCertificates(): Promise<void>
  /**
   * Stops accepting, lets what is in flight finish, closes idle connections. More than once does no harm.
   * @param options.deadline seconds after which what is still open is cut off; default 10.
   */
  close(options?: { deadline?: number }): Promise<void>
}

/**
 * Opens all listeners, or none.
 * @throws {ListenerError} `address`, `port-in-use`, `port-forbidden`, `plain-http`, `configuration`, `certificate`.
 */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const { listeners: configs, sites, log, now = () => new Date(), certificateInterval = 5, timeouts } = options
  const hosts = () => sites.flatMap((site) => site.hosts())
  for (const config of configs) checkConfig(config)

  const sets = new Map<ListenerConfig, CertificateSet>()
  for (const config of configs) {
    if (config.protocol !== 'https') continue
    sets.set(config, await openCertificateSet({ files: config.certificates ?? [], hosts, now, log }))
  }
  const nobody = sets.size === 0 ? undefined : await certificateOfNobody(now())

  const running: RunningListener[] = []
  const httpsPort = () => running.find(({ opened }) => opened.protocol === 'https')?.opened.port ?? 443
  try {
    for (const config of configs) {
      running.push(await openListener({ config, sites, log, timeouts, set: sets.get(config), nobody, httpsPort }))
    }
  } catch (error) {
    await Promise.all(running.map((listener) => closeListener(listener, 0)))
    throw error
  }

  const reloadCertificates = async () => {
    for (const set of sets.values()) await set.reload()
  }
  const watch = sets.size === 0 ? undefined : setInterval(reloadCertificates, certificateInterval * 1000).unref()

  const end = async (deadline: number) => {
    clearInterval(watch)
    const closed = running.map((listener) => closeListener(listener, deadline))
    for (const site of sites) site.closing?.()
    await Promise.all(closed)
  }
  let closing: Promise<void> | undefined
  return {
    addresses: running.map(({ opened }) => opened),
    covers: (host) => [...sets.values()].every((set) => set.for(host) !== undefined),
    reloadCertificates,
    close({ deadline = 10 } = {}) {
      closing ??= end(deadline)
      return closing
    },
  }
}

/** For clients that ask for no host of ours: it tells them nothing, and gives 421 a connection to be sent on. */
async function certificateOfNobody(now: Date): Promise<{ key: string; cert: string }> {
  // Where only http is spoken nothing of this is needed.
  const { createCertificate } = await import('../../sts/keys/certificate.ts')
  const { key, certificate } = await createCertificate({
    commonName: 'No such site',
    purpose: 'signature',
    keyType: 'ec',
    notBefore: new Date(now.getTime() - 86_400_000),
    notAfter: new Date(now.getTime() + 10 * 365 * 86_400_000),
  })
  return { key: key.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: certificate }
}
