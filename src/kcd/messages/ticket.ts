import type { EncryptionKey } from '../crypto/encryption-key.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import type { PrincipalName } from '../principal-name.ts'
import {
  type DerElement,
  decode,
  encodedOf,
  expectInteger,
  readApplication,
  readFields,
  readFlags,
  readString,
  readTime,
} from './der-reader.ts'
import {
  type AuthorizationElement,
  type EncryptedData,
  KERBEROS_VERSION,
  openEncryptedData,
  readAuthorizationData,
  readEncryptedData,
  readKey,
  readPrincipalName,
} from './kerberos-types.ts'

/** What can be read of a ticket without the service's key. None of it is authentic: the encrypted parts of replies are. */
export interface Ticket {
  readonly realm: string
  readonly service: PrincipalName
  readonly encrypted: EncryptedData
  /** The ticket as the KDC made it; this is what is sent on. A copy of its own, so that the answer around it can go. */
  readonly encoded: Buffer
}

/** What the service reads in a ticket. */
export interface TicketContent {
  readonly flags: number
  readonly sessionKey: EncryptionKey
  readonly client: PrincipalName
  readonly clientRealm: string
  readonly authenticatedAt: Date
  readonly startsAt?: Date | undefined
  readonly endsAt: Date
  readonly renewableUntil?: Date | undefined
  readonly authorizationData: readonly AuthorizationElement[]
}

export function readTicket(element: DerElement): Ticket {
  const fields = readFields(readApplication(element, 1))
  expectInteger(fields.required(0), KERBEROS_VERSION)
  const encrypted = readEncryptedData(fields.required(3))
  const view = encodedOf(element)
  // Memory of its own, also not of the pool: tickets are kept for hours, and a view would keep all that is around it.
  const encoded = Buffer.alloc(view.length)
  encoded.set(view)
  const cipherAt = encoded.lastIndexOf(encrypted.cipher)
  const cipher = encoded.subarray(cipherAt, cipherAt + encrypted.cipher.length)
  return {
    realm: readString(fields.required(1)),
    service: readPrincipalName(fields.required(2)),
    encrypted: { ...encrypted, cipher },
    encoded,
  }
}

/** @throws {KerberosError} `malformed` */
export function decodeTicket(octets: Uint8Array): Ticket {
  return readTicket(decode(octets, 'ticket'))
}

/**
 * Opens a ticket for ourselves, such as the one of S4U2Self.
 * @param key long-term key of the service that the ticket is for.
 * @throws {KerberosError} `integrity`, `encryption-type`, `malformed`
 */
export function openTicket(ticket: Ticket, key: EncryptionKey): TicketContent {
  const content = openEncryptedData(key, KeyUsage.TICKET, ticket.encrypted, 'the ticket')
  const fields = readFields(readApplication(decode(content, 'the encrypted part of the ticket'), 3))
  const startsAt = fields.optional(6)
  const renewableUntil = fields.optional(8)
  const authorizationData = fields.optional(10)
  return {
    flags: readFlags(fields.required(0)),
    sessionKey: readKey(fields.required(1)),
    clientRealm: readString(fields.required(2)),
    client: readPrincipalName(fields.required(3)),
    authenticatedAt: readTime(fields.required(5)),
    startsAt: startsAt && readTime(startsAt),
    endsAt: readTime(fields.required(7)),
    renewableUntil: renewableUntil && readTime(renewableUntil),
    authorizationData: authorizationData === undefined ? [] : readAuthorizationData(authorizationData),
  }
}
