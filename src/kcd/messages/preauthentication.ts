import type { EncryptionKey } from '../crypto/encryption-key.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import type { Instant } from './authenticator.ts'
import { decode, readFields, readInteger, readList, readOctets, readStringOctets } from './der-reader.ts'
import { malformed } from './der-structure.ts'
import { encode, field, integer, kerberosTime, sequence } from './der-writer.ts'
import { encodeEncrypted } from './kerberos-types.ts'
import { findPaData, type PaData, PaDataType } from './pa-data.ts'

/** How the key of a password is made, by the KDC's account. */
export interface EncryptionTypeInfo {
  readonly encryptionType: number
  /** Absent: `defaultSalt` of the client. */
  readonly salt?: Buffer | undefined
  /** For `iterationsOf`. */
  readonly parameters?: Buffer | undefined
}

/** An honest list has a handful; each one would be tried. */
const MOST_ENTRIES = 32

/**
 * ETYPE-INFO2: the encryption types the KDC has keys of, best first.
 * @throws {KerberosError} `malformed`
 * @see RFC 4120 §5.2.7.5
 */
export function decodeEncryptionTypeInfo(octets: Uint8Array): EncryptionTypeInfo[] {
  const entries = readList(decode(octets, 'ETYPE-INFO2'))
  if (entries.length > MOST_ENTRIES) throw malformed('ETYPE-INFO2', `${entries.length} entries`)
  return entries.map((entry) => {
    const fields = readFields(entry)
    const salt = fields.optional(1)
    const parameters = fields.optional(2)
    return {
      encryptionType: readInteger(fields.required(0)),
      salt: salt && Buffer.from(readStringOctets(salt)),
      parameters: parameters && Buffer.from(readOctets(parameters)),
    }
  })
}

/** Every encryption type that a KDC's ETYPE-INFO2 names, for the message where none is supported. */
export function offeredEncryptionTypes(paData: readonly PaData[]): number[] {
  const info = findPaData(paData, PaDataType.ETYPE_INFO2)
  return info === undefined ? [] : decodeEncryptionTypeInfo(info).map((entry) => entry.encryptionType)
}

/** PA-ENC-TIMESTAMP: proves that we have the key. @see RFC 4120 §5.2.7.2 */
export function encryptedTimestamp(key: EncryptionKey, instant: Instant): PaData {
  const value = encode(encodeEncrypted(key, KeyUsage.AS_REQ_TIMESTAMP, timestamp(instant)))
  return { type: PaDataType.ENC_TIMESTAMP, value }
}

/** PA-ENC-TS-ENC, not yet encrypted. */
export function timestamp({ seconds, microseconds }: Instant): Buffer {
  return encode(sequence(field(0, kerberosTime(new Date(seconds * 1000))), field(1, integer(microseconds))))
}
