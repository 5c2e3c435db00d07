import type { SessionStore } from '../sessions/session-store.ts'
import type { Database } from '../store/database.ts'
import { hashPassword } from './password-hash.ts'
import type { PeopleStore } from './people-store.ts'

/**
 * Changes of an account that end every session of the person. Both happen in one transaction: there is no moment, not
 * even one between a kill and the next start, in which the account is disabled and a session of it lives.
 */
export interface AccountChanges {
  /** @throws {StsError} `person-unknown`, `invalid-password`, `password-too-long` */
  setPassword(upn: string, password: string, now: Date): Promise<void>
  /** @throws {StsError} `person-unknown` */
  disable(upn: string, now: Date): Promise<void>
  /** Lets the person sign in again; nothing that was ended comes back. @throws {StsError} `person-unknown` */
  enable(upn: string): Promise<void>
}

/** Couples people and their sessions: the one place that does. */
export function createAccountChanges(parts: {
  database: Database
  people: PeopleStore
  sessions: SessionStore
}): AccountChanges {
  const { database, people, sessions } = parts
  return {
    async setPassword(upn, password, now) {
      const hash = await hashPassword(password)
      await database.write((run, onCommit) => {
        const transaction = { run, onCommit }
        sessions.within.endAllOf(transaction, people.within.setPasswordHash(transaction, upn, hash), now)
      })
    },
    async disable(upn, now) {
      await database.write((run, onCommit) => {
        const transaction = { run, onCommit }
        sessions.within.endAllOf(transaction, people.within.setEnabled(transaction, upn, false), now)
      })
    },
    enable: (upn) => people.setEnabled(upn, true),
  }
}
