import { KerberosError } from '../kerberos-error.ts'

/** What time it is for the KDCs of each realm: our clock and the difference that a KDC once complained about. */
export interface RealmClocks {
  /** Milliseconds since 1970. */
  now(realm: string): number
  /**
   * Takes over the clock of a KDC that refused ours. Its error is not authentic, so only so far as the bound allows.
   * @returns a function that takes it back, for when the KDC does not like the corrected time either.
   * @throws {KerberosError} `clock-skew` where the difference is beyond the bound.
   */
  correct(realm: string, kdcTime: Date): () => void
}

/**
 * @param now our clock.
 * @param largest correction, in milliseconds either way.
 */
export function createRealmClocks(now: () => number, largest: number): RealmClocks {
  const offsets = new Map<string, number>()
  return {
    now: (realm) => now() + (offsets.get(realm) ?? 0),
    correct: (realm, kdcTime) => {
      const offset = kdcTime.getTime() - now()
      if (!(Math.abs(offset) <= largest)) {
        const seconds = Math.round(Math.abs(offset) / 1000)
        const message =
          `the clock of the KDC of ${realm} is ${seconds} s ${offset > 0 ? 'ahead of' : 'behind'} ours, ` +
          `more than the ${Math.round(largest / 1000)} s that are corrected. Set both clocks by NTP ` +
          '(chronyc tracking here, w32tm /query /status on a domain controller).'
        throw new KerberosError('clock-skew', message, { kdcCode: 37, realm })
      }
      const before = offsets.get(realm)
      offsets.set(realm, offset)
      return () => {
        if (before === undefined) offsets.delete(realm)
        else offsets.set(realm, before)
      }
    },
  }
}
