import { checksum, type EncryptionKey } from '../crypto/encryption-key.ts'
import { PREFERRED_ENCRYPTION_TYPES } from '../crypto/encryption-type.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import type { Principal, PrincipalName } from '../principal-name.ts'
import { encodeApRequest } from './ap-request.ts'
import { type Instant, initialSequenceNumber } from './authenticator.ts'
import {
  application,
  type Encodable,
  encode,
  encoded,
  field,
  flagBits,
  generalString,
  integer,
  kerberosTime,
  sequence,
} from './der-writer.ts'
import { encodePrincipalName, KERBEROS_VERSION } from './kerberos-types.ts'
import { encodePaDataList, type PaData, PaDataType } from './pa-data.ts'

/** KDC-REQ-BODY of RFC 4120 §5.4.1, as far as it is used here. */
export interface KdcRequestBody {
  /** KDCOptions, see `KdcOption` and `flagsOf`. */
  readonly options: number
  /** Only in an AS-REQ. */
  readonly client?: PrincipalName | undefined
  /** Realm of the service; in an AS-REQ the client's as well. */
  readonly realm: string
  readonly service: PrincipalName
  readonly till: Date
  readonly nonce: number
  /** Default: all that are supported, best first. */
  readonly encryptionTypes?: readonly number[]
  /** Tickets as their KDCs made them: the evidence ticket of S4U2Proxy. */
  readonly additionalTickets?: readonly Uint8Array[]
}

const PREFERRED_FIELD = encoded(encode(field(8, sequence(...PREFERRED_ENCRYPTION_TYPES.map(integer)))))

export function encodeKdcRequestBody({
  encryptionTypes = PREFERRED_ENCRYPTION_TYPES,
  additionalTickets = [],
  ...body
}: KdcRequestBody): Buffer {
  return encode(
    sequence(
      field(0, flagBits(body.options)),
      field(1, body.client && encodePrincipalName(body.client)),
      field(2, generalString(body.realm)),
      field(3, encodePrincipalName(body.service)),
      field(5, kerberosTime(body.till)),
      field(7, integer(body.nonce)),
      encryptionTypes === PREFERRED_ENCRYPTION_TYPES
        ? PREFERRED_FIELD
        : field(8, sequence(...encryptionTypes.map(integer))),
      field(11, additionalTickets.length === 0 ? undefined : sequence(...additionalTickets.map(encoded))),
    ),
  )
}

/**
 * AS-REQ.
 * @param body as `encodeKdcRequestBody` made it.
 */
export function encodeAsRequest(body: Uint8Array, paData: readonly PaData[] = []): Buffer {
  return encode(application(10, kdcRequest(10, body, paData)))
}

/** What a request to a ticket-granting service is authenticated with. */
export interface TicketGrantingTicket {
  /** The ticket as the KDC made it. */
  readonly ticket: Uint8Array
  readonly sessionKey: EncryptionKey
  readonly client: Principal
}

/**
 * PA-TGS-REQ: the AP-REQ whose authenticator covers the request's body.
 * @param body as `encodeKdcRequestBody` made it.
 * @param subkey the reply is then encrypted with it (key usage 9), else with the session key (8).
 * @see RFC 4120 §3.3.2
 */
export function tgsRequestAuthentication(
  tgt: TicketGrantingTicket,
  body: Uint8Array,
  instant: Instant,
  subkey?: EncryptionKey,
): PaData {
  const { sessionKey } = tgt
  const value = encodeApRequest({
    ticket: tgt.ticket,
    sessionKey,
    usage: KeyUsage.TGS_REQ_AUTHENTICATOR,
    authenticator: {
      client: tgt.client,
      checksum: {
        type: sessionKey.type.checksumType,
        octets: checksum(sessionKey, KeyUsage.TGS_REQ_BODY_CHECKSUM, body),
      },
      instant,
      subkey,
      // Not asked for, but without it two requests of one instant and content would be alike.
      sequenceNumber: initialSequenceNumber(),
    },
  })
  return { type: PaDataType.TGS_REQ, value }
}

/**
 * TGS-REQ.
 * @param body as `encodeKdcRequestBody` made it, the same octets that the authenticator covers.
 * @param paData `tgsRequestAuthentication` first.
 */
export function encodeTgsRequest(body: Uint8Array, paData: readonly PaData[]): Buffer {
  return encode(application(12, kdcRequest(12, body, paData)))
}

const VERSION_SECOND = field(1, integer(KERBEROS_VERSION))

function kdcRequest(type: number, body: Uint8Array, paData: readonly PaData[]): Encodable {
  return sequence(
    VERSION_SECOND,
    field(2, integer(type)),
    field(3, paData.length === 0 ? undefined : encodePaDataList(paData)),
    field(4, encoded(body)),
  )
}
