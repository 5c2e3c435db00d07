/** Mechanisms of SPNEGO as object identifiers. */
export const KERBEROS_MECHANISM = '1.2.840.113554.1.2.2'
export const SPNEGO_MECHANISM = '1.3.6.1.5.5.2'

/** Content octets in hexadecimal, as answers are compared. Windows names Kerberos by two identifiers ([MS-SPNG] 2.2.1.1). */
export const KERBEROS_MECHANISM_OCTETS = '2a864886f712010202'
export const WINDOWS_KERBEROS_MECHANISM_OCTETS = '2a864882f712010202'

/** Token identifiers that stand before a message of Kerberos in a GSS token (RFC 4121 §4.1). */
export const TokenId = { AP_REQ: 0x0100, AP_REP: 0x0200, ERROR: 0x0300 } as const
