import { KerberosError } from '../kerberos-error.ts'
import { UniversalType } from './der-tags.ts'

/** Bounds for what a peer sends. The largest honest message is a TGS-REP whose ticket carries a PAC of a person in a thousand groups. */
const MOST_OCTETS = 256 * 1024
const MOST_DEPTH = 24
const MOST_ELEMENTS = 4096

const KNOWN_TYPES = new Set<number>(Object.values(UniversalType))

/**
 * Walks over tags and lengths: one element of the types that Kerberos is made of, nothing behind it, every length definite and as short as can be, every
 * element wholly inside the one around it. What passes cannot make the library recurse or allocate beyond the bounds.
 */
export function checkStructure(octets: Uint8Array, what: string): void {
  if (octets.length > MOST_OCTETS) throw malformed(what, `${octets.length} octets, at most ${MOST_OCTETS} are taken`)
  let elements = 0
  const walk = (from: number, end: number, depth: number): number => {
    if (depth > MOST_DEPTH) throw malformed(what, `nested more than ${MOST_DEPTH} deep`)
    if (++elements > MOST_ELEMENTS) throw malformed(what, `more than ${MOST_ELEMENTS} elements`)
    if (end - from < 2) throw malformed(what, 'cut off')
    const tag = octets[from] as number
    const isConstructed = (tag & 0x20) !== 0
    const number = tag & 0x1f
    if (number === 0x1f) throw malformed(what, 'a tag number above 30')
    if (tag < 0x40 && (!KNOWN_TYPES.has(number) || isConstructed !== (number === UniversalType.SEQUENCE))) {
      throw malformed(what, `type ${number} does not occur in Kerberos`)
    }
    let at = from + 2
    let length = octets[from + 1] as number
    if (length >= 0x80) {
      const count = length & 0x7f
      if (count === 0 || count > 4) throw malformed(what, 'an indefinite or huge length')
      if (end - at < count) throw malformed(what, 'cut off')
      length = 0
      for (let i = 0; i < count; i++) length = length * 256 + (octets[at + i] as number)
      at += count
      if (length < 0x80 || length < 256 ** (count - 1)) throw malformed(what, 'a length with needless octets')
    }
    if (length > end - at) throw malformed(what, 'cut off')
    const stop = at + length
    if (isConstructed) while (at < stop) at = walk(at, stop, depth + 1)
    return stop
  }
  if (walk(0, octets.length, 1) !== octets.length) throw malformed(what, 'octets behind its end')
}

/** The error for octets that are not what they should be. */
export function malformed(what: string, why: string, cause?: unknown): KerberosError {
  return new KerberosError('malformed', `${what}: ${why}`, cause === undefined ? {} : { cause })
}
