import { createHash, createHmac, createSecretKey } from 'node:crypto'
import type { EncryptionKey } from './encryption-key.ts'

/** Number of the checksum type KERB_CHECKSUM_HMAC_MD5. */
export const HMAC_MD5 = -138

const SIGNATURE_KEY = Buffer.from('signaturekey\0')

/**
 * The checksum of PA-FOR-USER: by [MS-SFU] it is this one whatever the session key's encryption type is. It adds
 * nothing to the strength of the request, which a checksum of the key's own type covers as well.
 * @param usage the "message type" of RFC 4757, which is the key usage number.
 * @see RFC 4757 §4, [MS-SFU] 2.2.1
 */
export function hmacMd5Checksum(key: EncryptionKey, usage: number, octets: Uint8Array): Buffer {
  const signing = createSecretKey(createHmac('md5', key.secret).update(SIGNATURE_KEY).digest())
  const type = Buffer.alloc(4)
  type.writeUInt32LE(usage)
  return createHmac('md5', signing).update(createHash('md5').update(type).update(octets).digest()).digest()
}
