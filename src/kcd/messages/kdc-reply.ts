import type { EncryptionKey } from '../crypto/encryption-key.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import type { PrincipalName } from '../principal-name.ts'
import {
  applicationTag,
  type DerElement,
  decode,
  expectInteger,
  readApplication,
  readFields,
  readFlags,
  readInteger,
  readString,
  readTime,
} from './der-reader.ts'
import { malformed } from './der-structure.ts'
import {
  type EncryptedData,
  KERBEROS_VERSION,
  openEncryptedData,
  readEncryptedData,
  readKey,
  readPrincipalName,
} from './kerberos-types.ts'
import { type KrbError, readKrbError } from './krb-error.ts'
import { type PaData, readPaDataList } from './pa-data.ts'
import { readTicket, type Ticket } from './ticket.ts'

/** AS-REP or TGS-REP of RFC 4120 §5.4.2. Only the encrypted part is authentic. */
export interface KdcReply {
  readonly kind: 'reply'
  readonly exchange: 'AS' | 'TGS'
  readonly paData: readonly PaData[]
  readonly clientRealm: string
  readonly client: PrincipalName
  readonly ticket: Ticket
  readonly encrypted: EncryptedData
}

/** EncKDCRepPart: what the KDC says about the ticket, to us alone. */
export interface KdcReplyContent {
  readonly sessionKey: EncryptionKey
  readonly nonce: number
  readonly keyExpiresAt?: Date | undefined
  /** TicketFlags, see `TicketFlag` and `hasFlag`. */
  readonly flags: number
  readonly authenticatedAt: Date
  readonly startsAt?: Date | undefined
  readonly endsAt: Date
  readonly renewableUntil?: Date | undefined
  readonly serviceRealm: string
  readonly service: PrincipalName
  readonly encryptedPaData: readonly PaData[]
}

/**
 * What a KDC answered: the reply of the exchange, or its refusal.
 * @throws {KerberosError} `malformed` for anything else.
 */
export function decodeKdcAnswer(octets: Uint8Array, exchange: 'AS' | 'TGS'): KdcReply | KrbError {
  const element = decode(octets, 'the answer of the KDC')
  return applicationTag(element) === 30 ? readKrbError(element) : readKdcReply(element, exchange)
}

function readKdcReply(element: DerElement, exchange: 'AS' | 'TGS'): KdcReply {
  const type = exchange === 'AS' ? 11 : 13
  const fields = readFields(readApplication(element, type))
  expectInteger(fields.required(0), KERBEROS_VERSION)
  expectInteger(fields.required(1), type)
  const paData = fields.optional(2)
  return {
    kind: 'reply',
    exchange,
    paData: paData === undefined ? [] : readPaDataList(paData),
    clientRealm: readString(fields.required(3)),
    client: readPrincipalName(fields.required(4)),
    ticket: readTicket(fields.required(5)),
    encrypted: readEncryptedData(fields.required(6)),
  }
}

/**
 * Opens the encrypted part of an AS-REP.
 * @param replyKey the client's key, strengthened where FAST says so.
 * @throws {KerberosError} `integrity`, `malformed`, `encryption-type`
 */
export function openAsReply(reply: KdcReply, replyKey: EncryptionKey): KdcReplyContent {
  return readContent(openEncryptedData(replyKey, KeyUsage.AS_REP, reply.encrypted, 'the AS-REP'))
}

/**
 * Opens the encrypted part of a TGS-REP.
 * @param replyKey the authenticator's subkey where it had one (strengthened where FAST says so), else the session key of
 * the ticket-granting ticket.
 * @param withSubkey whether it had one: the key usage differs.
 * @throws {KerberosError} `integrity`, `malformed`, `encryption-type`
 */
export function openTgsReply(reply: KdcReply, replyKey: EncryptionKey, withSubkey: boolean): KdcReplyContent {
  const usage = withSubkey ? KeyUsage.TGS_REP_SUBKEY : KeyUsage.TGS_REP_SESSION_KEY
  return readContent(openEncryptedData(replyKey, usage, reply.encrypted, 'the TGS-REP'))
}

function readContent(octets: Buffer): KdcReplyContent {
  const element = decode(octets, 'the encrypted part of the reply')
  const tag = applicationTag(element)
  // RFC 4120 §5.4.2: some KDCs put the tag of EncTGSRepPart into an AS-REP.
  if (tag !== 25 && tag !== 26) throw malformed(element.what, 'neither EncASRepPart nor EncTGSRepPart')
  const fields = readFields(readApplication(element, tag))
  const keyExpiresAt = fields.optional(3)
  const startsAt = fields.optional(6)
  const renewableUntil = fields.optional(8)
  const encryptedPaData = fields.optional(12)
  return {
    sessionKey: readKey(fields.required(0)),
    nonce: readInteger(fields.required(2)),
    keyExpiresAt: keyExpiresAt && readTime(keyExpiresAt),
    flags: readFlags(fields.required(4)),
    authenticatedAt: readTime(fields.required(5)),
    startsAt: startsAt && readTime(startsAt),
    endsAt: readTime(fields.required(7)),
    renewableUntil: renewableUntil && readTime(renewableUntil),
    serviceRealm: readString(fields.required(9)),
    service: readPrincipalName(fields.required(10)),
    encryptedPaData: encryptedPaData === undefined ? [] : readPaDataList(encryptedPaData),
  }
}
