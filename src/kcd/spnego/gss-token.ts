import { malformed } from '../messages/der-structure.ts'

/** What stands inside the framing of a GSS token. */
export interface GssToken {
  /** Content octets of the mechanism's object identifier, in hexadecimal. */
  readonly mechanism: string
  readonly content: Buffer
}

/**
 * Takes the framing of RFC 2743 §3.1 off: `[APPLICATION 0]`, the mechanism, and what the mechanism puts behind it, which
 * is no DER of its own.
 * @throws {KerberosError} `malformed`
 */
export function unframe(octets: Buffer, what: string): GssToken {
  if (octets[0] !== 0x60) throw malformed(what, 'not a GSS token')
  const outer = lengthAt(octets, 1, what)
  if (outer.end !== octets.length) throw malformed(what, 'a GSS token of another length than it says')
  if (octets[outer.from] !== 0x06) throw malformed(what, 'a GSS token without a mechanism')
  const identifier = lengthAt(octets, outer.from + 1, what)
  return {
    mechanism: octets.toString('hex', identifier.from, identifier.end),
    content: octets.subarray(identifier.end),
  }
}

/** The content whose length stands at a place. */
function lengthAt(octets: Buffer, at: number, what: string): { from: number; end: number } {
  const first = octets[at] ?? 0x80
  const count = first < 0x80 ? 0 : first & 0x7f
  const from = at + 1 + count
  if ((first >= 0x80 && (count < 1 || count > 4)) || from > octets.length) throw malformed(what, 'cut off')
  const length = count === 0 ? first : octets.readUIntBE(at + 1, count)
  if (length > octets.length - from) throw malformed(what, 'cut off')
  return { from, end: from + length }
}
