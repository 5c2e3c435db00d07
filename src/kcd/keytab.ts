import { open } from 'node:fs/promises'
import { createEncryptionKey, type EncryptionKey } from './crypto/encryption-key.ts'
import { encryptionTypeName, findEncryptionType } from './crypto/encryption-type.ts'
import { KerberosError } from './kerberos-error.ts'
import { type OctetReader, readOctetsOf } from './octet-reader.ts'
import { type Principal, type PrincipalName, principalText, sameName } from './principal-name.ts'

/** One key of a keytab. */
export interface KeytabEntry {
  readonly name: PrincipalName
  readonly realm: string
  readonly keyVersion: number
  readonly writtenAt: Date
  readonly encryptionType: number
  /** Absent where the encryption type is not supported: such an entry is only shown. */
  readonly key?: EncryptionKey | undefined
}

export type Keytab = readonly KeytabEntry[]

/** A keytab of an account has a handful of entries, one of a web farm some hundreds. */
const MOST_OCTETS = 1024 * 1024

/**
 * Reads a keytab of version 2, as ktutil, ktpass, adutil and Samba write it.
 * @throws {KerberosError} `keytab` for anything else.
 * @see https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html
 */
export function parseKeytab(octets: Uint8Array): Keytab {
  if (octets.length > MOST_OCTETS)
    throw new KerberosError('keytab', `a keytab of ${octets.length} octets, at most ${MOST_OCTETS} are read`)
  const reader = readOctetsOf(octets, () => new KerberosError('keytab', 'the keytab is cut off'))
  const version = reader.left < 2 ? undefined : reader.uint16()
  if (version === 0x0501)
    throw new KerberosError('keytab', 'a keytab of version 1: write it anew with a current ktutil')
  if (version !== 0x0502) throw new KerberosError('keytab', 'not a keytab: it does not begin with 05 02')
  const entries: KeytabEntry[] = []
  while (reader.left > 0) {
    const length = reader.int32()
    if (length === 0) break
    const record = reader.octets(Math.abs(length))
    // A negative length is a hole that an entry was deleted from.
    if (length > 0) entries.push(readEntry(record))
  }
  return entries
}

/**
 * Reads a keytab file. A file that others may read gives away who can act for every person, so it is refused.
 * @param allowGroupReadable a keytab that its group may read, for service accounts that share one.
 * @throws {KerberosError} `keytab` where it cannot be read, is no keytab, or others than its owner may read it.
 */
export async function readKeytabFile(file: string, { allowGroupReadable = false } = {}): Promise<Keytab> {
  let octets: Buffer
  try {
    const handle = await open(file, 'r')
    try {
      const { mode, size } = await handle.stat()
      const tooOpen = mode & (allowGroupReadable ? 0o037 : 0o077)
      if (tooOpen !== 0 && process.platform !== 'win32') {
        const bits = (mode & 0o777).toString(8).padStart(4, '0')
        throw new KerberosError(
          'keytab',
          `the keytab ${file} has mode ${bits}: others may use it. Run chmod ${allowGroupReadable ? '0640' : '0600'} ${file}`,
        )
      }
      if (size > MOST_OCTETS)
        throw new KerberosError('keytab', `the keytab ${file} has ${size} octets, at most ${MOST_OCTETS} are read`)
      octets = await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof KerberosError) throw cause
    throw new KerberosError('keytab', `the keytab ${file} cannot be read`, { cause })
  }
  return parseKeytab(octets)
}

/**
 * The usable keys of a principal, newest version first and within one version the strongest encryption type first.
 * @throws {KerberosError} `keytab` where there is none; `encryption-type` where all are of types that are not supported.
 */
