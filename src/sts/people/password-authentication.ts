/**
 * Signing in by name and password. In this order:
 *
 *     too long, or no name at all ── refused at once
 *     familiar place?              ── a mark in the device cookie, or an address with a success in the last 30 days
 *     locked?                      ── refused without a check, after as long as a check takes
 *     the queue                    ── a place, or busy
 *     the check                    ── argon2id; against a hash that nothing matches where there is no such person
 *     disabled, changed meanwhile? ── refused
 *     count the failure, or make the place familiar
 *
 * Names that nobody has go the whole way, so that neither text nor time nor a lock tells who exists.
 */
import type { KeyObject } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { deriveKey } from '../../edge-token/sealing.ts'
import type { Database } from '../store/database.ts'
import { StsError } from '../sts-error.ts'
import { addressKey } from './client-address.ts'
import { createFamiliarDevices } from './familiar-devices.ts'
import { type LockedPlace, type LockoutSettings, openLockout, type Place } from './lockout.ts'
import { passwordBytes, unmatchableHash, verifyPassword } from './password-hash.ts'
import { createPasswordQueue } from './password-queue.ts'
import type { PeopleStore } from './people-store.ts'
import type { Person } from './person.ts'
import { parseUpn, upnKey } from './user-principal-name.ts'

export type { LockedPlace, LockoutSettings }

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
  | PasswordRefusal
  | { kind: 'busy' /** Seconds, at least 1. */; retryAfter: number }

export interface PasswordRefusal {
  kind: 'refused'
  reason: 'credentials' | 'disabled' | 'locked' | 'too-long'
  code: PasswordRefusalCode
  /** Set when this very attempt locked the place: one event for the audit. */
  locks?: Place
}

export type PasswordRefusalCode =
  | 'wrong-password'
  | 'person-unknown'
  | 'person-disabled'
  | 'locked-out'
  | 'password-too-long'
  | 'invalid-upn'

export interface PasswordAuthentication {
  authenticate(attempt: PasswordAttempt): Promise<PasswordResult>
  /** Who is locked out, from which kind of place, and until when. */
  lockouts(now: Date): LockedPlace[]
  /** Starts both counters of a person anew. @throws {StsError} `person-unknown` */
  unlock(upn: string): Promise<void>
}

/** Milliseconds that the answer to a locked place is held back at most. */
const longestDelay = 150

/**
 * @param options.masterKey what the key of the device cookies is derived from.
 * @param options.settings what differs from AD FS's defaults: 10 failures, 30 minutes, 30 days.
 */
export function createPasswordAuthentication(options: {
  people: PeopleStore
  database: Database
  masterKey: KeyObject
  settings?: { [Setting in keyof LockoutSettings]?: number | undefined } | undefined
}): PasswordAuthentication {
  const { people, database, masterKey, settings = {} } = options
  const { threshold = 10, observationWindow = 1800, familiarFor = 30 * 86_400 } = settings
  if (!Number.isSafeInteger(threshold) || threshold < 1) throw new TypeError('threshold must be a number of attempts')
  for (const seconds of [observationWindow, familiarFor]) {
    if (!(Number.isFinite(seconds) && seconds >= 0)) throw new TypeError('lockout times must be seconds, 0 or more')
  }
  const lockout = openLockout({ database, settings: { threshold, observationWindow, familiarFor } })
  const devices = createFamiliarDevices({ key: deriveKey(masterKey, 'gatehouse familiar device'), familiarFor })
  const queue = createPasswordQueue()
  const nobody = unmatchableHash()

  function isFamiliar(person: Person | undefined, address: string, device: string | undefined, now: Date): boolean {
    const version = person && people.credentialsOf(person.id)?.version
    if (person === undefined || version === undefined) return false
    if (devices.recognises(device, { id: person.id, passwordVersion: version }, now)) return true
    return lockout.isFamiliarAddress(person.id, address, now)
  }

  /** The check itself, in its turn. */
  async function check(attempt: {
    key: string
    place: Place
    address: string
    password: Buffer
    device: string | undefined
    now: Date
  }): Promise<PasswordResult> {
    const { key, place, address, password, device, now } = attempt
    if (lockout.isLocked(key, place, now)) return locked
    const person = people.find(key)
    const credentials = person && people.credentialsOf(person.id)
    const matches = await verifyPassword(credentials?.hash ?? nobody, password)
    const code = refusalCode(person, credentials?.version, matches)
    if (person === undefined || credentials === undefined || code !== undefined) {
      const locks = await lockout.failed(key, place, now)
      const reason = code === 'person-disabled' ? 'disabled' : 'credentials'
      return { kind: 'refused', reason, code: code ?? 'person-unknown', ...(locks && { locks: place }) }
    }
    await lockout.succeeded(person, place, address, now)
    const who = { id: person.id, passwordVersion: credentials.version }
    return { kind: 'authenticated', person, device: devices.mark(device, who, now) }
  }

  function refusalCode(
    person: Person | undefined,
    version: number | undefined,
    matches: boolean,
  ): PasswordRefusalCode | undefined {
    if (person === undefined) return 'person-unknown'
    // looked up again: the account may have been disabled, or the password changed, while the check ran
    if (!matches || people.credentialsOf(person.id)?.version !== version) return 'wrong-password'
    return people.get(person.id)?.enabled === true ? undefined : 'person-disabled'
  }

  return {
    async authenticate({ upn, password, address, device, now }) {
      const started = performance.now()
      const bytes = passwordBytes(password)
      if (bytes === 'too-long') return { kind: 'refused', reason: 'too-long', code: 'password-too-long' }
      const name = parseUpn(upn)
      if (name === undefined) return { kind: 'refused', reason: 'credentials', code: 'invalid-upn' }
      const key = upnKey(name)
      const from = addressKey(address)
      const place = isFamiliar(people.find(name), from, device, now) ? 'familiar' : 'unknown'
      let result: PasswordResult = locked
      if (!lockout.isLocked(key, place, now)) {
        const ticket = { person: key, address: from, familiar: place === 'familiar' }
        const attempt = { key, place, address: from, password: bytes ?? Buffer.alloc(0), device, now } as const
        const outcome = await queue.enter(ticket, () => check(attempt))
        if (outcome.kind === 'busy') return outcome
        result = outcome.value
      }
      if (result === locked) {
        const rest = queue.typicalDuration() - (performance.now() - started)
        await delay(Math.min(longestDelay, Math.max(0, rest)))
      }
      return result
    },
    lockouts: (now) => lockout.list(now),
    async unlock(upn) {
      const person = people.find(upn)
      if (person === undefined) throw new StsError('person-unknown', `there is no person ${JSON.stringify(upn)}`)
      await lockout.unlock(upnKey(person.upn))
    },
  }
}

const locked: PasswordRefusal = { kind: 'refused', reason: 'locked', code: 'locked-out' }
