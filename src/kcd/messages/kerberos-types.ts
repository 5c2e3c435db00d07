import { createEncryptionKey, decrypt, type EncryptionKey, encrypt, keyOctets } from '../crypto/encryption-key.ts'
import { encryptionTypeName } from '../crypto/encryption-type.ts'
import { KerberosError } from '../kerberos-error.ts'
import type { PrincipalName } from '../principal-name.ts'
import { type DerElement, readFields, readInteger, readList, readOctets, readString } from './der-reader.ts'
import { malformed } from './der-structure.ts'
import { type Encodable, encode, encoded, field, generalString, integer, octetString, sequence } from './der-writer.ts'

/** Version of the protocol, in every message. */
export const KERBEROS_VERSION = 5

/** A name of more components than any real one is an attempt to make work. */
const MOST_COMPONENTS = 16

/** EncryptedData of RFC 4120 §5.2.9. */
export interface EncryptedData {
  readonly encryptionType: number
  readonly keyVersion?: number | undefined
  readonly cipher: Buffer
}

/** Checksum of RFC 4120 §5.2.9. */
export interface Checksum {
  readonly type: number
  readonly octets: Buffer
}

/** One element of AuthorizationData, RFC 4120 §5.2.6. */
export interface AuthorizationElement {
  readonly type: number
  readonly data: Buffer
}

/** Names stand in several places of every message, most of them the same from one to the next. */
const encodedNames = new WeakMap<PrincipalName, Buffer>()

export function encodePrincipalName(name: PrincipalName): Encodable {
  let octets = encodedNames.get(name)
  if (octets === undefined) {
    const parts = name.components.map(generalString)
    octets = encode(sequence(field(0, integer(name.type)), field(1, sequence(...parts))))
    encodedNames.set(name, octets)
  }
  return encoded(octets)
}

/** `[0] 5`, where a message begins with the version. */
export const VERSION_FIRST: Encodable = field(0, integer(KERBEROS_VERSION))

export function readPrincipalName(element: DerElement): PrincipalName {
  const fields = readFields(element)
  const parts = readList(fields.required(1))
  if (parts.length === 0 || parts.length > MOST_COMPONENTS)
    throw malformed(element.what, `a name of ${parts.length} components`)
  return { type: readInteger(fields.required(0)), components: parts.map(readString) }
}

/** Encrypts an encoded element into EncryptedData. */
export function encodeEncrypted(
  key: EncryptionKey,
  usage: number,
  plaintext: Uint8Array,
  keyVersion?: number,
): Encodable {
  return encodeEncryptedData(key.type.number, encrypt(key, usage, plaintext), keyVersion)
}

export function encodeEncryptedData(encryptionType: number, cipher: Uint8Array, keyVersion?: number): Encodable {
  return sequence(
    field(0, integer(encryptionType)),
    field(1, keyVersion === undefined ? undefined : integer(keyVersion)),
    field(2, octetString(cipher)),
  )
}

export function readEncryptedData(element: DerElement): EncryptedData {
  const fields = readFields(element)
  const keyVersion = fields.optional(1)
  return {
    encryptionType: readInteger(fields.required(0)),
    keyVersion: keyVersion === undefined ? undefined : readInteger(keyVersion),
    cipher: readOctets(fields.required(2)),
  }
}

/**
 * Decrypts EncryptedData.
 * @param what what it is, for messages.
 * @throws {KerberosError} `encryption-type` where it was made with a key of another type, `integrity`, `malformed`.
 */
export function openEncryptedData(key: EncryptionKey, usage: number, data: EncryptedData, what: string): Buffer {
  if (data.encryptionType !== key.type.number) {
    const type = encryptionTypeName(data.encryptionType)
    throw new KerberosError(
      'encryption-type',
      `${what} has encryption type ${type}, its key is one of ${key.type.name}`,
    )
  }
  return decrypt(key, usage, data.cipher, what)
}

export function encodeKey(key: EncryptionKey): Encodable {
  return sequence(field(0, integer(key.type.number)), field(1, octetString(keyOctets(key))))
}

/** @throws {KerberosError} `encryption-type` for a key of a type that is not supported. */
export function readKey(element: DerElement): EncryptionKey {
  const fields = readFields(element)
  return createEncryptionKey(readInteger(fields.required(0)), readOctets(fields.required(1)), element.what)
}

export function encodeChecksum(checksum: { readonly type: number; readonly octets: Uint8Array }): Encodable {
  return sequence(field(0, integer(checksum.type)), field(1, octetString(checksum.octets)))
}

export function readChecksum(element: DerElement): Checksum {
  const fields = readFields(element)
  return { type: readInteger(fields.required(0)), octets: readOctets(fields.required(1)) }
}

export function encodeAuthorizationData(elements: readonly { type: number; data: Uint8Array }[]): Encodable {
  return sequence(...elements.map(({ type, data }) => sequence(field(0, integer(type)), field(1, octetString(data)))))
}

export function readAuthorizationData(element: DerElement): AuthorizationElement[] {
  return readList(element).map((one) => {
    const fields = readFields(one)
    return { type: readInteger(fields.required(0)), data: readOctets(fields.required(1)) }
  })
}
