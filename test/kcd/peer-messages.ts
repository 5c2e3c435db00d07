import { checksum, type EncryptionKey } from '../../src/kcd/crypto/encryption-key.ts'
import { KeyUsage } from '../../src/kcd/crypto/key-usage.ts'
import type { Instant } from '../../src/kcd/messages/authenticator.ts'
import {
  application,
  type Encodable,
  encode,
  encoded,
  field,
  flagBits,
  framing,
  generalString,
  integer,
  kerberosTime,
  objectIdentifier,
  octetString,
  sequence,
} from '../../src/kcd/messages/der-writer.ts'
import {
  encodeAuthorizationData,
  encodeChecksum,
  encodeEncrypted,
  encodeKey,
  encodePrincipalName,
} from '../../src/kcd/messages/kerberos-types.ts'
import { encodePaDataList, type PaData, PaDataType } from '../../src/kcd/messages/pa-data.ts'
import type { Principal } from '../../src/kcd/principal-name.ts'
import { MECHANISM_LIST } from '../../src/kcd/spnego/initial-token.ts'

/** What the other side of the protocol sends: KDC, service and acceptor, honest or not, as a test wants it. */

export interface TicketToIssue {
  client: Principal
  service: Principal
  serviceKey: EncryptionKey
  sessionKey: EncryptionKey
  flags?: number
  authenticatedAt?: Date
  startsAt?: Date
  endsAt?: Date
  authorizationData?: { type: number; data: Uint8Array }[]
}

const NOW = new Date('2026-11-23T12:00:00Z')
const LATER = new Date('2026-11-23T22:00:00Z')

/** Ticket, encrypted for the service. */
export function issueTicket({ client, service, serviceKey, sessionKey, ...ticket }: TicketToIssue): Buffer {
  const content = application(
    3,
    sequence(
      field(0, flagBits(ticket.flags ?? 0x40a10000)),
      field(1, encodeKey(sessionKey)),
      field(2, generalString(client.realm)),
      field(3, encodePrincipalName(client.name)),
      field(4, sequence(field(0, integer(1)), field(1, octetString(Buffer.alloc(0))))),
      field(5, kerberosTime(ticket.authenticatedAt ?? NOW)),
      field(6, ticket.startsAt && kerberosTime(ticket.startsAt)),
      field(7, kerberosTime(ticket.endsAt ?? LATER)),
      field(10, ticket.authorizationData && encodeAuthorizationData(ticket.authorizationData)),
    ),
  )
  return encode(
    application(
      1,
      sequence(
        field(0, integer(5)),
        field(1, generalString(service.realm)),
        field(2, encodePrincipalName(service.name)),
        field(3, encodeEncrypted(serviceKey, KeyUsage.TICKET, encode(content), 2)),
      ),
    ),
  )
}

export interface KdcReplyToSend {
  exchange: 'AS' | 'TGS'
  client: Principal
  service: Principal
  ticket: Uint8Array
  sessionKey: EncryptionKey
  replyKey: EncryptionKey
  /** Key usage of the encrypted part: 3, 8 or 9. */
  usage: number
  nonce: number
  paData?: readonly PaData[]
  encryptedPaData?: readonly PaData[]
  flags?: number
  endsAt?: Date
  /** Tag of the encrypted part; default that of the exchange. */
  contentTag?: number
}

/** AS-REP or TGS-REP. */
export function kdcReply(reply: KdcReplyToSend): Buffer {
  const type = reply.exchange === 'AS' ? 11 : 13
  const content = application(
    reply.contentTag ?? (reply.exchange === 'AS' ? 25 : 26),
    sequence(
      field(0, encodeKey(reply.sessionKey)),
      field(1, sequence(sequence(field(0, integer(0)), field(1, kerberosTime(NOW))))),
      field(2, integer(reply.nonce)),
      field(4, flagBits(reply.flags ?? 0x40e10000)),
      field(5, kerberosTime(NOW)),
      field(7, kerberosTime(reply.endsAt ?? LATER)),
      field(9, generalString(reply.service.realm)),
      field(10, encodePrincipalName(reply.service.name)),
      field(12, reply.encryptedPaData && encodePaDataList(reply.encryptedPaData)),
    ),
  )
  return encode(
    application(
      type,
      sequence(
        field(0, integer(5)),
        field(1, integer(type)),
        field(2, reply.paData && encodePaDataList(reply.paData)),
        field(3, generalString(reply.client.realm)),
        field(4, encodePrincipalName(reply.client.name)),
        field(5, encoded(reply.ticket)),
        field(6, encodeEncrypted(reply.replyKey, reply.usage, encode(content))),
      ),
    ),
  )
}

export interface KrbErrorToSend {
  errorCode: number
  realm: string
  service: Principal
  text?: string
  data?: Uint8Array
  serverTime?: Date
  clientRealm?: string
}

