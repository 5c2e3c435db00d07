/** The tickets of people: of each an evidence ticket, kept for every backend, and a service ticket for one of them. */
import type { Deadlines } from './deadlines.ts'
import { requestEvidenceTicket } from './kdc/evidence-ticket.ts'
import type { ExchangeParts } from './kdc/exchange-parts.ts'
import type { GrantedTicket } from './kdc/granted-ticket.ts'
import type { LongTermKeys } from './kdc/long-term-keys.ts'
import { requestServiceTicket } from './kdc/service-ticket.ts'
import type { TicketGrantingTickets } from './kdc/ticket-granting-tickets.ts'
import { KdcErrorCode } from './kdc-error-facts.ts'
import { KerberosError } from './kerberos-error.ts'
import { hasFlag, TicketFlag } from './messages/flags.ts'
import type { Principal, PrincipalName } from './principal-name.ts'
import { createSharedWork } from './shared-work.ts'
import { createTicketCache, usableUntil } from './ticket-cache.ts'

/** The tickets on the way from a name to a token, in their order. */
export type DelegationStep = 'ticket-granting-ticket' | 'evidence' | 'service-ticket'

export interface ServiceTicketRequest {
  readonly upn: string
  readonly user: Principal
  readonly service: PrincipalName
  readonly resourceBased: boolean
  readonly onTicket?: ((step: DelegationStep, ticket: GrantedTicket) => void) | undefined
}

export interface DelegatedTickets {
  /**
   * A service ticket from the KDC.
   * @throws {KerberosError}
   */
  fetch(request: ServiceTicketRequest, signal: AbortSignal): Promise<GrantedTicket>
  /** Forgets the evidence of a person, by the condition; also of what is under way. */
  forget(condition: (upn: string) => boolean): void
}

export interface DelegatedTicketsParts extends ExchangeParts {
  readonly keys: LongTermKeys
  readonly tickets: TicketGrantingTickets
  readonly deadlines: Deadlines
  readonly mostTickets: number
}

interface KeptEvidence {
  readonly upn: string
  readonly granted: GrantedTicket
  readonly usableUntil: number
}

export function createDelegatedTickets(parts: DelegatedTicketsParts): DelegatedTickets {
  const { keys, tickets, clocks, deadlines, mostTickets } = parts
  const { realm } = keys.principal
  const evidences = createTicketCache<KeptEvidence>(mostTickets)
  const work = createSharedWork<KeptEvidence>(deadlines)
  let generation = 0

  const evidenceOf = async (upn: string, user: Principal, signal: AbortSignal): Promise<GrantedTicket> => {
    const begun = generation
    const key = `${upn}\n${user.name.type}\n${begun}`
    const known = evidences.get(keyOf(upn, user), clocks.now(realm))
    if (known !== undefined) return known.granted
    const fetched = await work.share(key, signal, async (inner) => {
      const granted = await requestEvidenceTicket(parts, user, inner)
      const evidence = { upn, granted, usableUntil: usableUntil(granted) }
      // What does not lead to a ticket is not kept: tomorrow the account may be delegated.
      const keep = begun === generation && hasFlag(granted.flags, TicketFlag.FORWARDABLE)
      if (keep) evidences.set(keyOf(upn, user), evidence)
      return evidence
    })
    return fetched.granted
  }
  const forget = (condition: (upn: string) => boolean) => {
    generation++
    evidences.deleteWhere(({ upn }) => condition(upn))
  }

  return {
    forget,
    fetch: async ({ upn, user, service, resourceBased, onTicket }, signal) => {
      const once = async (tgt: GrantedTicket) => {
        onTicket?.('ticket-granting-ticket', tgt)
        const evidence = await evidenceOf(upn, user, signal)
        onTicket?.('evidence', evidence)
        const granted = await requestServiceTicket(parts, { tgt, evidence, service, resourceBased }, signal)
        onTicket?.('service-ticket', granted)
        return granted
      }
      const tgt = await tickets.own(signal)
      try {
        return await once(tgt)
      } catch (error) {
        if (!isStale(error) || !tickets.doubt(tgt)) throw error
        forget((other) => other === upn)
        return once(await tickets.own(signal))
      }
    },
  }
}

function keyOf(upn: string, user: Principal): string {
  return `${upn}\n${user.name.type}`
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
