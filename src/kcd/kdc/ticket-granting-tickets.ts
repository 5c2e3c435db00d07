/** The ticket-granting tickets of our own account: of its realm by the AS exchange, of others by the trusts between realms. */

import type { Deadlines } from '../deadlines.ts'
import { kerberosErrorFromKdc } from '../kdc-refusal.ts'
import { KerberosError, oneLine } from '../kerberos-error.ts'
import { flagsOf, KdcOption } from '../messages/flags.ts'
import { parseRealm, ticketGrantingService } from '../principal-name.ts'
import { createSharedWork } from '../shared-work.ts'
import { requestTicketGrantingTicket } from './as-exchange.ts'
import type { ExchangeParts } from './exchange-parts.ts'
import { type GrantedTicket, ticketGrantingRealm } from './granted-ticket.ts'
import type { LongTermKeys } from './long-term-keys.ts'
import { askTicketGrantingService } from './tgs-exchange.ts'

export interface TicketGrantingTickets {
  /** Ticket-granting ticket of the account's own realm. */
  own(signal: AbortSignal): Promise<GrantedTicket>
  /**
   * Ticket-granting ticket of a realm, reached by trusts from our own; nothing is sent to a realm before one that is
   * trusted has given a ticket to it.
   * @throws {KerberosError} `principal` where no trust leads there.
   */
  to(realm: string, signal: AbortSignal): Promise<GrantedTicket>
  /**
   * Says that a KDC did not take what was asked with a ticket of our own realm, which may be the ticket's fault.
   * @returns whether to ask again: the ticket is forgotten, or has been replaced meanwhile. Not more often than every few
   * seconds, so that an error that has other causes does not lead to an authentication each time.
   */
  doubt(tgt: GrantedTicket): boolean
  /** Forgets every ticket. */
  forget(): void
}

export interface TicketGrantingTicketsOptions {
  readonly keys: LongTermKeys
  /** Account whose ticket armours FAST. */
  readonly armor?: (() => Promise<LongTermKeys>) | undefined
  readonly deadlines: Deadlines
}

/** A ticket this near to its end, in milliseconds, is replaced. */
const RENEW_BEFORE = 300_000
/** Milliseconds between two times that a ticket is given up because of an error. */
const DOUBT_AGAIN = 10_000
/** Longer chains of trust are not walked, and not more realms remembered. */
const MOST_HOPS = 8
const MOST_REALMS = 64
/** Where the armour ticket is kept; no realm has this name. */
const ARMOR = '@armor'

export function createTicketGrantingTickets(
  parts: ExchangeParts,
  { keys, armor, deadlines }: TicketGrantingTicketsOptions,
): TicketGrantingTickets {
  const home = keys.principal.realm
  const kept = new Map<string, GrantedTicket>()
  const work = createSharedWork<GrantedTicket>(deadlines)

  let lastDoubt = Number.NEGATIVE_INFINITY

  const usable = (id: string, realm: string): GrantedTicket | undefined => {
    const ticket = kept.get(id)
    if (ticket === undefined) return undefined
    const lifetime = ticket.endsAt.getTime() - ticket.startsAt.getTime()
    // Of a short-lived ticket a tenth is enough, otherwise it would be replaced at once and for ever.
    const margin = Math.min(RENEW_BEFORE, lifetime / 10)
    return parts.clocks.now(realm) < ticket.endsAt.getTime() - margin ? ticket : undefined
  }
  const get = (
    id: string,
    realm: string,
    signal: AbortSignal,
    fetch: (signal: AbortSignal) => Promise<GrantedTicket>,
  ): Promise<GrantedTicket> => {
    const ticket = usable(id, realm)
    if (ticket !== undefined) return Promise.resolve(ticket)
    return work.share(id, signal, async (workSignal) => {
      const fetched = await fetch(workSignal)
      if (kept.size >= MOST_REALMS) kept.clear()
      kept.set(id, fetched)
      return fetched
    })
  }
  const armorTicket = (signal: AbortSignal) =>
    armor &&
    get(ARMOR, home, signal, async (inner) => requestTicketGrantingTicket(parts, await armor(), undefined, inner))
  const own = (signal: AbortSignal) =>
    get(home, home, signal, async (inner) => requestTicketGrantingTicket(parts, keys, await armorTicket(inner), inner))

  return {
    own,
    to: (realm, signal) => {
      if (realm === home) return own(signal)
      return get(realm, realm, signal, async (inner) => walkTrusts(parts, realm, await own(inner), inner))
    },
    doubt: (tgt) => {
      if (kept.get(home) !== tgt) return true
      const time = performance.now()
      if (time - lastDoubt < DOUBT_AGAIN) return false
      lastDoubt = time
      kept.clear()
      return true
    },
    forget: () => kept.clear(),
  }
}

/** Asks realm by realm for the ticket-granting service of the target, from our own on; each may refer to one nearer to it. */
async function walkTrusts(
  parts: ExchangeParts,
  target: string,
  from: GrantedTicket,
  signal: AbortSignal,
): Promise<GrantedTicket> {
  let tgt = from
  const seen = new Set<string>()
  while (seen.size < MOST_HOPS) {
    const realm = ticketGrantingRealm(tgt.service.name) as string
    if (realm === target) return tgt
    if (seen.has(realm)) break
    seen.add(realm)
    const answer = await askTicketGrantingService(
      parts,
      {
        tgt,
        realm,
        service: ticketGrantingService(target),
        options: flagsOf(KdcOption.FORWARDABLE, KdcOption.CANONICALIZE),
      },
      signal,
    )
    if (answer.kind === 'error') {
      throw kerberosErrorFromKdc(answer, `a ticket to the realm ${target}`, {
        code: 'principal',
        advice: 'There is no trust to that realm, so nobody of it can be signed in to a service here.',
      })
    }
    const { granted } = answer
    const next = ticketGrantingRealm(granted.service.name)
    if (next === undefined || granted.service.realm !== realm || next === realm) {
      throw new KerberosError('mismatch', `the KDC of ${realm} gave another ticket than one to ${target}`, { realm })
    }
    parseRealm(next)
    tgt = granted
  }
  const path = [...seen].map(oneLine).join(', ')
  throw new KerberosError('principal', `no chain of trusts leads to the realm ${target}; it went by ${path}`)
}
