/** Every way in which getting, checking or using a ticket can fail. The codes are the contract; the messages are not. */
export type KerberosErrorCode =
  | 'malformed' // bytes that are no message of the protocol, or over a limit of size or depth
  | 'integrity' // a ciphertext or checksum that the key did not make: forged, or the wrong key
  | 'mismatch' // a genuine answer to another question: nonce, name, realm, times or flags differ
  | 'encryption-type' // no encryption type in common; RC4 and DES are not supported
  | 'principal' // a user or service name that cannot be one, or lies in a realm that is not served
  | 'keytab' // the keytab cannot be read, or has no key that is asked for
  | 'credential-cache' // bytes that are no credential cache
  | 'clock-skew' // the clocks differ more than is allowed
  | 'preauthentication' // wrong key or password of our own account
  | 'armor-required' // the KDC insists on FAST and no armour keytab is configured, or the armour failed
  | 'service-unknown' // the directory does not know the service principal name
  | 'user-unknown' // the directory does not know the person
  | 'user-unusable' // the person's account, or our own, is disabled, locked or expired
  | 'not-delegatable' // the person may not be delegated (sensitive, Protected Users, no protocol transition)
  | 'delegation-refused' // our account may not delegate to this service
  | 'ticket-expired' // a ticket that is no longer, or not yet, good
  | 'kdc-refused' // any other KRB-ERROR
  | 'kdc-unreachable' // no KDC could be connected to
  | 'deadline' // no answer in time
  | 'mutual-authentication' // the backend did not prove that it is the service
  | 'closed' // the delegator has been closed

export interface KerberosErrorOptions {
  cause?: unknown
  /** error-code of the KRB-ERROR, where one came. */
  kdcCode?: number | undefined
  /** e-text of the KRB-ERROR: the KDC's own words, already made safe for one line. */
  kdcText?: string | undefined
  /** NTSTATUS that an Active Directory adds to some errors. */
  ntStatus?: number | undefined
  /** Realm whose KDC spoke. */
  realm?: string | undefined
}

/**
 * What this room throws and rejects with. `message` is for an operator and ends, where there is something to be done,
 * with what to do; it never holds a key, password or ticket. `cause` is the error that was caught, where there was one.
 */
export class KerberosError extends Error {
  override readonly name = 'KerberosError'
  readonly code: KerberosErrorCode
  readonly kdcCode: number | undefined
  readonly kdcText: string | undefined
  readonly ntStatus: number | undefined
  readonly realm: string | undefined

  constructor(code: KerberosErrorCode, message: string, options: KerberosErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.kdcCode = options.kdcCode
    this.kdcText = options.kdcText
    this.ntStatus = options.ntStatus
    this.realm = options.realm
  }
}

/** Text from the network as part of one line of a log: control characters replaced, at most 200 characters. */
export function oneLine(text: string): string {
  // Also what re-orders or hides text on a terminal: bidirectional controls, line and paragraph separators.
  const safe = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ').trim()
  return safe.length > 200 ? `${safe.slice(0, 200)}…` : safe
}