/** KRB-ERROR. */
export function krbError(error: KrbErrorToSend): Buffer {
  return encode(
    application(
      30,
      sequence(
        field(0, integer(5)),
        field(1, integer(30)),
        field(4, kerberosTime(error.serverTime ?? NOW)),
        field(5, integer(250_000)),
        field(6, integer(error.errorCode)),
        field(7, error.clientRealm === undefined ? undefined : generalString(error.clientRealm)),
        field(9, generalString(error.realm)),
        field(10, encodePrincipalName(error.service.name)),
        field(11, error.text === undefined ? undefined : generalString(error.text)),
        field(12, error.data && octetString(error.data)),
      ),
    ),
  )
}

/** KERB-ERROR-DATA with an NTSTATUS, as Active Directory adds it. */
export function ntStatusData(status: number): Buffer {
  const value = Buffer.alloc(12)
  value.writeUInt32LE(status)
  value.writeUInt32LE(1, 8)
  return encode(sequence(field(1, integer(3)), field(2, octetString(value))))
}

/** AP-REP. */
export function apReply(sessionKey: EncryptionKey, instant: Instant, subkey?: EncryptionKey): Buffer {
  const proof = application(
    27,
    sequence(
      field(0, kerberosTime(new Date(instant.seconds * 1000))),
      field(1, integer(instant.microseconds)),
      field(2, subkey && encodeKey(subkey)),
      field(3, integer(1234)),
    ),
  )
  const encrypted = encodeEncrypted(sessionKey, KeyUsage.AP_REP, encode(proof))
  return encode(application(15, sequence(field(0, integer(5)), field(1, integer(15)), field(2, encrypted))))
}

/** GSS framing around a message of Kerberos. */
export function gssToken(tokenId: number, message: Uint8Array, mechanism = '1.2.840.113554.1.2.2'): Buffer {
  const id = Buffer.from([tokenId >> 8, tokenId & 0xff])
  return encode(framing(0, Buffer.concat([encode(objectIdentifier(mechanism)), id, message])))
}

export interface NegotiationAnswer {
  state?: number
  mechanism?: string
  token?: Uint8Array
  mic?: Uint8Array
}

/** NegTokenResp, in base64 as it stands behind `Negotiate `. */
export function negotiationAnswer({ state, mechanism, token, mic }: NegotiationAnswer): string {
  const enumerated = (value: number) => encoded(Buffer.from([0x0a, 1, value]))
  const fields = sequence(
    field(0, state === undefined ? undefined : enumerated(state)),
    field(1, mechanism === undefined ? undefined : objectIdentifier(mechanism)),
    field(2, token && octetString(token)),
    field(3, mic && octetString(mic)),
  )
  return encode(field(1, fields)).toString('base64')
}

/** MIC token of an acceptor over the list of mechanisms. */
export function acceptorMic(key: EncryptionKey, acceptorSubkey: boolean): Buffer {
  const header = Buffer.from(`0404${acceptorSubkey ? '05' : '01'}ffffffffff0000000000000001`, 'hex')
  return Buffer.concat([header, checksum(key, KeyUsage.GSS_ACCEPTOR_SIGN, Buffer.concat([MECHANISM_LIST, header]))])
}

export interface FastReplyToSend {
  armorKey: EncryptionKey
  nonce: number
  paData?: readonly PaData[]
  strengthenKey?: EncryptionKey
  client?: Principal
  ticket?: Uint8Array
}

/** PA-FX-FAST of a reply; with a ticket it has KrbFastFinished. */
export function fastReply({ armorKey, nonce, paData = [], strengthenKey, client, ticket }: FastReplyToSend): PaData {
  const finished =
    client &&
    ticket &&
    sequence(
      field(0, kerberosTime(NOW)),
      field(1, integer(0)),
      field(2, generalString(client.realm)),
      field(3, encodePrincipalName(client.name)),
      field(
        4,
        encodeChecksum({
          type: armorKey.type.checksumType,
          octets: checksum(armorKey, KeyUsage.FAST_FINISHED, ticket),
        }),
      ),
    )
  const response: Encodable = sequence(
    field(0, encodePaDataList(paData)),
    field(1, strengthenKey && encodeKey(strengthenKey)),
    field(2, finished),
    field(3, integer(nonce)),
  )
  const armored = sequence(field(0, encodeEncrypted(armorKey, KeyUsage.FAST_REP, encode(response))))
  return { type: PaDataType.FX_FAST, value: encode(field(0, armored)) }
}

/** PA-S4U-X509-USER of a reply. */
export function s4uReply(user: Principal, nonce: number, key: EncryptionKey, replyKeyUsage: boolean): Buffer {
  const userId = encode(
    sequence(
      field(0, integer(nonce)),
      field(1, encodePrincipalName(user.name)),
      field(2, generalString(user.realm)),
      field(4, flagBits(replyKeyUsage ? 0x20000000 : 0)),
    ),
  )
  const usage = replyKeyUsage ? KeyUsage.PA_S4U_X509_USER_REPLY : KeyUsage.PA_S4U_X509_USER_REQUEST
  const octets = checksum(key, usage, userId)
  return encode(sequence(field(0, encoded(userId)), field(1, encodeChecksum({ type: key.type.checksumType, octets }))))
}
