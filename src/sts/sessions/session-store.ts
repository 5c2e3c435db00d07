import type { Person } from '../people/person.ts'
import type { Database } from '../store/database.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { SsoSession } from './sso-session.ts'

export interface SessionStore {
  start(sign: {
    person: Pick<Person, 'id' | 'upn'>
    methods: readonly string[]
    persistent: boolean
    now: Date
  }): Promise<{ session: SsoSession /** 256 bits, the cookie's value. */; secret: string }>
  /** The living session of a secret. Synchronous and from memory where it can be: this is the hot path. */
  find(secret: string, now: Date): SsoSession | undefined
  /** Notes that the session was used for a participant; writes only the first time. */
  join(sid: string, participant: string): Promise<void>
  end(sid: string, now: Date): Promise<void>
  endAllOf(person: Pick<Person, 'id' | 'upn'>, now: Date): Promise<void>
  list(now: Date): SsoSession[]
  readonly ended: EndedSessions
}

export declare function openSessionStore(options: {
  database: Database
  now: Date
  /** Seconds; defaults 28800 and 604800. */
  lifetimes?: { session?: number; persistent?: number }
}): SessionStore
