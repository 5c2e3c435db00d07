import { type EncryptionKey, randomEncryptionKey } from '../crypto/encryption-key.ts'
import { KdcErrorCode } from '../kdc-error-facts.ts'
import { randomNonce } from '../messages/authenticator.ts'
import { decodeKdcAnswer, type KdcReply, openTgsReply } from '../messages/kdc-reply.ts'
import { encodeKdcRequestBody, encodeTgsRequest, tgsRequestAuthentication } from '../messages/kdc-request.ts'
import type { KrbError } from '../messages/krb-error.ts'
import type { PaData } from '../messages/pa-data.ts'
import type { PrincipalName } from '../principal-name.ts'
import { type ExchangeParts, nextInstant, tillOf } from './exchange-parts.ts'
import { asTicketGrantingTicket, type GrantedTicket, grantedTicket } from './granted-ticket.ts'

export interface TgsQuestion {
  /** What the request is authenticated with. */
  readonly tgt: GrantedTicket
  /** Realm whose KDC is asked. */
  readonly realm: string
  readonly service: PrincipalName
  /** KDCOptions. */
  readonly options: number
  /**
   * Preauthentication data beside the authentication itself.
   * @param key the authenticator's subkey.
   */
  readonly paData?: (nonce: number, key: EncryptionKey) => readonly PaData[]
  readonly additionalTickets?: readonly Uint8Array[]
}

export interface TgsGrant {
  readonly kind: 'granted'
  readonly granted: GrantedTicket
  readonly reply: KdcReply
  readonly nonce: number
  readonly subkey: EncryptionKey
}

/**
 * One TGS exchange (RFC 4120 §3.3), repeated once with a corrected clock where the KDC refuses ours.
 * @returns the ticket, already known to answer this request, or the KDC's refusal.
 * @throws {KerberosError} `kdc-unreachable`, `malformed`, `integrity`, `mismatch`, `clock-skew` …
 */
export async function askTicketGrantingService(
  parts: ExchangeParts,
  question: TgsQuestion,
  signal: AbortSignal,
): Promise<TgsGrant | KrbError> {
  const { realm } = question
  const answer = await askOnce(parts, question, signal)
  if (answer.kind !== 'error' || answer.errorCode !== KdcErrorCode.KRB_AP_ERR_SKEW) return answer
  const undo = parts.clocks.correct(realm, answer.serverTime)
  const second = await askOnce(parts, question, signal)
  if (second.kind === 'error' && second.errorCode === KdcErrorCode.KRB_AP_ERR_SKEW) undo()
  return second
}

async function askOnce(
  parts: ExchangeParts,
  { tgt, realm, service, options, paData = () => [], additionalTickets = [] }: TgsQuestion,
  signal: AbortSignal,
): Promise<TgsGrant | KrbError> {
  const nonce = randomNonce()
  const subkey = randomEncryptionKey(tgt.sessionKey.type.number)
  const till = tillOf(parts, realm)
  const body = encodeKdcRequestBody({
    options,
    realm,
    service,
    // Never beyond the ticket-granting ticket: some KDCs refuse that instead of giving less.
    till: till < tgt.endsAt ? till : tgt.endsAt,
    nonce,
    additionalTickets,
  })
  const authentication = tgsRequestAuthentication(asTicketGrantingTicket(tgt), body, nextInstant(parts, realm), subkey)
  const request = encodeTgsRequest(body, [authentication, ...paData(nonce, subkey)])
  const answer = decodeKdcAnswer(await parts.kdc.ask(realm, request, signal), 'TGS')
  if (answer.kind === 'error') return answer
  const content = openTgsReply(answer, subkey, true)
  const granted = grantedTicket(answer, content, { nonce, now: parts.clocks.now(realm) })
  return { kind: 'granted', granted, reply: answer, nonce, subkey }
}
