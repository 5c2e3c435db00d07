import { stat } from 'node:fs/promises'
import { ListenerError } from './listener-error.ts'
import type { ListenerLog } from './listener-log.ts'
import {
  type CertificateFiles,
  filesOf,
  loadServerCertificate,
  type ServerCertificate,
  wildcardFor,
} from './server-certificate.ts'

/** The certificates of one https listener. */
export interface CertificateSet {
  /** The certificate for a server name (SNI) or host; an exact name wins over a wildcard, then the order of configuration. */
  for(host: string): ServerCertificate | undefined
  /**
   * Looks at the files again and takes up what was replaced, for connections from now on. A replacement that cannot be
   * served is logged and tried again at the next call; until then the certificate that was there is served.
   */
  reload(): Promise<void>
}

interface CertificateSetOptions {
  files: readonly CertificateFiles[]
  /** Host names that must be covered. */
  hosts: () => readonly string[]
  now: () => Date
  log: ListenerLog
}

interface Place {
  files: CertificateFiles
  /** When and how large the files were when they were last looked at. */
  stamp: string
  /** Why the files as they are now are not what is served. */
  trouble?: string | undefined
  served: ServerCertificate
}

/**
 * Loads certificates, all or none.
 * @throws {ListenerError} `certificate`: every file that cannot be served with its reason, or the hosts that no
 * certificate covers.
 */
export async function openCertificateSet({ files, hosts, now, log }: CertificateSetOptions): Promise<CertificateSet> {
  const places = await loadAll(files, now())
  let find = index(places.map(({ served }) => served))
  const uncovered = hosts().filter((host) => find(host) === undefined)
  if (uncovered.length > 0) throw uncoveredError(uncovered, files)
  for (const { served } of places) {
    if (hosts().length > 0 && !hosts().some(served.covers)) {
      log.warn({ file: served.file, names: served.names }, 'certificate covers no host that is served')
    }
  }

  const reload = async () => {
    const replaced = new Map<Place, ServerCertificate>()
    for (const place of places) {
      const stamp = await stampOf(place.files)
      if (stamp === place.stamp && place.trouble === undefined) continue
      place.stamp = stamp
      const outcome = await loadServerCertificate(place.files, now()).catch((error: unknown) => error)
      if (isServerCertificate(outcome)) replaced.set(place, outcome)
      else complain(place, outcome instanceof Error ? outcome.message : String(outcome), log)
    }
    if (replaced.size === 0) return
    const changed = index(places.map((place) => replaced.get(place) ?? place.served))
    const lost = hosts().filter((host) => find(host) !== undefined && changed(host) === undefined)
    if (lost.length > 0) {
      for (const [place, { file }] of replaced) complain(place, `${file} does not cover ${someOf(lost)}`, log)
      return
    }
    for (const [place, certificate] of replaced) {
      place.served = certificate
      place.trouble = undefined
      log.info({ file: certificate.file, notAfter: certificate.notAfter.toISOString() }, 'certificate taken up')
    }
    find = changed
  }

  let reloading: Promise<void> = Promise.resolve()
  return {
    for: (host) => find(host),
    reload() {
      reloading = reloading.then(reload)
      return reloading
    },
  }
}

async function loadAll(files: readonly CertificateFiles[], now: Date): Promise<Place[]> {
  // Stamps first: a file that is replaced while it is being read shows at the next look.
  const stamps = await Promise.all(files.map(stampOf))
  const loaded = await Promise.allSettled(files.map((each) => loadServerCertificate(each, now)))
  const troubles = loaded.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as Error)
  const [first, ...others] = troubles
  if (first !== undefined) {
    const message = troubles.map((trouble) => trouble.message).join('. ')
    throw others.length === 0 ? first : new ListenerError('certificate', message, { cause: troubles })
  }
  return loaded
    .filter((outcome) => outcome.status === 'fulfilled')
    .map(({ value }, number) => ({ files: files[number] ?? {}, stamp: stamps[number] ?? '', served: value }))
}

function index(certificates: readonly ServerCertificate[]): (host: string) => ServerCertificate | undefined {
  const byName = new Map<string, ServerCertificate>()
  for (const certificate of certificates) {
    for (const name of certificate.names) if (!byName.has(name)) byName.set(name, certificate)
  }
  return (host) => byName.get(host) ?? byName.get(wildcardFor(host))
}

/** Changes whenever one of the files was written, replaced, or given other permissions. */
async function stampOf(files: CertificateFiles): Promise<string> {
  const stamps = filesOf(files).map(async (file) => {
    try {
      const { mtimeNs, ctimeNs, size, ino } = await stat(file, { bigint: true })
      return `${mtimeNs} ${ctimeNs} ${size} ${ino}`
    } catch {
      return 'none'
    }
  })
  return (await Promise.all(stamps)).join(' | ')
}

function complain(place: Place, trouble: string, log: ListenerLog): void {
  if (place.trouble === trouble) return
  place.trouble = trouble
  const { file, notAfter } = place.served
  log.warn({ file, reason: trouble, notAfter: notAfter.toISOString() }, 'replaced certificate not taken up')
}

function uncoveredError(hosts: readonly string[], files: readonly CertificateFiles[]): ListenerError {
  const among = files.flatMap(({ pkcs12, certificate }) => pkcs12 ?? certificate ?? []).join(', ')
  return new ListenerError('certificate', `No certificate of ${among} covers ${someOf(hosts)}`)
}

function someOf(hosts: readonly string[]): string {
  const named = hosts.slice(0, 5).join(', ')
  return hosts.length > 5 ? `${named} and ${hosts.length - 5} more hosts` : named
}

function isServerCertificate(outcome: unknown): outcome is ServerCertificate {
  return typeof outcome === 'object' && outcome !== null && 'context' in outcome
}
