/**
 * S4U2Proxy (MS-SFU 3.1.5.2): with the evidence that a person is here, a ticket to a backend on their behalf. The KDC
 * grants it where our account may delegate to the backend (classic), or the backend's account lets ours (resource-based).
 */
import { KdcErrorCode } from '../kdc-error-facts.ts'
import { kerberosErrorFromKdc } from '../kdc-refusal.ts'
import { KerberosError, oneLine } from '../kerberos-error.ts'
import { flagsOf, hasFlag, KdcOption, TicketFlag } from '../messages/flags.ts'
import type { KrbError } from '../messages/krb-error.ts'
import { PacOption, paPacOptions } from '../messages/s4u.ts'
import { type Principal, type PrincipalName, principalText, sameName, sameNameIgnoringCase } from '../principal-name.ts'
import type { ExchangeParts } from './exchange-parts.ts'
import type { GrantedTicket } from './granted-ticket.ts'
import { askTicketGrantingService } from './tgs-exchange.ts'

export interface ServiceTicketQuestion {
  /** Ticket-granting ticket of our own realm. */
  readonly tgt: GrantedTicket
  readonly evidence: GrantedTicket
  readonly service: PrincipalName
  /**
   * Whether evidence that is not forwardable is sent all the same: resource-based delegation takes it, classic never
   * does.
   */
  readonly resourceBased: boolean
}

/** STATUS_ACCOUNT_RESTRICTION: the person is sensitive or in Protected Users ([MS-SFU] 3.2.5.2). */
const ACCOUNT_RESTRICTION = 0xc000006e

const DELEGATABLE_ADVICE =
  'Either the account of this gateway lacks "use any authentication protocol" (AD: Delegation tab, or ' +
  'TrustedToAuthForDelegation; MIT: modprinc +ok_to_auth_as_delegate; then nobody can be delegated), or the person is ' +
  'marked "sensitive and cannot be delegated", is in Protected Users (MIT: -allow_forwardable) and must not be.'

/**
 * Gets a ticket to a service on behalf of the person whom the evidence speaks for.
 * @throws {KerberosError} `not-delegatable`, `delegation-refused`, `service-unknown`, `encryption-type` …
 */
export async function requestServiceTicket(
  parts: ExchangeParts,
  { tgt, evidence, service, resourceBased }: ServiceTicketQuestion,
  signal: AbortSignal,
): Promise<GrantedTicket> {
  const realm = tgt.service.realm
  const person = principalText(evidence.client.name, evidence.client.realm)
  const backend = principalText(service, realm)
  const doing = `a ticket to ${backend} on behalf of ${person}`
  if (!hasFlag(evidence.flags, TicketFlag.FORWARDABLE) && !resourceBased) {
    const message = `${person} may not be delegated: the KDC's ticket for them is not forwardable. ${DELEGATABLE_ADVICE}`
    throw new KerberosError('not-delegatable', message, { realm })
  }
  const answer = await askTicketGrantingService(
    parts,
    {
      tgt,
      realm,
      service,
      // No CANONICALIZE: the ticket must be to the very name that was asked for, not to what it is an alias of.
      options: flagsOf(KdcOption.FORWARDABLE, KdcOption.CNAME_IN_ADDL_TKT),
      paData: () => [paPacOptions(PacOption.RESOURCE_BASED_CONSTRAINED_DELEGATION)],
      additionalTickets: [evidence.ticket.encoded],
    },
    signal,
  )
  if (answer.kind === 'error') throw refusal(answer, doing)
  const { granted } = answer
  checkService(granted.service, { name: service, realm })
  const { client } = granted
  if (client.realm !== evidence.client.realm || !sameName(client.name, evidence.client.name)) {
    const came = oneLine(principalText(client.name, client.realm))
    throw new KerberosError('mismatch', `${doing} was asked for, one on behalf of ${came} came`, { realm })
  }
  return granted
}

function checkService(came: Principal, asked: Principal): void {
  if (came.realm === asked.realm && sameNameIgnoringCase(came.name, asked.name)) return
  const message =
    `a ticket to ${principalText(asked.name, asked.realm)} was asked for, ` +
    `one to ${oneLine(principalText(came.name, came.realm))} came`
  throw new KerberosError('mismatch', message, { realm: asked.realm })
}

function refusal(error: KrbError, doing: string): KerberosError {
  if (error.ntStatus === ACCOUNT_RESTRICTION) {
    return kerberosErrorFromKdc(error, doing, { code: 'not-delegatable', advice: DELEGATABLE_ADVICE })
  }
  if (error.errorCode === KdcErrorCode.KDC_ERR_S_PRINCIPAL_UNKNOWN) {
    return kerberosErrorFromKdc(error, doing, {
      advice:
        'Check with setspn -Q SPN and register it in this realm: setspn -S SPN ACCOUNT (MIT: addprinc -randkey SPN). The ' +
        'name must be the one the backend is reached by; a backend of another realm cannot be delegated to.',
    })
  }
  return kerberosErrorFromKdc(error, doing)
}
