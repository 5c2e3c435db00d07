/**
 * From a person's user principal name to a token for one backend, by constrained delegation with protocol transition:
 *
 *     key of our account ── AS ──▶ ticket-granting ticket ─┐
 *     user principal name ── S4U2Self ──▶ evidence ticket ─┴─ S4U2Proxy ──▶ service ticket ── AP-REQ ──▶ SPNEGO token
 *
 * Tickets are kept until shortly before they end, tokens never: each is made for one request or connection. Who may be
 * delegated to what is the KDC's to decide, and before it the caller's: nothing here looks at who is asking.
 * @see [MS-SFU], RFC 4120, RFC 4121, RFC 4178
 */
import type { LookupFunction } from 'node:net'
import { encodeCredentialCache } from './credential-cache.ts'
import { createDeadlines } from './deadlines.ts'
import { lookupByMap } from './host-lookup.ts'
import { requestEvidenceTicket } from './kdc/evidence-ticket.ts'
import type { ExchangeParts } from './kdc/exchange-parts.ts'
import type { GrantedTicket } from './kdc/granted-ticket.ts'
import { createKdcClient } from './kdc/kdc-client.ts'
import { createKdcDirectory, type ResolveSrv } from './kdc/kdc-directory.ts'
import { firstPrincipalOf, type KeytabSource, keytabKeys, passwordKeys } from './kdc/long-term-keys.ts'
import { createRealmClocks } from './kdc/realm-clocks.ts'
import { requestServiceTicket } from './kdc/service-ticket.ts'
import { createTicketGrantingTickets } from './kdc/ticket-granting-tickets.ts'
import { KdcErrorCode } from './kdc-error-facts.ts'
import { KerberosError } from './kerberos-error.ts'
import { createAuthenticatorClock } from './messages/authenticator.ts'
import { hasFlag, TicketFlag } from './messages/flags.ts'
import {
  type Principal,
  parseBackendService,
  parsePrincipal,
  parseRealm,
  type UserNameForm,
  userPrincipal,
} from './principal-name.ts'
import { createSharedWork } from './shared-work.ts'
import { type BackendProof, checkBackendAnswer } from './spnego/backend-answer.ts'
import { createNegotiator, type Negotiation, type Negotiator } from './spnego/negotiator.ts'
import { createTicketCache, usableUntil } from './ticket-cache.ts'

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

export interface DelegationRequest {
  /** User principal name of the person. */
  readonly upn: string
  /** Service principal name of the backend, as configured: `HTTP/app.example.test`. Never from a request. */
  readonly spn: string
  /** Application data of the channel binding for a backend behind TLS (RFC 5929). */
  readonly channelBinding?: Uint8Array | undefined
  /** How this person is named to the KDC, where it differs from the delegator's option. */
  readonly userName?: UserNameForm | undefined
  /** As the delegator's option, for this backend. */
  readonly resourceBased?: boolean | undefined
  /** The backend refused the last token: get a new ticket, unless the one at hand is only seconds old. */
  readonly fresh?: boolean | undefined
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined
  /** Told of each ticket as it comes from the KDC, for a diagnosis; of one that is at hand nothing is told. */
  readonly onTicket?: ((step: DelegationStep, ticket: GrantedTicket) => void) | undefined
}

/** The tickets on the way from a name to a token, in their order. */
export type DelegationStep = 'ticket-granting-ticket' | 'evidence' | 'service-ticket'

/** A token and the check of what the backend says to it. */
export interface BackendNegotiation {
  /** What stands behind `Negotiate ` in the Authorization header. */
  readonly value: string
  /**
   * Judges what stood behind `Negotiate ` in the backend's WWW-Authenticate.
   * @throws {KerberosError} `mutual-authentication`, `malformed`, `integrity` …
   */
  check(answer: string | undefined): BackendProof
}

export interface KerberosDelegator {
  /** Realm of our own account. */
  readonly realm: string
  /**
   * A token for one request or connection.
   * @returns the value behind `Negotiate `.
   * @throws {KerberosError} with any of its codes.
   */
  negotiate(request: DelegationRequest): Promise<string>
  /** As `negotiate`, with the check of the backend's answer. @throws {KerberosError} */
  begin(request: DelegationRequest): Promise<BackendNegotiation>
  /**
   * The service ticket as a credential cache of MIT's format, for klist and other tools.
   * @throws {KerberosError} as `negotiate`.
   */
  credentialCache(request: DelegationRequest): Promise<Buffer>
  /** Forgets a person's tickets: signed out, disabled, groups changed. */
  forget(upn: string): void
  /** Number of service tickets that are kept. */
  readonly tickets: number
  /** Ends what is under way and forgets every ticket. */
  close(): Promise<void>
}

