import type { AuthenticatorClock, Instant } from '../messages/authenticator.ts'
import type { KdcClient } from './kdc-client.ts'
import type { RealmClocks } from './realm-clocks.ts'

/** What every exchange with a KDC needs. */
export interface ExchangeParts {
  readonly kdc: KdcClient
  readonly clocks: RealmClocks
  /** One for all tickets that these exchanges get and use. */
  readonly authenticators: AuthenticatorClock
  /** Seconds that tickets are asked for; the KDC may give less. */
  readonly ticketLifetime: number
}

/** The instant of an authenticator for a realm. */
export function nextInstant({ clocks, authenticators }: ExchangeParts, realm: string): Instant {
  return authenticators.next(clocks.now(realm))
}

/** When a ticket that is asked for now shall end. */
export function tillOf({ clocks, ticketLifetime }: ExchangeParts, realm: string): Date {
  return new Date(clocks.now(realm) + ticketLifetime * 1000)
}
