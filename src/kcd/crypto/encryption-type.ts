import { KerberosError } from '../kerberos-error.ts'
import type { CbcCipher } from './ciphertext-stealing.ts'

/** The encryption types that are supported, by their IANA numbers. */
export type EncryptionTypeNumber = 17 | 18 | 19 | 20

/** What differs between the encryption types; the code that works with them is one. */
export interface EncryptionType {
  readonly number: EncryptionTypeNumber
  readonly name: string
  readonly cipher: CbcCipher
  /** Octets of the protocol key and of the key that encrypts. */
  readonly keyLength: number
  /** Octets of the keys for HMAC; of those that are derived, not of the protocol key. */
  readonly macKeyLength: number
  readonly hash: 'sha1' | 'sha256' | 'sha384'
  /** Octets of the truncated HMAC. */
  readonly macLength: number
  /** Number of the checksum type that is required with this encryption type. */
  readonly checksumType: number
  /** RFC 3961: n-fold and DK, HMAC over the plaintext. RFC 8009: KDF-HMAC-SHA2, HMAC over IV and ciphertext. */
  readonly profile: 'rfc3961' | 'rfc8009'
  /** PBKDF2 iterations where the KDC names none. */
  readonly defaultIterations: number
}

const TYPES: Readonly<Record<EncryptionTypeNumber, EncryptionType>> = {
  // RFC 3962 §6, §7
  17: {
    number: 17,
    name: 'aes128-cts-hmac-sha1-96',
    cipher: 'aes-128-cbc',
    keyLength: 16,
    macKeyLength: 16,
    hash: 'sha1',
    macLength: 12,
    checksumType: 15,
    profile: 'rfc3961',
    defaultIterations: 4096,
  },
  18: {
    number: 18,
    name: 'aes256-cts-hmac-sha1-96',
    cipher: 'aes-256-cbc',
    keyLength: 32,
    macKeyLength: 32,
    hash: 'sha1',
    macLength: 12,
    checksumType: 16,
    profile: 'rfc3961',
    defaultIterations: 4096,
  },
  // RFC 8009 §4 to §6
  19: {
    number: 19,
    name: 'aes128-cts-hmac-sha256-128',
    cipher: 'aes-128-cbc',
    keyLength: 16,
    macKeyLength: 16,
    hash: 'sha256',
    macLength: 16,
    checksumType: 19,
    profile: 'rfc8009',
    defaultIterations: 32_768,
  },
  20: {
    number: 20,
    name: 'aes256-cts-hmac-sha384-192',
    cipher: 'aes-256-cbc',
    keyLength: 32,
    macKeyLength: 24,
    hash: 'sha384',
    macLength: 24,
    checksumType: 20,
    profile: 'rfc8009',
    defaultIterations: 32_768,
  },
}

/** What a KDC is asked for, best first: it takes the first that it has. */
export const PREFERRED_ENCRYPTION_TYPES: readonly EncryptionTypeNumber[] = [20, 19, 18, 17]

/** The encryption type of a number, or undefined where it is not supported. */
export function findEncryptionType(number: number): EncryptionType | undefined {
  return isSupportedEncryptionType(number) ? TYPES[number] : undefined
}

export function isSupportedEncryptionType(number: number): number is EncryptionTypeNumber {
  return number === 17 || number === 18 || number === 19 || number === 20
}

/**
 * The encryption type of a number that something was encrypted with.
 * @param what what came in it, for the message: `the session key`.
 * @throws {KerberosError} `encryption-type` where it is not supported; for RC4 it says how AES is turned on.
 */
export function encryptionType(number: number, what = 'a key'): EncryptionType {
  const type = findEncryptionType(number)
  if (type !== undefined) return type
  throw new KerberosError('encryption-type', `${what} has encryption type ${encryptionTypeName(number)}. ${AES_ADVICE}`)
}

/** How an operator knows an encryption type, supported or not: `rc4-hmac (23)`. */
export function encryptionTypeName(number: number): string {
  const name = findEncryptionType(number)?.name ?? UNSUPPORTED_NAMES[number]
  return name === undefined ? String(number) : `${name} (${number})`
}

const UNSUPPORTED_NAMES: Readonly<Record<number, string>> = {
  1: 'des-cbc-crc',
  2: 'des-cbc-md4',
  3: 'des-cbc-md5',
  16: 'des3-cbc-sha1',
  23: 'rc4-hmac',
  24: 'rc4-hmac-exp',
  25: 'camellia128-cts-cmac',
  26: 'camellia256-cts-cmac',
}

const AES_ADVICE =
  'Supported are aes128-cts-hmac-sha1-96 (17), aes256-cts-hmac-sha1-96 (18), aes128-cts-hmac-sha256-128 (19) and ' +
  'aes256-cts-hmac-sha384-192 (20). Turn AES on for the account (Set-ADUser NAME -KerberosEncryptionType AES128,AES256; ' +
  'MIT: cpw -e aes256-cts:normal NAME), set its password anew so that AES keys exist, and make a new keytab.'
