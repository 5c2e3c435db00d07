import type { EncryptionKey } from '../crypto/encryption-key.ts'
import { KerberosError } from '../kerberos-error.ts'
import { hasFlag, TicketFlag } from '../messages/flags.ts'
import type { KdcReply, KdcReplyContent } from '../messages/kdc-reply.ts'
import type { Ticket } from '../messages/ticket.ts'
import { type Principal, type PrincipalName, principalText, sameName } from '../principal-name.ts'

/** A ticket that a KDC granted to us, with what only we were told about it. */
export interface GrantedTicket {
  /** For whom it speaks. */
  readonly client: Principal
  readonly service: Principal
  readonly ticket: Ticket
  readonly sessionKey: EncryptionKey
  /** TicketFlags. */
  readonly flags: number
  readonly authenticatedAt: Date
  readonly startsAt: Date
  readonly endsAt: Date
  readonly renewableUntil?: Date | undefined
}

/** A ticket that begins later than this, in milliseconds, is not one we asked for. */
const LATEST_START = 300_000

/**
 * Judges what a KDC answered: that it answers this request, and that ticket and secret part belong together. For whom the
 * ticket is and what service it is for are the caller's to judge. How the ticket itself is encrypted is between KDC and
 * service: an Active Directory takes RC4 for accounts that do not say they know AES; everything of ours is in AES.
 * @param nonce of the request.
 * @param now the KDC's clock, in milliseconds.
 * @throws {KerberosError} `mismatch`, `ticket-expired`
 */
export function grantedTicket(
  reply: KdcReply,
  content: KdcReplyContent,
  { nonce, now }: { nonce: number; now: number },
): GrantedTicket {
  const { ticket } = reply
  const service: Principal = { name: content.service, realm: content.serviceRealm }
  const what = `the ticket to ${principalText(service.name, service.realm)}`
  if (content.nonce !== nonce) throw new KerberosError('mismatch', 'the KDC answers another request: the nonce differs')
  if (!sameName(ticket.service, service.name) || ticket.realm !== service.realm) {
    const other = principalText(ticket.service, ticket.realm)
    throw new KerberosError('mismatch', `${what} came with a ticket to ${other}`)
  }
  if (hasFlag(content.flags, TicketFlag.INVALID)) throw new KerberosError('mismatch', `${what} is marked invalid`)
  const startsAt = content.startsAt ?? content.authenticatedAt
  if (!(content.endsAt.getTime() > now)) {
    throw new KerberosError('ticket-expired', `${what} ended at ${content.endsAt.toISOString()}, before it came`)
  }
  if (!(startsAt.getTime() <= now + LATEST_START)) {
    throw new KerberosError('ticket-expired', `${what} begins at ${startsAt.toISOString()} only`)
  }
  return {
    client: { name: reply.client, realm: reply.clientRealm },
    service,
    ticket,
    sessionKey: content.sessionKey,
    flags: content.flags,
    authenticatedAt: content.authenticatedAt,
    startsAt,
    endsAt: content.endsAt,
    renewableUntil: content.renewableUntil,
  }
}

/** The realm whose ticket-granting service a ticket is for, or undefined where it is for another service. */
export function ticketGrantingRealm(service: PrincipalName): string | undefined {
  const [first, realm] = service.components
  return service.components.length === 2 && first === 'krbtgt' ? realm : undefined
}

/** As messages/kdc-request.ts takes it. */
export function asTicketGrantingTicket({ ticket, sessionKey, client }: GrantedTicket) {
  return { ticket: ticket.encoded, sessionKey, client }
}
