import type { KeyObject } from 'node:crypto'
import type { Database } from '../store/database.ts'
import type { PeopleStore } from './people-store.ts'
import type { Person } from './person.ts'

export interface LockoutSettings {
  /** Wrong passwords from one kind of place until it is locked; default 10. */
  threshold: number
  /** Seconds without a counted failure until the place is open again; default 1800. */
  observationWindow: number
  /** Seconds for which a device or an address stays familiar after a success; default 30 days. */
  familiarFor: number
}

export interface PasswordAttempt {
  upn: string
  password: string
  /** The client's address, from the socket or a trusted proxy. */
  address: string
  /** Value of the device cookie, if the browser has one. */
  device?: string | undefined
  now: Date
}

/** The client is told one and the same for every `refused`; `code` is for log and audit alone. */
export type PasswordResult =
  | { kind: 'authenticated'; person: Person /** New value of the device cookie. */; device: string }
  | {
      kind: 'refused'
      reason: 'credentials' | 'disabled' | 'locked' | 'too-long'
      code: PasswordRefusalCode
      /** Set when this very attempt locked the place: one audit event. */
      locks?: 'familiar' | 'unknown'
    }
  | { kind: 'busy' /** Seconds, at least 1. */; retryAfter: number }

export type PasswordRefusalCode =
  | 'wrong-password'
  | 'person-unknown'
  | 'person-disabled'
  | 'locked-out'
  | 'password-too-long'
  | 'invalid-upn'

export interface Lockout {
  upn: string
  place: 'familiar' | 'unknown'
  failures: number
  until: Date
}

export interface PasswordAuthentication {
  authenticate(attempt: PasswordAttempt): Promise<PasswordResult>
  lockouts(now: Date): Lockout[]
  unlock(upn: string): Promise<void>
}

export declare function createPasswordAuthentication(options: {
  people: PeopleStore
  database: Database
  /** What the key of the device cookies is derived from. */
  masterKey: KeyObject
  settings?: Partial<LockoutSettings>
}): PasswordAuthentication
