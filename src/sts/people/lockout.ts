/**
 * Lockout after wrong passwords, as AD FS's extranet smart lockout does it: two counters per name, one for familiar
 * places and one for all others, so that a stranger who guesses locks out strangers and not the person at home. A
 * counter that reached the threshold refuses every attempt from its kind of place, right password or not, until the
 * observation window has passed since the last counted failure; refused attempts do not prolong it. A success starts
 * the counter of its own kind anew. Names that nobody has are counted as well: a lock tells nothing about who exists.
 *
 * All of it is in the database: a restart unlocks nobody.
 */
import type { Database } from '../store/database.ts'
import type { Person } from './person.ts'
import { upnKey } from './user-principal-name.ts'

export type Place = 'familiar' | 'unknown'

export interface LockoutSettings {
  /** Wrong passwords from one kind of place until it is locked; default 10. */
  threshold: number
  /** Seconds after the last counted failure until the counter starts anew; default 1800. */
  observationWindow: number
  /** Seconds for which a device or an address stays familiar after a success; default 30 days. */
  familiarFor: number
}

/** A place that is locked for a person. */
export interface LockedPlace {
  upn: string
  place: Place
  failures: number
  until: Date
}

export interface Lockout {
  isLocked(key: string, place: Place, now: Date): boolean
  /** Counts a wrong password. @returns whether this one locked the place. */
  failed(key: string, place: Place, now: Date): Promise<boolean>
  /** Starts the counter of this place anew and makes the address familiar. */
  succeeded(person: Person, place: Place, address: string, now: Date): Promise<void>
  isFamiliarAddress(personId: string, address: string, now: Date): boolean
  /** Places of people who exist, by UPN. */
  list(now: Date): LockedPlace[]
  unlock(key: string): Promise<void>
}

/** Addresses that are kept for a person; the one used longest ago goes. */
const addressesKept = 20

/** A success from a familiar address is noted again after this many milliseconds, so that most write nothing. */
const addressRefresh = 3_600_000

export function openLockout({ database, settings }: { database: Database; settings: LockoutSettings }): Lockout {
  const { query } = database
  const { threshold, observationWindow, familiarFor } = settings
  const windowLength = observationWindow * 1000

  const failuresOf = (key: string, place: Place) =>
    query.selectFrom('password_failures').selectAll().where('upn_key', '=', key).where('place', '=', place)

  function counted(row: { failures: number; last_failure_at: number } | undefined, now: Date): number {
    // a failure of the future is one of a clock that was wrong: it must not lock anybody for as long as it was
    return row !== undefined && Math.abs(now.getTime() - row.last_failure_at) < windowLength ? row.failures : 0
  }

  const addressOf = (personId: string, address: string) =>
    query
      .selectFrom('familiar_addresses')
      .select('last_success_at')
      .where('person_id', '=', personId)
      .where('address', '=', address)

  return {
    isLocked: (key, place, now) => counted(database.read(failuresOf(key, place))[0], now) >= threshold,
    failed: (key, place, now) =>
      database.write((run) => {
        const failures = counted(run(failuresOf(key, place))[0], now) + 1
        const at = now.getTime()
        run(query.deleteFrom('password_failures').where('last_failure_at', '<=', at - windowLength))
        run(query.deleteFrom('password_failures').where('last_failure_at', '>=', at + windowLength))
        run(
          query
            .insertInto('password_failures')
            .values({ upn_key: key, place, failures, last_failure_at: at })
            .onConflict((conflict) =>
              conflict.columns(['upn_key', 'place']).doUpdateSet({ failures, last_failure_at: at }),
            ),
        )
        return failures === threshold
      }),
    async succeeded(person, place, address, now) {
      const key = upnKey(person.upn)
      const at = now.getTime()
      const known = database.read(addressOf(person.id, address))[0]?.last_success_at ?? 0
      if (database.read(failuresOf(key, place)).length === 0 && Math.abs(at - known) < addressRefresh) return
      await database.write((run) => {
        run(query.deleteFrom('password_failures').where('upn_key', '=', key).where('place', '=', place))
        run(
          query
            .insertInto('familiar_addresses')
            .values({ person_id: person.id, address, last_success_at: at })
            .onConflict((conflict) => conflict.columns(['person_id', 'address']).doUpdateSet({ last_success_at: at })),
        )
        const ofPerson = query.selectFrom('familiar_addresses').where('person_id', '=', person.id)
        const latest = ofPerson.select('address').orderBy('last_success_at', 'desc').limit(addressesKept)
        run(
          query.deleteFrom('familiar_addresses').where('person_id', '=', person.id).where('address', 'not in', latest),
        )
      })
    },
    isFamiliarAddress(personId, address, now) {
      const [row] = database.read(addressOf(personId, address))
      return row !== undefined && now.getTime() - row.last_success_at < familiarFor * 1000
    },
    list: (now) =>
      database
        .read(
          query
            .selectFrom('password_failures')
            .innerJoin('people', 'people.upn_key', 'password_failures.upn_key')
            .select(['people.upn', 'place', 'failures', 'last_failure_at'])
            .where('failures', '>=', threshold)
            .where('last_failure_at', '>', now.getTime() - windowLength)
            .where('last_failure_at', '<', now.getTime() + windowLength)
            .orderBy('people.upn_key')
            .orderBy('place'),
        )
        .map(({ upn, place, failures, last_failure_at }) => ({
          upn,
          place,
          failures,
          until: new Date(last_failure_at + windowLength),
        })),
    async unlock(key) {
      await database.write((run) => void run(query.deleteFrom('password_failures').where('upn_key', '=', key)))
    },
  }
}
