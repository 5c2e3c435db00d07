/**
 * n-fold: stretches or folds octets into `length` octets so that every bit of the input counts about equally.
 * @param length octets wanted, 1 or more.
 * @see RFC 3961 §5.1
 */
export function nFold(input: Uint8Array, length: number): Buffer {
  if (input.length === 0 || !Number.isInteger(length) || length < 1) throw new RangeError('n-fold of nothing')
  const bits = input.length * 8
  const total = leastCommonMultiple(input.length, length)
  const folded = Buffer.alloc(length)
  let carry = 0
  // The input is written lcm / length times behind itself, each copy turned right by 13 bits more, and the pieces are
  // added up in ones' complement: from the last octet to the first, the carry running through all pieces.
  for (let i = total - 1; i >= 0; i--) {
    const copy = Math.floor(i / input.length)
    const firstBit = ((((i % input.length) * 8 - 13 * copy) % bits) + bits) % bits
    const octet = octetAt(input, firstBit)
    const sum = carry + octet + (folded[i % length] as number)
    folded[i % length] = sum & 0xff
    carry = sum >> 8
  }
  for (let i = length - 1; carry > 0 && i >= 0; i--) {
    const sum = carry + (folded[i] as number)
    folded[i] = sum & 0xff
    carry = sum >> 8
  }
  return folded
}

/** The eight bits of the input, taken as a ring, that begin at a bit. */
function octetAt(input: Uint8Array, firstBit: number): number {
  const at = firstBit >> 3
  const shift = firstBit & 7
  const high = input[at] as number
  const low = input[(at + 1) % input.length] as number
  return (((high << 8) | low) >> (8 - shift)) & 0xff
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y !== 0) [x, y] = [y, x % y]
  return (a / x) * b
}
