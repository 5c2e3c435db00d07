import { checksum, type EncryptionKey, verifyChecksum } from '../crypto/encryption-key.ts'
import { HMAC_MD5, hmacMd5Checksum } from '../crypto/hmac-md5.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import { KerberosError } from '../kerberos-error.ts'
import type { Principal, PrincipalName } from '../principal-name.ts'
import { decode, encodedOf, readFields, readFlags, readInteger, readString } from './der-reader.ts'
import { encode, encoded, field, flagBits, generalString, integer, sequence } from './der-writer.ts'
import { flagsOf, hasFlag } from './flags.ts'
import { encodeChecksum, encodePrincipalName, readChecksum, readPrincipalName } from './kerberos-types.ts'
import { type PaData, PaDataType } from './pa-data.ts'

const AUTH_PACKAGE = 'Kerberos'

/** Bit of the options of S4UUserID: the reply is to be signed with key usage 27. */
const USE_REPLY_KEY_USAGE = 2

/** Bits of PA-PAC-OPTIONS ([MS-KILE] 2.2.10). */
export const PacOption = {
  CLAIMS: 0,
  BRANCH_AWARE: 1,
  FORWARD_TO_FULL_DC: 2,
  RESOURCE_BASED_CONSTRAINED_DELEGATION: 3,
} as const

/**
 * PA-FOR-USER: whom a ticket to ourselves is asked for.
 * @param sessionKey of the ticket-granting ticket; the checksum is HMAC-MD5 whatever its type is.
 * @see [MS-SFU] 2.2.1
 */
export function paForUser(user: Principal, sessionKey: EncryptionKey): PaData {
  const type = Buffer.alloc(4)
  type.writeInt32LE(user.name.type)
  const covered = Buffer.concat([type, Buffer.from(user.name.components.join('') + user.realm + AUTH_PACKAGE, 'utf8')])
  const octets = hmacMd5Checksum(sessionKey, KeyUsage.PA_FOR_USER, covered)
  const value = encode(
    sequence(
      field(0, encodePrincipalName(user.name)),
      field(1, generalString(user.realm)),
      field(2, encodeChecksum({ type: HMAC_MD5, octets })),
      field(3, generalString(AUTH_PACKAGE)),
    ),
  )
  return { type: PaDataType.FOR_USER, value }
}

/**
 * PA-S4U-X509-USER by name: the same with a checksum of the key's own type, bound to this request by its nonce.
 * @param key the authenticator's subkey where the request has one, else the session key of the ticket-granting ticket.
 * @see [MS-SFU] 2.2.2
 */
export function paS4uX509User(user: Principal, nonce: number, key: EncryptionKey): PaData {
  const userId = encode(
    sequence(
      field(0, integer(nonce)),
      field(1, encodePrincipalName(user.name)),
      field(2, generalString(user.realm)),
      field(4, flagBits(flagsOf(USE_REPLY_KEY_USAGE))),
    ),
  )
  const octets = checksum(key, KeyUsage.PA_S4U_X509_USER_REQUEST, userId)
  const value = encode(
    sequence(field(0, encoded(userId)), field(1, encodeChecksum({ type: key.type.checksumType, octets }))),
  )
  return { type: PaDataType.S4U_X509_USER, value }
}

/**
 * Checks the PA-S4U-X509-USER of a reply.
 * @param key the one that the request's was made with.
 * @returns the name of the user as the KDC knows it, for the rest of a chain of referrals.
 * @throws {KerberosError} `malformed`; `integrity` for a wrong checksum; `mismatch` for another nonce.
 * @see [MS-SFU] 3.1.5.1.2
 */
export function openPaS4uX509User(
  octets: Uint8Array,
  nonce: number,
  key: EncryptionKey,
): { readonly name: PrincipalName | undefined; readonly realm: string } {
  const fields = readFields(decode(octets, 'PA-S4U-X509-USER'))
  const userIdElement = fields.required(0)
  const signature = readChecksum(fields.required(1))
  const userId = readFields(userIdElement)
  const options = userId.optional(4)
  const usage =
    options !== undefined && hasFlag(readFlags(options), USE_REPLY_KEY_USAGE)
      ? KeyUsage.PA_S4U_X509_USER_REPLY
      : KeyUsage.PA_S4U_X509_USER_REQUEST
  const genuine =
    signature.type === key.type.checksumType && verifyChecksum(key, usage, encodedOf(userIdElement), signature.octets)
  if (!genuine) throw new KerberosError('integrity', 'the checksum of PA-S4U-X509-USER in the reply is wrong')
  if (readInteger(userId.required(0)) !== nonce) {
    throw new KerberosError('mismatch', 'PA-S4U-X509-USER in the reply answers another request')
  }
  const name = userId.optional(1)
  return { name: name && readPrincipalName(name), realm: readString(userId.required(2)) }
}

/** PA-PAC-OPTIONS, bits by `PacOption`. @see [MS-KILE] 2.2.10, [MS-SFU] 2.2.5 */
export function paPacOptions(...bits: readonly number[]): PaData {
  return { type: PaDataType.PAC_OPTIONS, value: encode(sequence(field(0, flagBits(flagsOf(...bits))))) }
}
