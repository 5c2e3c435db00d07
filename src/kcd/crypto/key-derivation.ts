import { createCipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { EncryptionType } from './encryption-type.ts'
import { nFold } from './n-fold.ts'

/** What a derived key is for: Ke encrypts, Ki authenticates what is encrypted, Kc makes checksums. */
export type KeyPurpose = 'encryption' | 'integrity' | 'checksum'

const PURPOSE_OCTET: Readonly<Record<KeyPurpose, number>> = { checksum: 0x99, encryption: 0xaa, integrity: 0x55 }

/**
 * The key for one usage and purpose. Make it once per protocol key and keep it.
 * @param usage key usage number (RFC 4120 §7.5.1), 0 to 2³²−1.
 * @see RFC 3961 §5.3, RFC 8009 §5
 */
export function deriveUsageKey(type: EncryptionType, key: KeyObject, usage: number, purpose: KeyPurpose): KeyObject {
  const constant = Buffer.alloc(5)
  constant.writeUInt32BE(usage)
  constant[4] = PURPOSE_OCTET[purpose]
  const length = purpose === 'encryption' ? type.keyLength : type.macKeyLength
  const octets = type.profile === 'rfc3961' ? dr(type, key, constant) : kdfHmacSha2(type, key, constant, length)
  return createSecretKey(octets)
}

/** DR of RFC 3961 §5.1 with AES. For AES random-to-key is the identity, so this is DK as well. */
export function dr(type: EncryptionType, key: KeyObject, constant: Uint8Array): Buffer {
  const cipher = createCipheriv(type.keyLength === 16 ? 'aes-128-ecb' : 'aes-256-ecb', key, null).setAutoPadding(false)
  return derivedRandom((block) => cipher.update(block), 16, constant, type.keyLength)
}

/**
 * DR of RFC 3961 §5.1 with any block cipher: the n-folded constant, encrypted again and again until there are enough octets.
 * @param encryptBlock encrypts one block under the key, IV zero.
 */
export function derivedRandom(
  encryptBlock: (block: Buffer) => Buffer,
  blockLength: number,
  constant: Uint8Array,
  length: number,
): Buffer {
  let block = constant.length === blockLength ? Buffer.from(constant) : nFold(constant, blockLength)
  const octets: Buffer[] = []
  for (let have = 0; have < length; have += blockLength) {
    block = encryptBlock(block)
    octets.push(block)
  }
  return Buffer.concat(octets, length)
}

/**
 * KDF-HMAC-SHA2 of RFC 8009 §3 (SP 800-108 in counter mode, one round).
 * @param length octets wanted, at most the hash's length.
 */
export function kdfHmacSha2(
  type: EncryptionType,
  key: KeyObject,
  label: Uint8Array,
  length: number,
  context: Uint8Array = new Uint8Array(),
): Buffer {
  const end = Buffer.alloc(4)
  end.writeUInt32BE(length * 8)
  const mac = createHmac(type.hash, key)
    .update(COUNTER_ONE)
    .update(label)
    .update(SEPARATOR)
    .update(context)
    .update(end)
    .digest()
  return mac.subarray(0, length)
}

const COUNTER_ONE = Buffer.from([0, 0, 0, 1])
const SEPARATOR = Buffer.from([0])
