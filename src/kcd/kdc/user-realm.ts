import { KdcErrorCode } from '../kdc-error-facts.ts'
import { kerberosErrorFromKdc } from '../kdc-refusal.ts'
import { KerberosError } from '../kerberos-error.ts'
import { randomNonce } from '../messages/authenticator.ts'
import { flagsOf, KdcOption } from '../messages/flags.ts'
import { decodeKdcAnswer } from '../messages/kdc-reply.ts'
import { encodeAsRequest, encodeKdcRequestBody } from '../messages/kdc-request.ts'
import { NameType, type Principal, parseRealm, principalText, ticketGrantingService } from '../principal-name.ts'
import { type ExchangeParts, tillOf } from './exchange-parts.ts'
import type { TicketGrantingTickets } from './ticket-granting-tickets.ts'

const MOST_HOPS = 8

/**
 * Finds the realm that has a person's account. A name in the form of a principal says it; for an enterprise name the KDC
 * is asked with an AS-REQ that goes no further: it refers to another realm, or shows in any other way that it knows the
 * account. A referral is not authentic, so nothing is sent to the realm it names before a trust has led there.
 * @returns the same name in the realm that has it.
 * @throws {KerberosError} `user-unknown`; `principal` where no trust leads to the realm.
 * @see [MS-SFU] 3.1.5.1.1.1, RFC 6806 §7
 */
export async function findUserRealm(
  parts: ExchangeParts,
  tickets: TicketGrantingTickets,
  user: Principal,
  signal: AbortSignal,
): Promise<Principal> {
  if (user.name.type !== NameType.ENTERPRISE) return user
  const seen = new Set<string>()
  let { realm } = user
  while (seen.size < MOST_HOPS && !seen.has(realm)) {
    seen.add(realm)
    const body = encodeKdcRequestBody({
      options: flagsOf(KdcOption.FORWARDABLE, KdcOption.CANONICALIZE),
      client: user.name,
      realm,
      service: ticketGrantingService(realm),
      till: tillOf(parts, realm),
      nonce: randomNonce(),
    })
    const answer = decodeKdcAnswer(await parts.kdc.ask(realm, encodeAsRequest(body), signal), 'AS')
    if (answer.kind === 'reply') return { ...user, realm }
    if (answer.errorCode === KdcErrorCode.KDC_ERR_C_PRINCIPAL_UNKNOWN) {
      throw kerberosErrorFromKdc(answer, `to find ${principalText(user.name)}`)
    }
    if (answer.errorCode !== KdcErrorCode.KDC_ERR_WRONG_REALM) return { ...user, realm }
    realm = parseRealm(answer.clientRealm ?? '')
    await tickets.to(realm, signal)
  }
  throw new KerberosError('user-unknown', `the realms refer to each other for ${principalText(user.name)}`)
}
