/**
 * FAST (RFC 6113 §5.4): an AS or TGS exchange inside a tunnel whose key an armour ticket gives. Pure parts: the armour
 * key, the padata of the request, the content of the reply, and the encrypted challenge that stands for the timestamp.
 */
import { checksum, type EncryptionKey, verifyChecksum } from '../crypto/encryption-key.ts'
import { combineKeys } from '../crypto/key-combination.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import { KerberosError } from '../kerberos-error.ts'
import type { PrincipalName } from '../principal-name.ts'
import type { Instant } from './authenticator.ts'
import {
  type DerElement,
  decode,
  readContext,
  readFields,
  readInteger,
  readMicroseconds,
  readString,
  readTime,
} from './der-reader.ts'
import { encode, encoded, field, flagBits, integer, octetString, sequence } from './der-writer.ts'
import {
  type Checksum,
  encodeChecksum,
  encodeEncrypted,
  openEncryptedData,
  readChecksum,
  readEncryptedData,
  readKey,
  readPrincipalName,
} from './kerberos-types.ts'
import { encodePaDataList, findPaData, type PaData, PaDataType, readPaDataList } from './pa-data.ts'
import { timestamp } from './preauthentication.ts'
import type { Ticket } from './ticket.ts'

const ARMOR_AP_REQUEST = 1

/**
 * The armour key. For an AS exchange of the armour ticket and the subkey of the AP-REQ that carries it; for a TGS
 * exchange of the ticket-granting ticket and the subkey of PA-TGS-REQ (implicit armour).
 * @see RFC 6113 §5.4.1.1, §5.4.2
 */
export function armorKey(subkey: EncryptionKey, sessionKey: EncryptionKey): EncryptionKey {
  return combineKeys(subkey, sessionKey, 'subkeyarmor', 'ticketarmor')
}

export interface FastRequest {
  readonly armorKey: EncryptionKey
  /** AP-REQ with the armour ticket; AS exchange alone. */
  readonly armorApRequest?: Uint8Array | undefined
  /** What the tunnel is bound to: the outer KDC-REQ-BODY of an AS-REQ, the AP-REQ in PA-TGS-REQ of a TGS-REQ. */
  readonly covered: Uint8Array
  /** The request that counts: preauthentication data and body, as `encodeKdcRequestBody` made it. */
  readonly paData: readonly PaData[]
  readonly body: Uint8Array
}

/** PA-FX-FAST of a request. */
export function fastRequest({ armorKey: key, ...request }: FastRequest): PaData {
  const inner = encode(
    sequence(field(0, flagBits(0)), field(1, encodePaDataList(request.paData)), field(2, encoded(request.body))),
  )
  const armor =
    request.armorApRequest &&
    sequence(field(0, integer(ARMOR_AP_REQUEST)), field(1, octetString(request.armorApRequest)))
  const octets = checksum(key, KeyUsage.FAST_REQ_CHECKSUM, request.covered)
  const armored = sequence(
    field(0, armor),
    field(1, encodeChecksum({ type: key.type.checksumType, octets })),
    field(2, encodeEncrypted(key, KeyUsage.FAST_ENC, inner)),
  )
  return { type: PaDataType.FX_FAST, value: encode(field(0, armored)) }
}

/** KrbFastResponse: what the KDC said inside the tunnel. */
export interface FastReply {
  readonly paData: readonly PaData[]
  /** Strengthens the reply key: `strengthenedKey`. */
  readonly strengthenKey?: EncryptionKey | undefined
  readonly finished?: FastFinished | undefined
  readonly nonce: number
}

/** KrbFastFinished: ties the tunnel to the outer reply. */
export interface FastFinished {
  readonly serverTime: Date
  readonly clientRealm: string
  readonly client: PrincipalName
  readonly ticketChecksum: Checksum
}

