/** Reads big-endian numbers and counted octets one behind the other, as keytabs and credential caches have them. */
export interface OctetReader {
  readonly left: number
  uint8(): number
  uint16(): number
  uint32(): number
  int32(): number
  octets(length: number): Buffer
}

/** @param cutOff makes the error for a read behind the end. */
export function readOctetsOf(octets: Uint8Array, cutOff: () => Error): OctetReader {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  let at = 0
  const take = (length: number): number => {
    if (length > buffer.length - at) throw cutOff()
    at += length
    return at - length
  }
  return {
    get left() {
      return buffer.length - at
    },
    uint8: () => buffer.readUInt8(take(1)),
    uint16: () => buffer.readUInt16BE(take(2)),
    uint32: () => buffer.readUInt32BE(take(4)),
    int32: () => buffer.readInt32BE(take(4)),
    octets: (length) => {
      const from = take(length)
      return buffer.subarray(from, from + length)
    },
  }
}
