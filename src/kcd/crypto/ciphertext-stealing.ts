import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { KerberosError } from '../kerberos-error.ts'

const BLOCK = 16
const ZERO_IV = Buffer.alloc(BLOCK)

/** AES in CBC mode of the key's length, as node:crypto names it. */
export type CbcCipher = 'aes-128-cbc' | 'aes-256-cbc'

/**
 * AES-CBC with ciphertext stealing, zero IV, the last two blocks always exchanged (CBC-CS3): the ciphertext is as long
 * as the plaintext.
 * @param plaintext one block or more; always so, because a confounder of one block goes first.
 * @see RFC 3962 §5, RFC 8009 §5
 */
export function encryptStealing(cipher: CbcCipher, key: KeyObject, plaintext: Uint8Array): Buffer {
  const length = plaintext.length
  if (length < BLOCK) throw new RangeError('ciphertext stealing needs one block or more')
  const rest = length % BLOCK
  const encryption = createCipheriv(cipher, key, ZERO_IV).setAutoPadding(false)
  const blocks = encryption.update(plaintext)
  if (length === BLOCK) return blocks
  // update() holds nothing back once the zero octets fill the last block.
  const lastFull = rest === 0 ? blocks.subarray(length - BLOCK) : encryption.update(ZERO_IV.subarray(rest))
  const lastLength = rest === 0 ? BLOCK : rest
  const stolenAt = length - lastLength - BLOCK
  const ciphertext = rest === 0 ? Buffer.from(blocks) : Buffer.allocUnsafe(length)
  if (rest !== 0) blocks.copy(ciphertext, 0, 0, stolenAt)
  blocks.copy(ciphertext, stolenAt + BLOCK, stolenAt, stolenAt + lastLength)
  lastFull.copy(ciphertext, stolenAt)
  return ciphertext
}

/**
 * The reverse of `encryptStealing`. It proves nothing: check the HMAC as well.
 * @throws {KerberosError} `malformed` for less than one block.
 */
export function decryptStealing(cipher: CbcCipher, key: KeyObject, ciphertext: Uint8Array): Buffer {
  const length = ciphertext.length
  if (length < BLOCK)
    throw new KerberosError('malformed', `a ciphertext of ${length} octets, at least ${BLOCK} expected`)
  if (length === BLOCK) return createDecipheriv(cipher, key, ZERO_IV).setAutoPadding(false).update(ciphertext)
  const lastLength = length % BLOCK || BLOCK
  const stolenAt = length - lastLength - BLOCK
  // The block that was encrypted last stands before the stolen one. Decrypted alone, it gives the octets of the stolen
  // block that were cut off, under the (zero-filled) end of the plaintext.
  const lastFull = ciphertext.subarray(stolenAt, stolenAt + BLOCK)
  const opened = createDecipheriv(cipher, key, ZERO_IV).setAutoPadding(false).update(lastFull)
  const straight = Buffer.allocUnsafe(stolenAt + 2 * BLOCK)
  straight.set(ciphertext.subarray(0, stolenAt), 0)
  straight.set(ciphertext.subarray(stolenAt + BLOCK), stolenAt)
  opened.copy(straight, stolenAt + lastLength, lastLength)
  straight.set(lastFull, stolenAt + BLOCK)
  return createDecipheriv(cipher, key, ZERO_IV).setAutoPadding(false).update(straight).subarray(0, length)
}
