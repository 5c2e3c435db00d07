/**
 * Sessions of people at this federation server. The browser holds a secret of 256 bits, the store its SHA-256 alone: a
 * copy of the database signs nobody in. A public id of its own (`sid`) goes into tokens and logs. Look-ups are answered
 * from memory and, where it does not know, from the database; an ended session goes to `ended-sessions.ts` in the same
 * transaction in which it is deleted.
 */
import { hash, randomBytes } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Person } from '../people/person.ts'
import { upnKey } from '../people/user-principal-name.ts'
import type { Database } from '../store/database.ts'
import type { SessionsTable } from '../store/schema.ts'
import type { Transaction } from '../store/transaction.ts'
import { StsError } from '../sts-error.ts'
import { type EndedSessions, keptFor, openEndedSessions } from './ended-sessions.ts'
import { createSessionMemory } from './session-memory.ts'
import type { SsoSession } from './sso-session.ts'

export interface NewSession {
  person: Pick<Person, 'id' | 'upn'>
  /** Authentication method URIs. */
  methods: readonly string[]
  persistent: boolean
  /**
   * `ended.number` when the sign-in began, before anything of the person was looked at: whatever ended all sessions of
   * the person since then ends this one, too. Default: the number of this moment.
   */
  asOf?: number | undefined
  now: Date
  /** What else belongs into the transaction in which the session starts. */
  alongside?: ((transaction: Transaction, session: SsoSession) => void) | undefined
}

export interface SessionStore {
  /**
   * Starts a session.
   * @returns the session and its secret, 256 bits as base64url, which is kept nowhere here.
   * @throws {StsError} `session-ended` when the person's sessions were ended while this sign-in was on its way.
   */
  start(sign: NewSession): Promise<{ session: SsoSession; secret: string }>
  /** The living session of a secret. Synchronous and from memory where it can be: this is the hot path. */
  find(secret: string, now: Date): SsoSession | undefined
  /** The session of a secret until the last token of it is dead: also when it has expired, so that it can be ended. */
  known(secret: string): SsoSession | undefined
  /** Notes that the session was used for a participant; writes only the first time. Without such a session, nothing. */
  join(sid: string, participant: string): Promise<void>
  /** Ends a session; one that is not there, or has expired, is entered as ended all the same: tokens may live on. */
  end(sid: string, now: Date): Promise<void>
  endAllOf(person: Pick<Person, 'id' | 'upn'>, now: Date): Promise<void>
  /** Those that live, oldest first. */
  list(now: Date): SsoSession[]
  readonly ended: EndedSessions
  /** The same as part of a transaction of the caller's. */
  readonly within: { endAllOf(transaction: Transaction, person: Pick<Person, 'id' | 'upn'>, now: Date): void }
}

/** Milliseconds between two clearings of expired sessions. */
const clearingInterval = 60_000

/**
 * Opens the sessions of a database.
 * @param options.lifetimes seconds from sign-in: 28800 (8 h), persistent ones 604800 (7 days) unless said.
 */