export function keysOf(keytab: Keytab, principal: Principal): (KeytabEntry & { readonly key: EncryptionKey })[] {
  const own = keytab.filter((entry) => entry.realm === principal.realm && sameName(entry.name, principal.name))
  const who = principalText(principal.name, principal.realm)
  if (own.length === 0) {
    const others = [...new Set(keytab.map((entry) => principalText(entry.name, entry.realm)))].slice(0, 5).join(', ')
    throw new KerberosError(
      'keytab',
      `the keytab has no key of ${who}${others === '' ? ': it is empty' : `, but of ${others}`}`,
    )
  }
  const usable = own.filter((entry): entry is KeytabEntry & { key: EncryptionKey } => entry.key !== undefined)
  if (usable.length === 0) {
    const types = [...new Set(own.map((entry) => encryptionTypeName(entry.encryptionType)))].join(', ')
    throw new KerberosError(
      'encryption-type',
      `the keytab has keys of ${who} for ${types} alone. RC4 and DES are not supported: turn AES on for the account ` +
        '(Set-ADUser NAME -KerberosEncryptionType AES128,AES256), set its password anew and make the keytab with ' +
        'ktpass /crypto AES256-SHA1, or adutil keytab create.',
    )
  }
  return usable.sort((a, b) => b.keyVersion - a.keyVersion || strength(b.key) - strength(a.key))
}

/** Writes a keytab of version 2: for tools and tests. Entries without a key are left out. */
export function encodeKeytab(keytab: Keytab): Buffer {
  const records = keytab.flatMap((entry) => {
    if (entry.key === undefined) return []
    const secret = entry.key.secret.export()
    const record = Buffer.concat([
      uint16(entry.name.components.length),
      ...[entry.realm, ...entry.name.components].flatMap((text) => counted(Buffer.from(text, 'utf8'))),
      uint32(entry.name.type),
      uint32(Math.floor(entry.writtenAt.getTime() / 1000)),
      Buffer.from([entry.keyVersion & 0xff]),
      uint16(entry.encryptionType),
      ...counted(secret),
      uint32(entry.keyVersion),
    ])
    return [uint32(record.length), record]
  })
  return Buffer.concat([Buffer.from([5, 2]), ...records])
}

function readEntry(record: Buffer): KeytabEntry {
  const reader = readOctetsOf(record, () => new KerberosError('keytab', 'an entry of the keytab is cut off'))
  const count = reader.uint16()
  const realm = readText(reader)
  const components = Array.from({ length: Math.min(count, reader.left) }, () => readText(reader))
  const type = reader.uint32()
  const writtenAt = new Date(reader.uint32() * 1000)
  const shortVersion = reader.uint8()
  const encryptionType = reader.uint16()
  const secret = reader.octets(reader.uint16())
  // The version in one octet wraps at 256; the one in four octets counts where it is there and not zero.
  const longVersion = reader.left >= 4 ? reader.uint32() : 0
  const supported = findEncryptionType(encryptionType) !== undefined
  return {
    name: { type, components },
    realm,
    keyVersion: longVersion === 0 ? shortVersion : longVersion,
    writtenAt,
    encryptionType,
    key: supported ? keyOf(encryptionType, secret) : undefined,
  }
}

function keyOf(encryptionType: number, secret: Buffer): EncryptionKey {
  try {
    return createEncryptionKey(encryptionType, secret, 'a key')
  } catch (cause) {
    throw new KerberosError(
      'keytab',
      `a key of ${encryptionTypeName(encryptionType)} in the keytab has ${secret.length} octets`,
      { cause },
    )
  }
}

function readText(reader: OctetReader): string {
  return reader.octets(reader.uint16()).toString('utf8')
}

/** Those of RFC 8009 before those of RFC 3962, 256 bits before 128. */
function strength({ type }: EncryptionKey): number {
  return (type.profile === 'rfc8009' ? 1000 : 0) + type.keyLength
}

function counted(octets: Buffer): Buffer[] {
  return [uint16(octets.length), octets]
}

function uint16(value: number): Buffer {
  const octets = Buffer.alloc(2)
  octets.writeUInt16BE(value)
  return octets
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}
