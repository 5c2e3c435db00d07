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
import { encodeCredentialCache } from './credential-cache.ts'
import { createDeadlines } from './deadlines.ts'
import { createDelegatedTickets, type DelegationStep } from './delegated-tickets.ts'
import { delegatorSettings, type KerberosDelegatorOptions } from './delegator-options.ts'
import type { ExchangeParts } from './kdc/exchange-parts.ts'
import type { GrantedTicket } from './kdc/granted-ticket.ts'
import { createKdcClient } from './kdc/kdc-client.ts'
import { createKdcDirectory } from './kdc/kdc-directory.ts'
import { createRealmClocks } from './kdc/realm-clocks.ts'
import { createTicketGrantingTickets } from './kdc/ticket-granting-tickets.ts'
import { KerberosError } from './kerberos-error.ts'
import { createAuthenticatorClock } from './messages/authenticator.ts'
import { parseBackendService, type UserNameForm, userPrincipal } from './principal-name.ts'
import { createSharedWork } from './shared-work.ts'
import { type BackendProof, checkBackendAnswer } from './spnego/backend-answer.ts'
import { createNegotiator, type Negotiation, type Negotiator, type ServiceCredential } from './spnego/negotiator.ts'
import { createTicketCache, usableUntil } from './ticket-cache.ts'

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

/** A ticket as young as this, in milliseconds, is not why a backend refused. */
const FRESH = 10_000
const MOST_BINDINGS = 4

/**
 * Opens a delegator for one account of ours. Nothing is sent before it is needed.
 * @throws {TypeError} for an option that cannot be.
 */
export function createKerberosDelegator(options: KerberosDelegatorOptions): KerberosDelegator {
  const settings = delegatorSettings(options)
  const { realm, keys, armor, ticketLifetime, mostTickets } = settings
  const deadlines = createDeadlines(settings.timeout)
  const clocks = createRealmClocks(settings.now, settings.largestClockSkew)
  const authenticators = createAuthenticatorClock()
  const directory = createKdcDirectory({ configured: settings.kdcs, resolveSrv: settings.resolveSrv })
  const { lookup, patience, mostRequests: mostAtOnce } = settings
  const kdc = createKdcClient({ directory, lookup, patience, mostAtOnce })
  const parts: ExchangeParts = { kdc, clocks, authenticators, ticketLifetime }
  const tickets = createTicketGrantingTickets(parts, { keys, armor, deadlines })
  const delegated = createDelegatedTickets({ ...parts, keys, tickets, deadlines, mostTickets })
  const kept = createTicketCache<KeptTicket>(mostTickets)
  const work = createSharedWork<KeptTicket>(deadlines)
  let generation = 0
  let closed = false

  const acquire = (request: DelegationRequest, key: string): Promise<KeptTicket> => {
    const begun = generation
    return work.share(`${key}\n${begun}`, request.signal, async (signal) => {
      const { upn, onTicket, userName = settings.userName, resourceBased = settings.resourceBased } = request
      const service = parseBackendService(request.spn)
      const user = userPrincipal(upn, realm, userName)
      const granted = await delegated.fetch({ upn, user, service, resourceBased, onTicket }, signal)
      const made: KeptTicket = {
        upn,
        granted,
        usableUntil: usableUntil(granted),
        fetchedAt: clocks.now(realm),
        plain: createNegotiator(credentialOf(granted), { clock: authenticators }),
        bound: new Map(),
      }
      // A person who was forgotten meanwhile is asked for again.
      if (begun === generation) kept.set(key, made)
      return made
    })
  }

  const ticketFor = (request: DelegationRequest): KeptTicket | Promise<KeptTicket> => {
    const { upn, spn, userName = '', resourceBased = '', fresh = false } = request
    // Only names that were checked are in the cache, and none of them has a line break.
    const key = `${upn}\n${spn}\n${userName}${resourceBased}`
    const time = clocks.now(realm)
    const known = kept.get(key, time)
    if (known !== undefined && (!fresh || time - known.fetchedAt < FRESH)) return known
    if (closed) return Promise.reject(new KerberosError('closed', 'the delegator has been closed'))
    if (known !== undefined) delegated.forget((other) => other === upn)
    return acquire(request, key)
  }

  const negotiation = (ticket: KeptTicket, channelBinding: Uint8Array | undefined): Negotiation => {
    const time = clocks.now(realm)
    if (channelBinding === undefined) return ticket.plain.next(time)
    const id = Buffer.from(channelBinding).toString('latin1')
    let negotiator = ticket.bound.get(id)
    if (negotiator === undefined) {
      if (ticket.bound.size >= MOST_BINDINGS) ticket.bound.clear()
      negotiator = createNegotiator(credentialOf(ticket.granted), { clock: authenticators, channelBinding })
      ticket.bound.set(id, negotiator)
    }
    return negotiator.next(time)
  }

  const forget = (condition: (upn: string) => boolean) => {
    generation++
    kept.deleteWhere(({ upn }) => condition(upn))
    delegated.forget(condition)
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
      const offset = (clocks.now(realm) - settings.now()) / 1000
      return encodeCredentialCache(granted.client, [{ ...granted, ticket: granted.ticket.encoded }], offset)
    },
    forget: (upn) => forget((other) => other.toLowerCase() === upn.toLowerCase()),
    get tickets() {
      return kept.size
    },
    close: async () => {
      closed = true
      deadlines.close()
      forget(() => true)
      tickets.forget()
    },
  }
}

function credentialOf({ ticket, sessionKey, client }: GrantedTicket): ServiceCredential {
  return { ticket: ticket.encoded, sessionKey, client }
}
