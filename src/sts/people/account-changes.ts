import type { SessionStore } from '../sessions/session-store.ts'
import type { Database } from '../store/database.ts'
import type { PeopleStore } from './people-store.ts'

/** Changes of an account that end every session of the person in the same transaction. */
export interface AccountChanges {
  setPassword(upn: string, password: string, now: Date): Promise<void>
  disable(upn: string, now: Date): Promise<void>
  enable(upn: string): Promise<void>
}

export declare function createAccountChanges(parts: {
  database: Database
  people: PeopleStore
  sessions: SessionStore
}): AccountChanges
