import { kdcErrorFacts } from './kdc-error-facts.ts'
import { KerberosError, type KerberosErrorCode, oneLine } from './kerberos-error.ts'

/** What of a KRB-ERROR an error is made from; `KrbError` of messages/krb-error.ts is one. */
export interface KdcRefusal {
  readonly errorCode: number
  readonly text?: string | undefined
  readonly realm?: string | undefined
  readonly ntStatus?: number | undefined
}

/**
 * Turns a KDC's KRB-ERROR into the error an administrator reads: what was being done, the KDC's code by number and name,
 * its text, and what to do about it.
 * @param doing what was asked of the KDC, to follow "refused", such as `a ticket to HTTP/app.corp.test on behalf of alice`.
 * @param code overrides the code of the table where the caller knows more (KDC_ERR_BADOPTION of S4U2Proxy, for one).
 * @param advice overrides the advice of the table.
 * @param by who refused, where it is not the KDC: a backend sends a KRB-ERROR as well.
 * @see RFC 4120 §7.5.9
 */
export function kerberosErrorFromKdc(
  refusal: KdcRefusal,
  doing: string,
  { code, advice, by = 'the KDC' }: { code?: KerberosErrorCode; advice?: string; by?: string } = {},
): KerberosError {
  const facts = kdcErrorFacts(refusal.errorCode)
  const text = refusal.text === undefined ? undefined : oneLine(refusal.text)
  const said = [
    `${facts.name} (${refusal.errorCode})`,
    text ? `"${text}"` : undefined,
    refusal.ntStatus === undefined ? undefined : `NTSTATUS 0x${refusal.ntStatus.toString(16).padStart(8, '0')}`,
  ].filter((part) => part !== undefined)
  const where = refusal.realm === undefined ? '' : ` of ${oneLine(refusal.realm)}`
  const message = `${by}${where} refused ${doing}: ${said.join(', ')}. ${facts.meaning} ${advice ?? facts.advice}`
  return new KerberosError(code ?? facts.code, message, {
    kdcCode: refusal.errorCode,
    kdcText: text,
    ntStatus: refusal.ntStatus,
    realm: refusal.realm,
  })
}