interface KeptTicket {
  readonly upn: string
  readonly granted: GrantedTicket
  readonly usableUntil: number
  /** Milliseconds since 1970, by the KDC's clock. */
  readonly fetchedAt: number
  readonly plain: Negotiator
  /** By channel binding: a backend has one certificate, or two while it is being replaced. */
  readonly bound: Map<string, Negotiator>
}

interface KeptEvidence {
  readonly upn: string
  readonly granted: GrantedTicket
  readonly usableUntil: number
}

/** A ticket as young as this, in milliseconds, is not why a backend refused. */
const FRESH = 10_000
const MOST_BINDINGS = 4

/**
 * Opens a delegator for one account of ours. Nothing is sent before it is needed.
 * @throws {TypeError} for an option that cannot be.
 */
export function createKerberosDelegator(options: KerberosDelegatorOptions): KerberosDelegator {
  const { userName, resourceBased = false, now = () => new Date() } = options
  const { own, realm, allowGroupReadable } = accountOptions(options)
  const timeout = seconds('timeout', options.timeout ?? 10)
  const deadlines = createDeadlines(timeout)
  const clocks = createRealmClocks(
    () => now().getTime(),
    seconds('largestClockSkew', options.largestClockSkew ?? 300, 0),
  )
  const authenticators = createAuthenticatorClock()
  const directory = createKdcDirectory({
    configured: kdcsByRealm(realm, options),
    resolveSrv: options.resolveSrv,
  })
  const kdc = createKdcClient({
    directory,
    lookup: options.resolve === undefined ? options.lookup : lookupByMap(options.resolve, options.lookup),
    patience: seconds('patience', options.patience ?? 1),
    mostAtOnce: positive('mostRequests', options.mostRequests ?? 6),
  })
  const ticketLifetime = seconds('ticketLifetime', options.ticketLifetime ?? 3600) / 1000
  const parts: ExchangeParts = { kdc, clocks, authenticators, ticketLifetime }
  const keys =
    options.keytab === undefined
      ? passwordKeys(options.password as string, own)
      : keytabKeys(options.keytab, own, { allowGroupReadable })
  const tickets = createTicketGrantingTickets(parts, { keys, armor: armorOf(options, realm), deadlines })
  const mostTickets = positive('mostTickets', options.mostTickets ?? 10_000)
  const kept = createTicketCache<KeptTicket>(mostTickets)
  const evidences = createTicketCache<KeptEvidence>(mostTickets)
  const work = createSharedWork<KeptTicket>(deadlines)
  const evidenceWork = createSharedWork<KeptEvidence>(deadlines)
  let closed = false

  const evidenceOf = async (upn: string, user: Principal, signal: AbortSignal): Promise<GrantedTicket> => {
    const key = `${upn}\n${user.name.type}`
    const known = evidences.get(key, clocks.now(realm))
    if (known !== undefined) return known.granted
    const fetched = await evidenceWork.share(key, signal, async (inner) => {
      const granted = await requestEvidenceTicket({ ...parts, keys, tickets }, user, inner)
      const evidence = { upn, granted, usableUntil: usableUntil(granted) }
      // What does not lead to a ticket is not kept: tomorrow the account may be delegated.
      if (!closed && hasFlag(granted.flags, TicketFlag.FORWARDABLE)) evidences.set(key, evidence)
      return evidence
    })
    return fetched.granted
  }

  const fetchTicket = async (request: DelegationRequest, signal: AbortSignal): Promise<GrantedTicket> => {
    const service = parseBackendService(request.spn)
    const user = userPrincipal(request.upn, realm, request.userName ?? userName)
    const once = async (tgt: GrantedTicket) => {
      request.onTicket?.('ticket-granting-ticket', tgt)
      const evidence = await evidenceOf(request.upn, user, signal)
      request.onTicket?.('evidence', evidence)
      const granted = await requestServiceTicket(
        parts,
        { tgt, evidence, service, resourceBased: request.resourceBased ?? resourceBased },
        signal,
      )
      request.onTicket?.('service-ticket', granted)
      return granted
    }
    const tgt = await tickets.own(signal)
    try {
      return await once(tgt)
    } catch (error) {
      if (!isStale(error) || !tickets.doubt(tgt)) throw error
      evidences.deleteWhere(({ upn }) => upn === request.upn)
      return once(await tickets.own(signal))
    }
  }

  const acquire = (request: DelegationRequest, key: string): Promise<KeptTicket> =>
    work.share(key, request.signal, async (signal) => {
      const granted = await fetchTicket(request, signal)
      const { ticket, sessionKey, client } = granted
      const credential = { ticket: ticket.encoded, sessionKey, client }
      const made: KeptTicket = {
        upn: request.upn,
        granted,
        usableUntil: usableUntil(granted),
        fetchedAt: clocks.now(realm),
        plain: createNegotiator(credential, { clock: authenticators }),
        bound: new Map(),
      }
      if (!closed) kept.set(key, made)
      return made
    })

  const ticketFor = (request: DelegationRequest): KeptTicket | Promise<KeptTicket> => {
    // Only names that were checked are in the cache, and none of them has a line break.
    const key = `${request.upn}\n${request.spn}\n${request.userName ?? ''}`
    const time = clocks.now(realm)
    const known = kept.get(key, time)
    if (known !== undefined && (request.fresh !== true || time - known.fetchedAt < FRESH)) return known
    if (closed) return Promise.reject(new KerberosError('closed', 'the delegator has been closed'))
    if (known !== undefined) evidences.deleteWhere(({ upn }) => upn === request.upn)
    return acquire(request, key)
  }

  const negotiation = (ticket: KeptTicket, channelBinding: Uint8Array | undefined): Negotiation => {
    if (channelBinding === undefined) return ticket.plain.next(clocks.now(realm))
    const id = Buffer.from(channelBinding).toString('latin1')
    let negotiator = ticket.bound.get(id)
    if (negotiator === undefined) {
      if (ticket.bound.size >= MOST_BINDINGS) ticket.bound.clear()
      const { granted } = ticket
      const credential = { ticket: granted.ticket.encoded, sessionKey: granted.sessionKey, client: granted.client }
      negotiator = createNegotiator(credential, { clock: authenticators, channelBinding })
      ticket.bound.set(id, negotiator)
    }
    return negotiator.next(clocks.now(realm))
  }

  return {
    realm,
    negotiate: async (request) => {
      const ticket = ticketFor(request)
      return negotiation(ticket instanceof Promise ? await ticket : ticket, request.channelBinding).value
    },
    begin: async (request) => {
      const ticket = await ticketFor(request)
      const made = negotiation(ticket, request.channelBinding)
      return { value: made.value, check: (answer) => checkBackendAnswer(answer, made, ticket.granted.sessionKey) }
    },
    credentialCache: async (request) => {
      const { granted } = await ticketFor(request)
      const offset = (clocks.now(realm) - now().getTime()) / 1000
      return encodeCredentialCache(granted.client, [{ ...granted, ticket: granted.ticket.encoded }], offset)
    },
    forget: (upn) => {
      const same = (other: { readonly upn: string }) => other.upn.toLowerCase() === upn.toLowerCase()
      kept.deleteWhere(same)
      evidences.deleteWhere(same)
    },
    get tickets() {
      return kept.size
    },
    close: async () => {
      closed = true
      deadlines.close()
      kept.clear()
      evidences.clear()
      tickets.forget()
    },
  }
}

