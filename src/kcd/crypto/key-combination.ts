import { createCipheriv, createHash } from 'node:crypto'
import { createEncryptionKey, type EncryptionKey } from './encryption-key.ts'
import { dr, kdfHmacSha2 } from './key-derivation.ts'

const PRF_CONSTANT = Buffer.from('prf')

/**
 * The pseudo-random function of the key's encryption type.
 * @returns 16 octets (RFC 3962), 32 (aes128-cts-hmac-sha256-128) or 48 (aes256-cts-hmac-sha384-192).
 * @see RFC 3961 §5.3, RFC 8009 §5
 */
export function pseudoRandom(key: EncryptionKey, input: Uint8Array): Buffer {
  const { type } = key
  if (type.profile === 'rfc8009') {
    return kdfHmacSha2(type, key.secret, PRF_CONSTANT, type.hash === 'sha256' ? 32 : 48, input)
  }
  const derived = dr(type, key.secret, PRF_CONSTANT)
  // The hash is cut to a multiple of the block, which for SHA-1 is one block; encrypting one block is plain AES.
  const block = createHash('sha1').update(input).digest().subarray(0, 16)
  return createCipheriv(type.keyLength === 16 ? 'aes-128-ecb' : 'aes-256-ecb', derived, null)
    .setAutoPadding(false)
    .update(block)
}

/** PRF+ of RFC 6113 §5.1: as many octets as wanted, at most 255 rounds. */
export function pseudoRandomPlus(key: EncryptionKey, input: Uint8Array, length: number): Buffer {
  const octets: Buffer[] = []
  for (let round = 1, have = 0; have < length; round++) {
    if (round > 255) throw new RangeError('PRF+ gives no more than 255 rounds')
    const block = pseudoRandom(key, Buffer.concat([Buffer.from([round]), input]))
    octets.push(block)
    have += block.length
  }
  return Buffer.concat(octets, length)
}

/**
 * KRB-FX-CF2: one key out of two, of the first one's encryption type.
 * @see RFC 6113 §5.1
 */
export function combineKeys(
  first: EncryptionKey,
  second: EncryptionKey,
  firstPepper: string,
  secondPepper: string,
): EncryptionKey {
  const length = first.type.keyLength
  const octets = pseudoRandomPlus(first, Buffer.from(firstPepper), length)
  const other = pseudoRandomPlus(second, Buffer.from(secondPepper), length)
  for (let i = 0; i < length; i++) octets[i] = (octets[i] as number) ^ (other[i] as number)
  return createEncryptionKey(first.type.number, octets)
}
