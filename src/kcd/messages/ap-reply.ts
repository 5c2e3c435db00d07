import type { EncryptionKey } from '../crypto/encryption-key.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import { KerberosError } from '../kerberos-error.ts'
import type { Instant } from './authenticator.ts'
import {
  decode,
  expectInteger,
  readApplication,
  readFields,
  readInteger,
  readMicroseconds,
  readTime,
} from './der-reader.ts'
import { KERBEROS_VERSION, openEncryptedData, readEncryptedData, readKey } from './kerberos-types.ts'

/** What a service tells when it proves that it could read the authenticator. */
export interface ApReply {
  readonly subkey?: EncryptionKey | undefined
  readonly sequenceNumber?: number | undefined
}

/**
 * Opens an AP-REP and checks that it answers the authenticator of an instant: the proof that the peer has the key of the
 * service.
 * @throws {KerberosError} `malformed`, `integrity`, `encryption-type`; `mutual-authentication` where it answers another
 * authenticator.
 * @see RFC 4120 §3.2.5
 */
export function openApReply(octets: Uint8Array, sessionKey: EncryptionKey, instant: Instant): ApReply {
  const fields = readFields(readApplication(decode(octets, 'AP-REP'), 15))
  expectInteger(fields.required(0), KERBEROS_VERSION)
  expectInteger(fields.required(1), 15)
  const encrypted = readEncryptedData(fields.required(2))
  const content = openEncryptedData(sessionKey, KeyUsage.AP_REP, encrypted, 'the AP-REP')
  const proof = readFields(readApplication(decode(content, 'the encrypted part of the AP-REP'), 27))
  const seconds = readTime(proof.required(0)).getTime() / 1000
  const microseconds = readMicroseconds(proof.required(1))
  if (seconds !== instant.seconds || microseconds !== instant.microseconds) {
    throw new KerberosError(
      'mutual-authentication',
      'the AP-REP answers another authenticator than the one that was sent',
    )
  }
  const subkey = proof.optional(2)
  const sequenceNumber = proof.optional(3)
  return {
    subkey: subkey && readKey(subkey),
    sequenceNumber: sequenceNumber && readInteger(sequenceNumber),
  }
}
