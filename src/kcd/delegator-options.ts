import type { LookupFunction } from 'node:net'
import { lookupByMap } from './host-lookup.ts'
import type { ResolveSrv } from './kdc/kdc-directory.ts'
import {
  firstPrincipalOf,
  type KeytabSource,
  keytabKeys,
  type LongTermKeys,
  passwordKeys,
} from './kdc/long-term-keys.ts'
import { parsePrincipal, parseRealm, type UserNameForm } from './principal-name.ts'

export interface KerberosDelegatorOptions {
  /** Realm of our own account, in the letters the KDC has (by custom upper case). */
  readonly realm: string
  /** KDCs of the realm, tried in this order: `host`, `host:port`. Default: what `_kerberos._tcp.REALM` in the DNS says. */
  readonly kdcs?: readonly string[] | undefined
  /** KDCs of other realms that trusts lead to. Default: the DNS. */
  readonly realms?: Readonly<Record<string, { readonly kdcs: readonly string[] }>> | undefined
  /** Our own account: `HTTP/gateway.example.test`, `svc-gateway`. */
  readonly principal: string
  /** Its keys: path of a keytab that its owner alone may read, or the keytab itself. */
  readonly keytab?: KeytabSource | undefined
  /** Its password, instead of a keytab. */
  readonly password?: string | undefined
  /** Takes keytab files that their group may read. Default: false. */
  readonly allowGroupReadableKeytab?: boolean | undefined
  /** Keytab of an account (of the machine, usually) whose ticket armours our authentication: FAST, RFC 6113. */
  readonly armourKeytab?: KeytabSource | undefined
  /** Account in the armour keytab. Default: its first entry. */
  readonly armourPrincipal?: string | undefined
  /** How people are named to the KDC. Default: `principal` where the suffix is the realm, else `enterprise`. */
  readonly userName?: UserNameForm | undefined
  /** Delegation is granted by the backends' accounts, so evidence that is not forwardable will do. Default: false. */
  readonly resourceBased?: boolean | undefined
  /** Seconds until `negotiate` gives up. Default: 10. */
  readonly timeout?: number | undefined
  /** Seconds of a KDC's silence before the next one is asked as well. Default: 1. */
  readonly patience?: number | undefined
  /** Largest difference to a KDC's clock, in seconds, that is corrected. Default: 300. */
  readonly largestClockSkew?: number | undefined
  /** Seconds that tickets are asked for: so long a person who was disabled keeps them. Default: 3600. */
  readonly ticketLifetime?: number | undefined
  /** Service tickets that are kept, one for each person and service. Default: 10,000. */
  readonly mostTickets?: number | undefined
  /**
   * Requests to KDCs that may be under way at once. Default: 6. More gain nothing: a KDC of MIT lets no more connections
   * wait than that, and the next ones only try again after a second.
   */
  readonly mostRequests?: number | undefined
  /** Addresses of KDCs' names, as curl's `--resolve`. */
  readonly resolve?: Readonly<Record<string, string>> | undefined
  /** How other names become addresses. Default: the system's. */
  readonly lookup?: LookupFunction | undefined
  /** SRV queries. Default: the system's name servers. */
  readonly resolveSrv?: ResolveSrv | undefined
  /** Our clock. Default: the machine's. */
  readonly now?: (() => Date) | undefined
}

/** The options as they are used: checked, with their defaults, times in milliseconds where nothing else is said. */
export interface DelegatorSettings {
  readonly realm: string
  readonly keys: LongTermKeys
  readonly armor: (() => Promise<LongTermKeys>) | undefined
  readonly kdcs: Readonly<Record<string, readonly string[]>>
  readonly lookup: LookupFunction | undefined
  readonly resolveSrv: ResolveSrv | undefined
  readonly userName: UserNameForm | undefined
  readonly resourceBased: boolean
  readonly timeout: number
  readonly patience: number
  readonly largestClockSkew: number
  /** Seconds. */
  readonly ticketLifetime: number
  readonly mostTickets: number
  readonly mostRequests: number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** @throws {TypeError} for an option that cannot be. */
export function delegatorSettings(options: KerberosDelegatorOptions): DelegatorSettings {
  const { principal, keytab, password, resolve, lookup, now = () => new Date() } = options
  if ((keytab === undefined) === (password === undefined)) throw new TypeError('either keytab or password is needed')
  const realm = option('realm', () => parseRealm(options.realm))
  const own = option('principal', () => parsePrincipal(principal, realm))
  if (own.realm !== realm) throw new TypeError(`principal: ${principal} does not lie in the realm ${realm}`)
  const file = { allowGroupReadable: options.allowGroupReadableKeytab ?? false }
  return {
    realm,
    keys: keytab === undefined ? passwordKeys(password as string, own) : keytabKeys(keytab, own, file),
    armor: armorOf(options, realm, file),
    kdcs: kdcsByRealm(realm, options),
    lookup: resolve === undefined ? lookup : lookupByMap(resolve, lookup),
    resolveSrv: options.resolveSrv,
    userName: options.userName,
    resourceBased: options.resourceBased ?? false,
    timeout: seconds('timeout', options.timeout ?? 10),
    patience: seconds('patience', options.patience ?? 1),
    largestClockSkew: seconds('largestClockSkew', options.largestClockSkew ?? 300, 0),
    ticketLifetime: seconds('ticketLifetime', options.ticketLifetime ?? 3600) / 1000,
    mostTickets: positive('mostTickets', options.mostTickets ?? 10_000),
    mostRequests: positive('mostRequests', options.mostRequests ?? 6),
    now: () => now().getTime(),
  }
}

function armorOf(
  { armourKeytab, armourPrincipal }: KerberosDelegatorOptions,
  realm: string,
  file: { readonly allowGroupReadable: boolean },
) {
  if (armourKeytab === undefined) return undefined
  const named =
    armourPrincipal === undefined ? undefined : option('armourPrincipal', () => parsePrincipal(armourPrincipal, realm))
  if (named !== undefined && named.realm !== realm) {
    throw new TypeError(`armourPrincipal: ${armourPrincipal} does not lie in the realm ${realm}`)
  }
  return async () => keytabKeys(armourKeytab, named ?? (await firstPrincipalOf(armourKeytab, realm, file)), file)
}

function kdcsByRealm(
  realm: string,
  { kdcs, realms = {} }: KerberosDelegatorOptions,
): Record<string, readonly string[]> {
  const others = Object.entries(realms).map(([name, other]) => [option('realms', () => parseRealm(name)), other.kdcs])
  const own = kdcs === undefined || kdcs.length === 0 ? [] : [[realm, kdcs]]
  return Object.fromEntries([...others, ...own])
}

/** A wrong name in an option is the programmer's, not the network's. */
function option<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new TypeError(`${name}: ${(cause as Error).message}`, { cause })
  }
}

/** @returns milliseconds. */
function seconds(name: string, value: number, least = 0.001): number {
  if (!Number.isFinite(value) || value < least) throw new TypeError(`${name} must be seconds, ${least} or more`)
  return value * 1000
}

function positive(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`${name} must be a whole number, 1 or more`)
  return value
}