/**
 * Opens the PA-FX-FAST of a reply or of an error's data.
 * @param nonce of the request.
 * @returns undefined where the KDC answered outside the tunnel: to a client with armour that is a reason to stop.
 * @throws {KerberosError} `malformed`, `integrity`; `mismatch` for another nonce.
 */
export function openFastReply(paData: readonly PaData[], key: EncryptionKey, nonce: number): FastReply | undefined {
  const octets = findPaData(paData, PaDataType.FX_FAST)
  if (octets === undefined) return undefined
  const armored = readFields(readContext(decode(octets, 'PA-FX-FAST'), 0))
  const content = openEncryptedData(key, KeyUsage.FAST_REP, readEncryptedData(armored.required(0)), 'the FAST reply')
  const fields = readFields(decode(content, 'the FAST reply'))
  const strengthenKey = fields.optional(1)
  const finished = fields.optional(2)
  const reply = {
    paData: readPaDataList(fields.required(0)),
    strengthenKey: strengthenKey && readKey(strengthenKey),
    finished: finished && readFinished(finished),
    nonce: readInteger(fields.required(3)),
  }
  if (reply.nonce !== nonce) throw new KerberosError('mismatch', 'the FAST reply answers another request')
  return reply
}

/**
 * Checks that the outer ticket is the one the KDC sent through the tunnel.
 * @throws {KerberosError} `integrity` where it is not, or the KDC did not say.
 */
export function checkFastFinished(reply: FastReply, ticket: Ticket, key: EncryptionKey): FastFinished {
  const { finished } = reply
  const genuine =
    finished !== undefined &&
    finished.ticketChecksum.type === key.type.checksumType &&
    verifyChecksum(key, KeyUsage.FAST_FINISHED, ticket.encoded, finished.ticketChecksum.octets)
  if (!genuine)
    throw new KerberosError('integrity', 'the ticket is not the one that the KDC sent through the FAST tunnel')
  return finished
}

/** The reply key of an exchange inside FAST. @see RFC 6113 §5.4.3 */
export function strengthenedKey(reply: FastReply, replyKey: EncryptionKey): EncryptionKey {
  return reply.strengthenKey === undefined
    ? replyKey
    : combineKeys(reply.strengthenKey, replyKey, 'strengthenkey', 'replykey')
}

/** PA-ENCRYPTED-CHALLENGE: proves inside the tunnel that we have the key. @see RFC 6113 §5.4.6 */
export function encryptedChallenge(armor: EncryptionKey, clientKey: EncryptionKey, instant: Instant): PaData {
  const key = combineKeys(armor, clientKey, 'clientchallengearmor', 'challengelongterm')
  const value = encode(encodeEncrypted(key, KeyUsage.ENC_CHALLENGE_CLIENT, timestamp(instant)))
  return { type: PaDataType.ENCRYPTED_CHALLENGE, value }
}

/**
 * Checks the KDC's own challenge in a reply, where it sent one: that it has the client's key as well.
 * @throws {KerberosError} `integrity`, `malformed`
 */
export function checkKdcChallenge(reply: FastReply, armor: EncryptionKey, clientKey: EncryptionKey): void {
  const octets = findPaData(reply.paData, PaDataType.ENCRYPTED_CHALLENGE)
  if (octets === undefined) return
  const key = combineKeys(armor, clientKey, 'kdcchallengearmor', 'challengelongterm')
  const encrypted = readEncryptedData(decode(octets, "the KDC's challenge"))
  openEncryptedData(key, KeyUsage.ENC_CHALLENGE_KDC, encrypted, "the KDC's challenge")
}

function readFinished(element: DerElement): FastFinished {
  const fields = readFields(element)
  const milliseconds = readTime(fields.required(0)).getTime() + readMicroseconds(fields.required(1)) / 1000
  return {
    serverTime: new Date(milliseconds),
    clientRealm: readString(fields.required(2)),
    client: readPrincipalName(fields.required(3)),
    ticketChecksum: readChecksum(fields.required(4)),
  }
}