/** The KDC does not take a ticket any more that it gave: restored, its keys changed, or ours. */
function isStale(error: unknown): boolean {
  return error instanceof KerberosError && error.kdcCode !== undefined && STALE.has(error.kdcCode)
}

const STALE: ReadonlySet<number> = new Set([
  KdcErrorCode.KDC_ERR_TGT_REVOKED,
  KdcErrorCode.KRB_AP_ERR_BAD_INTEGRITY,
  KdcErrorCode.KRB_AP_ERR_TKT_EXPIRED,
  KdcErrorCode.KRB_AP_ERR_TKT_NYV,
  KdcErrorCode.KRB_AP_ERR_MODIFIED,
  KdcErrorCode.KRB_AP_ERR_BADKEYVER,
  KdcErrorCode.KRB_AP_ERR_NOKEY,
  // What MIT's KDC says to a ticket whose key it has no more.
  KdcErrorCode.KRB_ERR_GENERIC,
])

function accountOptions({
  realm,
  principal,
  keytab,
  password,
  allowGroupReadableKeytab = false,
}: KerberosDelegatorOptions) {
  if ((keytab === undefined) === (password === undefined)) throw new TypeError('either keytab or password is needed')
  const own = option('principal', () =>
    parsePrincipal(
      principal,
      option('realm', () => parseRealm(realm)),
    ),
  )
  if (own.realm !== realm) throw new TypeError(`principal: ${principal} does not lie in the realm ${realm}`)
  return { own, realm, allowGroupReadable: allowGroupReadableKeytab }
}

function armorOf(options: KerberosDelegatorOptions, realm: string) {
  const { armourKeytab, armourPrincipal, allowGroupReadableKeytab = false } = options
  if (armourKeytab === undefined) return undefined
  const file = { allowGroupReadable: allowGroupReadableKeytab }
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
