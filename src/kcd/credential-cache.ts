import { type EncryptionKey, keyOctets } from './crypto/encryption-key.ts'
import type { Principal } from './principal-name.ts'

/** A ticket with what is needed to use it, as a credential cache keeps it. */
export interface CachedCredential {
  readonly client: Principal
  readonly service: Principal
  readonly sessionKey: EncryptionKey
  readonly authenticatedAt: Date
  readonly startsAt?: Date | undefined
  readonly endsAt: Date
  readonly renewableUntil?: Date | undefined
  /** TicketFlags. */
  readonly flags: number
  /** The ticket as the KDC made it. */
  readonly ticket: Uint8Array
}

/**
 * Writes credentials as a credential cache of version 4, for klist, kvno and whatever else reads one. The file gives
 * whoever has it the tickets: write it with mode 0600.
 * @param owner default principal of the cache.
 * @param clockOffset seconds that the KDC's clock is ahead of ours.
 * @see https://web.mit.edu/kerberos/krb5-latest/doc/formats/ccache_file_format.html
 */
export function encodeCredentialCache(
  owner: Principal,
  credentials: readonly CachedCredential[],
  clockOffset = 0,
): Buffer {
  const seconds = Math.floor(clockOffset)
  const microseconds = Math.round((clockOffset - seconds) * 1e6)
  const header = Buffer.concat([uint16(1), uint16(8), uint32(seconds), uint32(microseconds)])
  return Buffer.concat([
    uint16(0x0504),
    uint16(header.length),
    header,
    encodePrincipal(owner),
    ...credentials.map(encodeCredential),
  ])
}

function encodeCredential(credential: CachedCredential): Buffer {
  const { sessionKey } = credential
  return Buffer.concat([
    encodePrincipal(credential.client),
    encodePrincipal(credential.service),
    uint16(sessionKey.type.number),
    counted(keyOctets(sessionKey)),
    time(credential.authenticatedAt),
    time(credential.startsAt ?? credential.authenticatedAt),
    time(credential.endsAt),
    time(credential.renewableUntil),
    // Not encrypted in another ticket's session key; the flags; no addresses, no authorization data.
    Buffer.from([0]),
    uint32(credential.flags),
    uint32(0),
    uint32(0),
    counted(credential.ticket),
    counted(Buffer.alloc(0)),
  ])
}

function encodePrincipal({ name, realm }: Principal): Buffer {
  return Buffer.concat([
    uint32(name.type),
    uint32(name.components.length),
    ...[realm, ...name.components].map((text) => counted(Buffer.from(text, 'utf8'))),
  ])
}

function time(date: Date | undefined): Buffer {
  return uint32(date === undefined ? 0 : Math.floor(date.getTime() / 1000))
}

function counted(octets: Uint8Array): Buffer {
  return Buffer.concat([uint32(octets.length), octets])
}

function uint16(value: number): Buffer {
  const octets = Buffer.alloc(2)
  octets.writeUInt16BE(value)
  return octets
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value >>> 0)
  return octets
}
