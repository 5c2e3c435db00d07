import { randomFillSync } from 'node:crypto'
import {
  ciphertextOverhead,
  createEncryptionKey,
  type EncryptionKey,
  encryptWithRoomForConfounder,
} from '../crypto/encryption-key.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import { apRequest } from '../messages/ap-request.ts'
import { type AuthenticatorClock, encodeAuthenticator, type Instant } from '../messages/authenticator.ts'
import { contentOffset, type DerElement, decode, readApplication, readFields } from '../messages/der-reader.ts'
import { encode, kerberosTimeText } from '../messages/der-writer.ts'
import { ApOption, flagsOf } from '../messages/flags.ts'
import { encodeEncryptedData } from '../messages/kerberos-types.ts'
import type { Principal } from '../principal-name.ts'
import { channelBindingHash } from './channel-binding.ts'
import { channelBindingIsMeant, GSS_CHECKSUM, GssFlag, gssChecksum, negotiationToken } from './initial-token.ts'

/** A service ticket and what it takes to use it. */
export interface ServiceCredential {
  /** The ticket as the KDC made it. */
  readonly ticket: Uint8Array
  readonly sessionKey: EncryptionKey
  /** The person the ticket speaks for, as the KDC named them. */
  readonly client: Principal
}

export interface NegotiatorOptions {
  /** Shared by all that use tickets of one KDC: see `AuthenticatorClock`. */
  readonly clock: AuthenticatorClock
  /** Application data of the channel binding, from `tlsServerEndPoint`; absent for a backend without TLS. */
  readonly channelBinding?: Uint8Array | undefined
  /** Fills with random octets; only tests give another one, to have the same token twice. */
  readonly fillRandom?: (octets: Buffer) => void
}

/** One token, and what its answer is checked with. */
export interface Negotiation {
  /** What stands behind `Negotiate ` in the Authorization header. */
  readonly value: string
  readonly instant: Instant
  /** Octets of the subkey in the authenticator. */
  readonly subkey: Buffer
}

export interface Negotiator {
  /**
   * A token of its own for each request or connection: every one has another instant, subkey and sequence number.
   * @param now milliseconds since 1970, corrected by a known difference to the KDC's clock.
   */
  next(now: number): Negotiation
}

/** Mutual authentication, and the services a Windows client announces as well. */
const FLAGS = GssFlag.MUTUAL | GssFlag.REPLAY | GssFlag.SEQUENCE | GssFlag.CONFIDENTIALITY | GssFlag.INTEGRITY
const CONFOUNDER = 16
const SEQUENCE_NUMBER = 4

/**
 * Makes SPNEGO tokens from one service ticket. Everything that stays the same is encoded once: of the authenticator the
 * changing fields are written in place (all of them of one length, whatever their value), of the token around it the
 * base64 text up to the ciphertext, which stands at its end, is kept.
 * @see RFC 4559 §4.1, RFC 4178 §4.2.1, RFC 4121 §4.1
 */
export function createNegotiator(
  { ticket, sessionKey, client }: ServiceCredential,
  { clock, channelBinding, fillRandom = randomFillSync }: NegotiatorOptions,
): Negotiator {
  const { type } = sessionKey
  const binding = channelBinding && channelBindingHash(channelBinding)
  const template = encode(
    encodeAuthenticator({
      client,
      checksum: { type: GSS_CHECKSUM, octets: gssChecksum(FLAGS, binding) },
      // Placeholders of the length that every later value has.
      instant: { seconds: 0, microseconds: 999_999 },
      subkey: createEncryptionKey(type.number, Buffer.alloc(type.keyLength)),
      sequenceNumber: 0x20000000,
      authorizationData: binding && [channelBindingIsMeant()],
    }),
  )
  // Not of the pool, of which a few octets would keep all the rest: a negotiator lives as long as its ticket.
  const confounded = Buffer.alloc(CONFOUNDER + template.length)
  confounded.set(template, CONFOUNDER)
  const at = placesOf(template)
  const subkeyAt = CONFOUNDER + at.subkey
  const sequenceAt = CONFOUNDER + at.sequenceNumber

  const cipherLength = template.length + ciphertextOverhead(type)
  const encrypted = encodeEncryptedData(type.number, Buffer.alloc(cipherLength))
  const token = negotiationToken(apRequest(ticket, encrypted, flagsOf(ApOption.MUTUAL_REQUIRED)))
  const headLength = token.length - cipherLength
  const textLength = headLength - (headLength % 3)
  const head = token.toString('base64', 0, textLength)
  const tail = Buffer.alloc(token.length - textLength)
  tail.set(token.subarray(textLength))
  const cipherAt = headLength - textLength

  const random = Buffer.alloc(CONFOUNDER + type.keyLength + SEQUENCE_NUMBER)
  const confounder = random.subarray(0, CONFOUNDER)
  const randomSubkey = random.subarray(CONFOUNDER, CONFOUNDER + type.keyLength)
  let writtenSecond = -1

  return {
    next: (now) => {
      const instant = clock.next(now)
      fillRandom(random)
      if (instant.seconds !== writtenSecond) {
        confounded.write(kerberosTimeText(new Date(instant.seconds * 1000)), CONFOUNDER + at.time, 'latin1')
        writtenSecond = instant.seconds
      }
      confounded.writeUIntBE(instant.microseconds, CONFOUNDER + at.microseconds, 3)
      randomSubkey.copy(confounded, subkeyAt)
      // Below 2³⁰ and never shorter than four octets: see `initialSequenceNumber`.
      const sequenceNumber = (random.readUInt32BE(CONFOUNDER + type.keyLength) & 0x1fffffff) | 0x20000000
      confounded.writeUInt32BE(sequenceNumber, sequenceAt)
      const cipher = encryptWithRoomForConfounder(sessionKey, KeyUsage.AP_REQ_AUTHENTICATOR, confounded, confounder)
      cipher.copy(tail, cipherAt)
      return { value: head + tail.toString('base64'), instant, subkey: Buffer.from(randomSubkey) }
    },
  }
}

/** Where in an encoded authenticator the content of each changing field begins. */
function placesOf(authenticator: Buffer) {
  const fields = readFields(readApplication(decode(authenticator, 'Authenticator'), 2))
  const place = (element: DerElement) => contentOffset(element, authenticator)
  return {
    microseconds: place(fields.required(4)),
    time: place(fields.required(5)),
    subkey: place(readFields(fields.required(6)).required(1)),
    sequenceNumber: place(fields.required(7)),
  }
}
