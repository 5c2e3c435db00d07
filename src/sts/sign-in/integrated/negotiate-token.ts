/**
 * The token of an `Authorization: Negotiate` header (RFC 4559), looked at just far enough to see which mechanism made
 * it: Kerberos, bare or as the first choice inside SPNEGO (RFC 4178 §4.2), goes on to libgssapi and nothing else does.
 * NTLM, which browsers put into the same header, never reaches a library that might speak it.
 */

/** What a request brings. */
export type NegotiateHeader =
  | { kind: 'none' }
  | { kind: 'kerberos' /** The token, base64. */; token: string }
  | { kind: 'refused'; code: 'negotiate-malformed' | 'negotiate-ntlm' | 'negotiate-mechanism' }

const mechanisms = {
  kerberos: '2a864886f712010202',
  /** Kerberos as Windows 2000 misspelt it and Windows names it to this day. */
  kerberosOfWindows: '2a864882f712010202',
  spnego: '2b0601050502',
  ntlm: '2b06010401823702020a',
}
const kerberos = new Set([mechanisms.kerberos, mechanisms.kerberosOfWindows])

/** More than any ticket that fits into the listener's headers. */
const longestToken = 64 * 1024

/** Reads the header; another scheme than Negotiate counts as none. */
export function readNegotiateHeader(authorization: string | undefined): NegotiateHeader {
  const match = /^negotiate(?: +|$)/i.exec(authorization ?? '')
  if (match === null || authorization === undefined) return { kind: 'none' }
  const token = authorization.slice(match[0].length).trim()
  const bytes = Buffer.from(token.slice(0, longestToken), 'base64')
  if (bytes.length === 0 || bytes.toString('base64') !== token) return { kind: 'refused', code: 'negotiate-malformed' }
  if (isNtlm(bytes)) return { kind: 'refused', code: 'negotiate-ntlm' }
  const mechanism = firstMechanism(bytes)
  if (mechanism === undefined) return { kind: 'refused', code: 'negotiate-malformed' }
  if (kerberos.has(mechanism)) return { kind: 'kerberos', token }
  return { kind: 'refused', code: mechanism === mechanisms.ntlm ? 'negotiate-ntlm' : 'negotiate-mechanism' }
}

const isNtlm = (bytes: Buffer) => bytes.subarray(0, 8).toString('latin1') === 'NTLMSSP\0'

/** @returns the object identifier of the mechanism that the token is of, hexadecimal. */
function firstMechanism(bytes: Buffer): string | undefined {
  // RFC 2743 §3.1: [APPLICATION 0] { mechanism, its token }
  const whole = element(bytes, 0x60)
  if (whole === undefined || whole.rest.length > 0) return undefined
  const outer = element(whole.content, 0x06)
  const mechanism = outer?.content.toString('hex')
  if (outer === undefined || mechanism !== mechanisms.spnego) return mechanism
  // NegTokenInit: [0] { SEQUENCE { mechTypes [0] { SEQUENCE OF OID }, reqFlags [1]?, mechToken [2]?, … } }
  const init = within(element(outer.rest, 0xa0), 0x30)
  const types = init && element(init.content, 0xa0)
  const first = within(within(types, 0x30), 0x06)
  if (types === undefined || first === undefined) return undefined
  const flags = element(types.rest, 0xa1)
  const token = within(element(flags?.rest ?? types.rest, 0xa2), 0x04)
  const chosen = first.content.toString('hex')
  // Without an optimistic token of the first choice there would have to be a second round, which there is not.
  if (token === undefined) return kerberos.has(chosen) ? undefined : chosen
  return isNtlm(token.content) ? mechanisms.ntlm : chosen
}

interface Element {
  readonly content: Buffer
  /** What stands behind it. */
  readonly rest: Buffer
}

const within = (outer: Element | undefined, tag: number) => outer && element(outer.content, tag)

/** The DER element that bytes begin with, if it has this tag and is whole. */
function element(bytes: Buffer, tag: number): Element | undefined {
  const [found, short = 0] = bytes
  if (found !== tag || bytes.length < 2) return undefined
  const octets = short < 0x80 ? 0 : short & 0x7f
  if (short === 0x80 || octets > 3 || bytes.length < 2 + octets) return undefined
  const length = octets === 0 ? short : bytes.readUIntBE(2, octets)
  const start = 2 + octets
  if (start + length > bytes.length) return undefined
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) }
}
