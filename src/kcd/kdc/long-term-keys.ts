/** The keys of an account of our own: of the gateway, or of the machine whose ticket armours FAST. */
import { stat } from 'node:fs/promises'
import type { EncryptionKey } from '../crypto/encryption-key.ts'
import { findEncryptionType, PREFERRED_ENCRYPTION_TYPES } from '../crypto/encryption-type.ts'
import { defaultSalt, iterationsOf, stringToKey } from '../crypto/string-to-key.ts'
import { KerberosError } from '../kerberos-error.ts'
import { type Keytab, keysOf, parseKeytab, readKeytabFile } from '../keytab.ts'
import type { EncryptionTypeInfo } from '../messages/preauthentication.ts'
import { type Principal, principalText } from '../principal-name.ts'

export interface LongTermKeys {
  readonly principal: Principal
  /**
   * Encryption types that there are keys of, best first. A keytab file that has changed is read anew.
   * @throws {KerberosError} `keytab`, `encryption-type`
   */
  encryptionTypes(): Promise<readonly number[]>
  /**
   * Keys of one encryption type, newest first; none where there is none.
   * @param info what the KDC says about the key; for a password the salt and iterations.
   * @throws {KerberosError} `malformed` for iterations out of bounds.
   */
  keys(info: EncryptionTypeInfo): Promise<readonly EncryptionKey[]>
  /** The keys of one encryption type that are at hand, without a look at the file; newest first. */
  keysAtHand(encryptionType: number): readonly EncryptionKey[]
}

/** Where a keytab is: path of a file, or its octets. */
export type KeytabSource = string | Uint8Array

/**
 * Keys from a keytab. A file is read when it is needed, and again whenever it was changed or replaced.
 * @param principal whose keys.
 */
export function keytabKeys(
  source: KeytabSource,
  principal: Principal,
  options: { readonly allowGroupReadable: boolean },
): LongTermKeys {
  let read: { readonly keytab: Keytab; readonly version: string } | undefined
  const current = async (): Promise<Keytab> => {
    const version = typeof source === 'string' ? await versionOf(source) : 'octets'
    if (read === undefined || (version !== undefined && read.version !== version)) {
      read = { keytab: await readKeytab(source, options), version: version ?? '' }
    }
    // A file that is just being replaced is not there for a moment: the keys that were read before go on.
    return read.keytab
  }
  const ofType = (keytab: Keytab, encryptionType: number) =>
    keysOf(keytab, principal)
      .filter((entry) => entry.encryptionType === encryptionType)
      .map((entry) => entry.key)
  return {
    principal,
    encryptionTypes: async () => {
      const have = new Set(keysOf(await current(), principal).map((entry) => entry.encryptionType))
      return PREFERRED_ENCRYPTION_TYPES.filter((number) => have.has(number))
    },
    keys: async ({ encryptionType }) => ofType(await current(), encryptionType),
    keysAtHand: (encryptionType) => (read === undefined ? [] : ofType(read.keytab, encryptionType)),
  }
}

/**
 * The principal of the first usable entry of a keytab that lies in a realm.
 * @throws {KerberosError} `keytab`
 */
export async function firstPrincipalOf(
  source: KeytabSource,
  realm: string,
  options: { readonly allowGroupReadable: boolean },
): Promise<Principal> {
  const keytab = await readKeytab(source, options)
  const entry = keytab.find((one) => one.realm === realm && one.key !== undefined)
  if (entry === undefined) throw new KerberosError('keytab', `the keytab has no usable key of an account of ${realm}`)
  return { name: entry.name, realm: entry.realm }
}

async function readKeytab(source: KeytabSource, options: { readonly allowGroupReadable: boolean }): Promise<Keytab> {
  return typeof source === 'string' ? readKeytabFile(source, options) : parseKeytab(source)
}

/**
 * Keys made from a password as the KDC says; made once for each salt and encryption type.
 */
export function passwordKeys(password: string, principal: Principal): LongTermKeys {
  const usualSalt = defaultSalt(principal.realm, principal.name.components)
  const made = new Map<string, Promise<EncryptionKey>>()
  const atHand = new Map<number, EncryptionKey>()
  let lastSalt: string | Uint8Array = usualSalt
  return {
    principal,
    encryptionTypes: async () => PREFERRED_ENCRYPTION_TYPES,
    keys: async ({ encryptionType, salt, parameters }) => {
      if (findEncryptionType(encryptionType) === undefined) return []
      // An account has one salt: what the KDC told of one encryption type holds for the others.
      if (salt !== undefined) lastSalt = salt
      const seasoning = lastSalt
      const iterations = iterationsOf(encryptionType, parameters)
      const id = `${encryptionType} ${iterations} ${Buffer.from(seasoning).toString('hex')}`
      let key = made.get(id)
      if (key === undefined) {
        // Unauthenticated answers may name any salt; none of them shall fill the memory.
        if (made.size >= 16) made.clear()
        key = stringToKey(encryptionType, password, seasoning, iterations)
        made.set(id, key)
      }
      const finished = await key
      atHand.set(encryptionType, finished)
      return [finished]
    },
    keysAtHand: (encryptionType) => {
      const key = atHand.get(encryptionType)
      return key === undefined ? [] : [key]
    },
  }
}

/** Changes whenever the file was written or replaced; undefined where there is none. */
async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch {
    return undefined
  }
}

/** For messages: whose keys they are. */
export function accountOf(keys: LongTermKeys): string {
  return principalText(keys.principal.name, keys.principal.realm)
}
