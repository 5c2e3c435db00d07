import { resolveSrv as platformResolveSrv } from 'node:dns/promises'
import { untilAborted } from '../deadlines.ts'
import { KerberosError } from '../kerberos-error.ts'
import { type KdcAddress, parseKdcAddress } from './kdc-address.ts'

/** One answer of an SRV query (RFC 2782), as node:dns gives it. */
export interface ServiceRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

export type ResolveSrv = (name: string) => Promise<readonly ServiceRecord[]>

export interface KdcDirectoryOptions {
  /** KDCs by realm; a realm that is not in it is looked up in the DNS. */
  readonly configured: Readonly<Record<string, readonly string[]>>
  readonly resolveSrv?: ResolveSrv | undefined
  /** Milliseconds since some start; only differences count. */
  readonly monotonic?: () => number
}

export interface KdcDirectory {
  /**
   * The KDCs of a realm in the order to try them: those that failed lately last.
   * @throws {KerberosError} `kdc-unreachable` where none is known.
   */
  locate(realm: string, signal: AbortSignal): Promise<readonly KdcAddress[]>
  /** Notes that a KDC did not answer: it goes to the end for a minute. */
  failed(address: KdcAddress): void
  /** Notes that one answered. */
  answered(address: KdcAddress): void
}

/** node:dns does not tell how long an answer may be kept. */
const KEEP_RECORDS = 300_000
const AVOID_FAILED = 60_000
/** More records than any realm has sites in reach; each could cost an attempt. */
const MOST_ADDRESSES = 16
const MOST_REALMS = 64

/**
 * Knows where the KDCs of realms are: from the configuration, else from `_kerberos._tcp.REALM` (RFC 4120 §7.2.3.2).
 * @throws {TypeError} for a configured address that is none.
 */
export function createKdcDirectory(options: KdcDirectoryOptions): KdcDirectory {
  const { resolveSrv = platformResolveSrv, monotonic = () => performance.now() } = options
  const configured = new Map(
    Object.entries(options.configured).map(([realm, kdcs]) => [realm, kdcs.map(parseKdcAddress)]),
  )
  const discovered = new Map<string, { readonly until: number; readonly addresses: readonly KdcAddress[] }>()
  const failures = new Map<string, number>()
  const keyOf = ({ host, port }: KdcAddress) => `${host} ${port}`

  const discover = async (realm: string): Promise<readonly KdcAddress[]> => {
    const name = `_kerberos._tcp.${realm}`
    let records: readonly ServiceRecord[]
    try {
      records = await resolveSrv(name)
    } catch (cause) {
      const message = `no KDC of ${realm} is configured and the DNS has no ${name}`
      throw new KerberosError('kdc-unreachable', message, { cause, realm })
    }
    // RFC 2782: a single record whose target is the root says that there is no such service.
    const usable = records.filter((record) => record.name !== '' && record.name !== '.')
    if (usable.length === 0) {
      throw new KerberosError('kdc-unreachable', `the DNS says that ${realm} has no KDC (${name})`, { realm })
    }
    return inOrderOfPreference(usable).slice(0, MOST_ADDRESSES)
  }

  return {
    locate: async (realm, signal) => {
      const now = monotonic()
      let addresses = configured.get(realm)
      if (addresses === undefined) {
        let kept = discovered.get(realm)
        if (kept === undefined || kept.until < now) {
          kept = { until: now + KEEP_RECORDS, addresses: await untilAborted(discover(realm), signal) }
          if (discovered.size >= MOST_REALMS) discovered.clear()
          discovered.set(realm, kept)
        }
        addresses = [...kept.addresses]
      }
      const bad = (address: KdcAddress) =>
        (failures.get(keyOf(address)) ?? Number.NEGATIVE_INFINITY) > now - AVOID_FAILED
      return [...addresses.filter((address) => !bad(address)), ...addresses.filter(bad)]
    },
    failed: (address) => {
      if (failures.size >= MOST_ADDRESSES * MOST_REALMS) failures.clear()
      failures.set(keyOf(address), monotonic())
    },
    answered: (address) => {
      if (failures.size > 0) failures.delete(keyOf(address))
    },
  }
}

/** RFC 2782: lowest priority first; within one, drawn by weight. */
function inOrderOfPreference(records: readonly ServiceRecord[]): KdcAddress[] {
  const drawn = records.map((record) => ({ record, lot: Math.random() ** (1 / Math.max(record.weight, 0.01)) }))
  drawn.sort((a, b) => a.record.priority - b.record.priority || b.lot - a.lot)
  return drawn.map(({ record }) => ({ host: record.name.replace(/\.$/, ''), port: record.port }))
}