export function openSessionStore(options: {
  database: Database
  now: Date
  lifetimes?: { session?: number | undefined; persistent?: number | undefined } | undefined
}): SessionStore {
  const { database, now, lifetimes = {} } = options
  const { session: sessionLifetime = 28_800, persistent: persistentLifetime = 604_800 } = lifetimes
  for (const lifetime of [sessionLifetime, persistentLifetime]) {
    if (!(Number.isFinite(lifetime) && lifetime > 0)) throw new TypeError('lifetimes must be seconds, more than 0')
  }
  const { query } = database
  const ended = openEndedSessions({ database, now })
  const memory = createSessionMemory()
  let cleared = 0

  function endAllOf(transaction: Transaction, { id, upn }: Pick<Person, 'id' | 'upn'>, now: Date): void {
    const { run, onCommit } = transaction
    const sids = run(query.deleteFrom('sessions').where('person_id', '=', id).returning('sid'))
    const all = { upn: upnKey(upn), before: wholeSecond(now) }
    ended.add(transaction, [...sids.map(({ sid }) => ({ sid })), all], now)
    onCommit(() => {
      for (const { sid } of sids) memory.delete(sid)
    })
  }

  function known(secret: string): SsoSession | undefined {
    if (secret.length !== 43) return undefined
    const secretHash = hashOf(secret)
    const remembered = memory.get(secretHash)
    if (remembered !== undefined) return remembered
    const [row] = database.read(query.selectFrom('sessions').selectAll().where('secret_hash', '=', secretHash))
    if (row === undefined) return undefined
    const session = sessionOf(row)
    memory.set(secretHash, session)
    return session
  }

  return {
    async start({ person, methods, persistent, asOf = ended.number, now, alongside }) {
      const secret = randomBytes(32).toString('base64url')
      const lifetime = 1000 * (persistent ? persistentLifetime : sessionLifetime)
      const session: SsoSession = {
        sid: randomBytes(16).toString('base64url'),
        personId: person.id,
        upn: person.upn,
        methods: [...methods],
        authenticatedAt: now,
        expiresAt: new Date(now.getTime() + lifetime),
        persistent,
        participants: [],
      }
      const secretHash = hashOf(secret)
      await database.write((run, onCommit) => {
        // by the list's number and not by its times: clocks are set back
        const entry = ended.entryOf(run, person.upn)
        if (entry !== undefined && entry.number > asOf) {
          throw new StsError('session-ended', `the sessions of ${person.upn} were ended during this sign-in`)
        }
        if (entry !== undefined && entry.before > now) {
          // the clock was set back since: what is issued from here on must not count as ended before it was issued
          ended.add({ run, onCommit }, [{ upn: upnKey(person.upn), before: wholeSecond(now) }], now)
        }
        if (Math.abs(now.getTime() - cleared) > clearingInterval) {
          run(query.deleteFrom('sessions').where('expires_at', '<=', now.getTime() - keptFor))
          cleared = now.getTime()
        }
        run(query.insertInto('sessions').values(rowOf(session, secretHash)))
        onCommit(() => memory.set(secretHash, session))
        alongside?.({ run, onCommit }, session)
      })
      return { session, secret }
    },
    find(secret, now) {
      const session = known(secret)
      return session !== undefined && session.expiresAt > now ? session : undefined
    },
    known,
    async join(sid, participant) {
      if (memory.find(sid)?.participants.includes(participant)) return
      await database.write((run, onCommit) => {
        const [row] = run(query.selectFrom('sessions').selectAll().where('sid', '=', sid))
        if (row === undefined) return
        const session = sessionOf(row)
        if (session.participants.includes(participant)) return
        const participants = [...session.participants, participant]
        run(
          query
            .updateTable('sessions')
            .set({ participants: JSON.stringify(participants) })
            .where('sid', '=', sid),
        )
        onCommit(() => memory.set(row.secret_hash, { ...session, participants }))
      })
    },
    async end(sid, now) {
      await database.write((run, onCommit) => {
        run(query.deleteFrom('sessions').where('sid', '=', sid))
        ended.add({ run, onCommit }, [{ sid }], now)
        onCommit(() => memory.delete(sid))
      })
    },
    async endAllOf(person, now) {
      await database.write((run, onCommit) => endAllOf({ run, onCommit }, person, now))
    },
    list: (now) =>
      database
        .read(
          query
            .selectFrom('sessions')
            .selectAll()
            .where('expires_at', '>', now.getTime())
            .orderBy('authenticated_at')
            .orderBy('sid'),
        )
        .map(sessionOf),
    ended,
    within: { endAllOf },
  }
}

/** The beginning of the second: what a token says of its own time is whole seconds. */
function wholeSecond(instant: Date): Date {
  return new Date(Math.floor(instant.getTime() / 1000) * 1000)
}

function hashOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

function rowOf(session: SsoSession, secretHash: string): SessionsTable {
  return {
    sid: session.sid,
    secret_hash: secretHash,
    person_id: session.personId,
    upn: session.upn,
    methods: JSON.stringify(session.methods),
    authenticated_at: session.authenticatedAt.getTime(),
    expires_at: session.expiresAt.getTime(),
    persistent: session.persistent ? 1 : 0,
    participants: JSON.stringify(session.participants),
  }
}

function sessionOf(row: Selectable<SessionsTable>): SsoSession {
  return {
    sid: row.sid,
    personId: row.person_id,
    upn: row.upn,
    methods: JSON.parse(row.methods) as string[],
    authenticatedAt: new Date(row.authenticated_at),
    expiresAt: new Date(row.expires_at),
    persistent: row.persistent === 1,
    participants: JSON.parse(row.participants) as string[],
  }
}
