import { randomInt } from 'node:crypto'
import type { EncryptionKey } from '../crypto/encryption-key.ts'
import type { Principal } from '../principal-name.ts'
import { application, type Encodable, field, generalString, integer, kerberosTime, sequence } from './der-writer.ts'
import {
  encodeAuthorizationData,
  encodeChecksum,
  encodeKey,
  encodePrincipalName,
  VERSION_FIRST,
} from './kerberos-types.ts'

/** ctime and cusec of an authenticator: an instant that no other one of this process has. */
export interface Instant {
  /** Whole seconds since 1970. */
  readonly seconds: number
  /** 32,768 to 999,999. */
  readonly microseconds: number
}

export interface AuthenticatorClock {
  /**
   * The next instant: the time given, or a microsecond after the last one where that is not past it. A server takes two
   * authenticators with one instant for a replay, so whoever shares a ticket must share a clock. A clock that was set
   * back by more than two minutes is believed: going on from its old time would be taken for skew.
   * @param now milliseconds since 1970, already corrected by a known difference to the KDC's clock.
   */
  next(now: number): Instant
}

/**
 * Microseconds from 32,768 on always take three octets in DER, so that an authenticator is as long as every other one.
 * The first 33 ms of each second are told as their end.
 */
const LEAST_MICROSECONDS = 32_768

/** Seconds: less than the five minutes that services allow. */
const FURTHEST_AHEAD = 120

export function createAuthenticatorClock(): AuthenticatorClock {
  let lastSecond = 0
  let last = 0
  return {
    next: (now) => {
      const seconds = Math.floor(now / 1000)
      const microseconds = Math.max(Math.floor((now - seconds * 1000) * 1000), LEAST_MICROSECONDS)
      const setBack = seconds < lastSecond - FURTHEST_AHEAD
      if (setBack || seconds > lastSecond || (seconds === lastSecond && microseconds > last)) {
        lastSecond = seconds
        last = microseconds
      } else if (last < 999_999) {
        last++
      } else {
        lastSecond++
        last = LEAST_MICROSECONDS
      }
      return { seconds: lastSecond, microseconds: last }
    },
  }
}

/** An initial sequence number: below 2³⁰, because some peers take it for a signed number, and always of four octets. */
export function initialSequenceNumber(): number {
  return randomInt(0x01000000, 0x40000000)
}

/** A nonce: below 2³¹, because some KDCs take it for a signed number. */
export function randomNonce(): number {
  return randomInt(1, 0x7fffffff)
}

export interface Authenticator {
  readonly client: Principal
  readonly checksum?: { readonly type: number; readonly octets: Uint8Array } | undefined
  readonly instant: Instant
  readonly subkey?: EncryptionKey | undefined
  readonly sequenceNumber?: number | undefined
  readonly authorizationData?: readonly { readonly type: number; readonly data: Uint8Array }[] | undefined
}

/** Authenticator of RFC 4120 §5.5.1, not yet encrypted. */
export function encodeAuthenticator({
  client,
  checksum,
  instant,
  subkey,
  sequenceNumber,
  authorizationData,
}: Authenticator): Encodable {
  return application(
    2,
    sequence(
      VERSION_FIRST,
      field(1, generalString(client.realm)),
      field(2, encodePrincipalName(client.name)),
      field(3, checksum && encodeChecksum(checksum)),
      field(4, integer(instant.microseconds)),
      field(5, kerberosTime(new Date(instant.seconds * 1000))),
      field(6, subkey && encodeKey(subkey)),
      field(7, sequenceNumber === undefined ? undefined : integer(sequenceNumber)),
      field(8, authorizationData && encodeAuthorizationData(authorizationData)),
    ),
  )
}
