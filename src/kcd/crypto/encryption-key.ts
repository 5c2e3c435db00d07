import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { KerberosError } from '../kerberos-error.ts'
import { decryptStealing, encryptStealing } from './ciphertext-stealing.ts'
import { type EncryptionType, type EncryptionTypeNumber, encryptionType } from './encryption-type.ts'
import { deriveUsageKey, type KeyPurpose } from './key-derivation.ts'

const CONFOUNDER = 16

/** A protocol key (RFC 3961 §3) with the keys that were derived from it so far. */
export interface EncryptionKey {
  readonly type: EncryptionType
  /** The protocol key itself, as a KeyObject so that no log or debugger prints it. `keyOctets` gives its octets. */
  readonly secret: KeyObject
  /** Ke, Ki or Kc of a usage; derived when first asked for, then kept. */
  derived(usage: number, purpose: KeyPurpose): KeyObject
}

/**
 * A key from its octets.
 * @param number encryption type.
 * @param what whose key it is, for the message.
 * @throws {KerberosError} `encryption-type` for a type that is not supported; `malformed` for a wrong length.
 */
export function createEncryptionKey(number: number, octets: Uint8Array, what = 'a key'): EncryptionKey {
  const type = encryptionType(number, what)
  if (octets.length !== type.keyLength) {
    throw new KerberosError(
      'malformed',
      `${what} of ${type.name} has ${octets.length} octets, ${type.keyLength} expected`,
    )
  }
  const secret = createSecretKey(octets)
  const derivedKeys = new Map<number, KeyObject>()
  const derived = (usage: number, purpose: KeyPurpose): KeyObject => {
    const index = usage * 3 + PURPOSE_INDEX[purpose]
    let key = derivedKeys.get(index)
    if (key === undefined) {
      key = deriveUsageKey(type, secret, usage, purpose)
      derivedKeys.set(index, key)
    }
    return key
  }
  return { type, secret, derived }
}

const PURPOSE_INDEX: Readonly<Record<KeyPurpose, number>> = { encryption: 0, integrity: 1, checksum: 2 }

/** A fresh random key. For AES every string of octets is one (RFC 3962 §3). */
export function randomEncryptionKey(number: EncryptionTypeNumber): EncryptionKey {
  return createEncryptionKey(number, randomBytes(encryptionType(number).keyLength))
}

/** The octets of a key, to be written into a message. */
export function keyOctets(key: EncryptionKey): Buffer {
  return key.secret.export()
}

/** Whether two keys are the same, in constant time. */
export function sameKey(a: EncryptionKey, b: EncryptionKey): boolean {
  return a.type === b.type && timingSafeEqual(keyOctets(a), keyOctets(b))
}

/** How many octets longer a ciphertext is than its plaintext: confounder and HMAC. */
export function ciphertextOverhead(type: EncryptionType): number {
  return CONFOUNDER + type.macLength
}

/**
 * Encrypts and authenticates.
 * @param usage key usage number (RFC 4120 §7.5.1); another one does not decrypt.
 * @returns ciphertext (as long as plaintext and a confounder of 16 octets) | HMAC.
 * @see RFC 3961 §5.3, RFC 8009 §5
 */
export function encrypt(key: EncryptionKey, usage: number, plaintext: Uint8Array): Buffer {
  const confounded = Buffer.allocUnsafe(CONFOUNDER + plaintext.length)
  confounded.set(plaintext, CONFOUNDER)
  return encryptWithRoomForConfounder(key, usage, confounded)
}

/**
 * As `encrypt`, for a plaintext that already has 16 octets of room in front: they are overwritten.
 * @param confounder only tests give one, to reproduce published vectors.
 */
export function encryptWithRoomForConfounder(
  key: EncryptionKey,
  usage: number,
  confounded: Buffer,
  confounder: Uint8Array = randomBytes(CONFOUNDER),
): Buffer {
  const { type } = key
  confounded.set(confounder, 0)
  const ciphertext = encryptStealing(type.cipher, key.derived(usage, 'encryption'), confounded)
  const authenticated = type.profile === 'rfc3961' ? confounded : ciphertext
  const mac = macOf(key, usage, authenticated)
  const sealed = Buffer.allocUnsafe(ciphertext.length + type.macLength)
  ciphertext.copy(sealed)
  mac.copy(sealed, ciphertext.length, 0, type.macLength)
  return sealed
}

/**
 * Decrypts what `encrypt` made, or a peer.
 * @param what what is decrypted, for the message: `the ticket`.
 * @throws {KerberosError} `integrity` where key, usage or octets are not those it was made with; `malformed` where it is
 * too short to be a ciphertext.
 */
export function decrypt(key: EncryptionKey, usage: number, sealed: Uint8Array, what = 'a message'): Buffer {
  const { type } = key
  const end = sealed.length - type.macLength
  if (end < CONFOUNDER) {
    throw new KerberosError(
      'malformed',
      `the ciphertext of ${what} has ${sealed.length} octets, too few for ${type.name}`,
    )
  }
  const ciphertext = sealed.subarray(0, end)
  const mac = sealed.subarray(end)
  const encryption = key.derived(usage, 'encryption')
  if (type.profile === 'rfc8009') {
    if (!sameMac(type, macOf(key, usage, ciphertext), mac)) throw notAuthentic(what, type)
    return decryptStealing(type.cipher, encryption, ciphertext).subarray(CONFOUNDER)
  }
  const confounded = decryptStealing(type.cipher, encryption, ciphertext)
  if (!sameMac(type, macOf(key, usage, confounded), mac)) throw notAuthentic(what, type)
  return confounded.subarray(CONFOUNDER)
}

/** The checksum that is required with the key's encryption type (`key.type.checksumType`). */
export function checksum(key: EncryptionKey, usage: number, octets: Uint8Array): Buffer {
  const { type } = key
  return createHmac(type.hash, key.derived(usage, 'checksum')).update(octets).digest().subarray(0, type.macLength)
}

/** Whether a checksum is that of the octets under this key and usage, in constant time. */
export function verifyChecksum(key: EncryptionKey, usage: number, octets: Uint8Array, claimed: Uint8Array): boolean {
  return sameMac(key.type, checksum(key, usage, octets), claimed)
}

function macOf(key: EncryptionKey, usage: number, octets: Uint8Array): Buffer {
  const hmac = createHmac(key.type.hash, key.derived(usage, 'integrity'))
  // RFC 8009 §5: the initial cipher state, always zero here, is authenticated as well.
  if (key.type.profile === 'rfc8009') hmac.update(ZERO_STATE)
  return hmac.update(octets).digest()
}

const ZERO_STATE = Buffer.alloc(16)

/** Compares an HMAC of ours, cut to the type's length, with one that came: a shorter one is another one. */
function sameMac(type: EncryptionType, ours: Buffer, theirs: Uint8Array): boolean {
  return theirs.length === type.macLength && timingSafeEqual(ours.subarray(0, type.macLength), theirs)
}

function notAuthentic(what: string, type: EncryptionType): KerberosError {
  return new KerberosError(
    'integrity',
    `${what} does not decrypt with this key of ${type.name}: another key made it, or it was changed`,
  )
}
