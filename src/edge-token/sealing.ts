import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'

const NONCE = 12
const TAG = 16

/** How many bytes longer sealed bytes are than what was sealed. */
export const SEALING_OVERHEAD = NONCE + TAG

/**
 * Derives a key for one purpose from a secret (HKDF-SHA256, 32 bytes, RFC 5869), so that what is sealed for one purpose
 * never opens for another. Make it once and keep it: deriving costs more than sealing.
 */
export function deriveKey(secret: KeyObject, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)))
}

/**
 * Seals bytes with AES-256-GCM under a random nonce.
 * @param associatedData what the sealed bytes are bound to; opening needs the same.
 * @returns nonce (12 bytes) | ciphertext | tag (16 bytes).
 */
export function seal(key: KeyObject, plaintext: Uint8Array, associatedData: string | Uint8Array): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(bytesOf(associatedData))
  const head = cipher.update(plaintext)
  const rest = cipher.final()
  return Buffer.concat([nonce, head, rest, cipher.getAuthTag()])
}

/**
 * Opens what `seal` made.
 * @returns the plaintext, or undefined where key, associated data or bytes are not those that were sealed.
 */
export function unseal(key: KeyObject, sealed: Uint8Array, associatedData: string | Uint8Array): Buffer | undefined {
  const end = sealed.length - TAG
  if (end < NONCE) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE))
  decipher.setAAD(bytesOf(associatedData))
  // Always 16 bytes by construction, so node:crypto need not be told which lengths to take (saying so costs a tenth).
  decipher.setAuthTag(sealed.subarray(end))
  // A stream cipher: update gives every byte, final only judges the tag. Nothing leaves before it has.
  const plaintext = decipher.update(sealed.subarray(NONCE, end))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return plaintext
}

function bytesOf(associatedData: string | Uint8Array): Uint8Array {
  return typeof associatedData === 'string' ? Buffer.from(associatedData, 'utf8') : associatedData
}
