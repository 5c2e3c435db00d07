import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSessionStore } from '../../../src/sts/sessions/session-store.ts'
import { type Database, openDatabase } from '../../../src/sts/store/database.ts'

const now = new Date('2026-11-23T10:00:00Z')
const hour = (hours: number) => new Date(now.getTime() + hours * 3_600_000)
const alice = { id: 'alice-id', upn: 'Alice@contoso.test' }
const bob = { id: 'bob-id', upn: 'bob@contoso.test' }
const methods = ['urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport']

function sessionsOf(t: Test, { file = ':memory:', at = now, lifetimes = {} } = {}) {
  const database = openDatabase({ file })
  t.teardown(() => database.close())
  const sessions = openSessionStore({ database, now: at, lifetimes })
  const start = (person = alice, persistent = false, at = now) =>
    sessions.start({ person, methods, persistent, now: at })
  return { database, sessions, start }
}

const rows = (database: Database) => database.read(database.query.selectFrom('sessions').selectAll())

t.test('a session is found by its secret and by nothing else', async (t) => {
  const { sessions, start } = sessionsOf(t)
  const { session, secret } = await start()
  t.match(secret, /^[A-Za-z0-9_-]{43}$/)
  t.match(session.sid, /^[A-Za-z0-9_-]{22}$/)
  t.match(session, { personId: alice.id, upn: alice.upn, methods, authenticatedAt: now, participants: [] })
  t.same(sessions.find(secret, now), session)
  for (const guess of [session.sid, '', secret.slice(1), `${secret}A`, 'A'.repeat(43), 'A'.repeat(1_000_000)]) {
    t.equal(sessions.find(guess, now), undefined)
  }
})

t.test('what belongs to a start is on disk with it, or neither is', async (t) => {
  const { database, sessions } = sessionsOf(t)
  const { query } = database
  const start = (fail: boolean) =>
    sessions.start({
      person: alice,
      methods,
      persistent: false,
      now,
      alongside({ run }, { sid }) {
        run(query.insertInto('settings').values({ name: sid, value: '' }))
        if (fail) throw new RangeError('no')
      },
    })
  const { session } = await start(false)
  await t.rejects(start(true), RangeError)
  t.match(rows(database), [{ sid: session.sid }])
  t.match(database.read(query.selectFrom('settings').select('name')), [{ name: session.sid }])
  t.same(sessions.list(now), [session])
})

t.test('two sessions of one person share neither secret nor id', async (t) => {
  const { sessions, start } = sessionsOf(t)
  const [one, two] = await Promise.all([start(), start()])
  t.not(one.secret, two.secret)
  t.not(one.session.sid, two.session.sid)
  t.equal(sessions.list(now).length, 2)
})

t.test('the secret is nowhere on the disk, only its SHA-256', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const { database, start } = sessionsOf(t, { file })
  const { secret, session } = await start()
  const [row] = rows(database)
  t.equal(row?.secret_hash, createHash('sha256').update(secret).digest('base64url'))
  await database.close()
  const bytes = readFileSync(file)
  t.ok(bytes.includes(session.sid))
  t.notOk(bytes.includes(secret))
  t.notOk(bytes.includes(Buffer.from(secret, 'base64url')))
})

t.test('a session lives 8 hours, one that is kept 7 days', async (t) => {
  const { sessions, start } = sessionsOf(t)
  const [short, long] = await Promise.all([start(alice), start(alice, true)])
  t.ok(sessions.find(short.secret, hour(7.99)))
  t.equal(sessions.find(short.secret, hour(8)), undefined)
  t.ok(sessions.find(long.secret, hour(7 * 24 - 0.01)))
  t.equal(sessions.find(long.secret, hour(7 * 24)), undefined)
  t.same(
    sessions.list(hour(9)).map(({ sid }) => sid),
    [long.session.sid],
  )
})

t.test('lifetimes are as set; those that are none are refused', async (t) => {
  const { sessions, start } = sessionsOf(t, { lifetimes: { session: 60, persistent: 120 } })
  const { session } = await start()
  t.same(session.expiresAt, new Date(now.getTime() + 60_000))
  t.same((await start(alice, true)).session.expiresAt, new Date(now.getTime() + 120_000))
  t.equal(sessions.list(now).length, 2)
  for (const lifetime of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => sessionsOf(t, { lifetimes: { session: lifetime } }), TypeError)
  }
})

t.test('a restart ends nobody, and forgets no method, participant or end', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = sessionsOf(t, { file })
  const [kept, gone] = await Promise.all([before.start(), before.start(bob)])
  await before.sessions.join(kept.session.sid, 'trust-1')
  await before.sessions.end(gone.session.sid, now)
  await before.database.close()
  const { sessions } = sessionsOf(t, { file })
  t.same(sessions.find(kept.secret, now), { ...kept.session, participants: ['trust-1'] })
  t.equal(sessions.find(gone.secret, now), undefined)
  t.ok(sessions.ended.isEnded({ sid: gone.session.sid, issuedAt: now }))
})

t.test('participants are opaque, noted once each, and written once each', async (t) => {
  const { database, sessions, start } = sessionsOf(t)
  const { session, secret } = await start()
  const before = sessions.find(secret, now)
  await Promise.all(['a', 'b', 'a', '{"x":1}'].map((participant) => sessions.join(session.sid, participant)))
  t.same(sessions.find(secret, now)?.participants, ['a', 'b', '{"x":1}'])
  t.same(before?.participants, [], 'what was handed out does not change')
  t.equal(rows(database)[0]?.participants, JSON.stringify(['a', 'b', '{"x":1}']))
  await t.resolves(sessions.join('no such session', 'a'))
  await database.close()
  await t.resolves(sessions.join(session.sid, 'a'), 'a second time needs no database')
})

t.test('an ended session is not found again, not even from memory', async (t) => {
  const { database, sessions, start } = sessionsOf(t)
  const [one, two] = await Promise.all([start(), start()])
  sessions.find(one.secret, now)
  await sessions.end(one.session.sid, now)
  t.equal(sessions.find(one.secret, now), undefined)
  t.ok(sessions.find(two.secret, now))
  t.equal(rows(database).length, 1)
  await sessions.join(one.session.sid, 'a')
  t.equal(sessions.find(one.secret, now), undefined, 'and joining revives nothing')
})

t.test('all sessions of a person end together', async (t) => {
  const { sessions, start } = sessionsOf(t)
  const [one, two, other] = await Promise.all([start(), start(), start(bob)])
  await sessions.endAllOf(alice, now)
  t.equal(sessions.find(one.secret, now), undefined)
  t.equal(sessions.find(two.secret, now), undefined)
  t.ok(sessions.find(other.secret, now))
})

t.test('expired sessions leave the disk when their last token is dead', async (t) => {
  const { database, start } = sessionsOf(t)
  await Promise.all([start(), start(), start(alice, true)])
  await start(bob, false, hour(31))
  t.equal(rows(database).length, 4)
  await start(bob, false, hour(33))
  t.equal(rows(database).length, 3)
})

t.test('an expired session is nobody signed in, but known until then, so that it can be ended', async (t) => {
  const { sessions, start } = sessionsOf(t)
  const { session, secret } = await start()
  t.equal(sessions.find(secret, hour(9)), undefined)
  t.same(sessions.known(secret), session)
  t.equal(sessions.known('A'.repeat(43)), undefined)
  await sessions.endAllOf(alice, hour(9))
  t.ok(sessions.ended.isEnded({ sid: session.sid, issuedAt: hour(8) }))
  t.equal(sessions.known(secret), undefined)
})

t.test('a sign-in that began before all sessions of the person were ended does not arrive', async (t) => {
  const { sessions } = sessionsOf(t)
  const asOf = sessions.ended.number
  const start = (person: typeof alice, since?: number) =>
    sessions.start({ person, methods, persistent: false, asOf: since, now })
  await sessions.endAllOf(alice, now)
  await t.rejects(start(alice, asOf), { code: 'session-ended' })
  await t.resolves(start(bob, asOf), 'others go on')
  await t.resolves(start(alice), 'and so does one that began after it, even in the same instant')
})

t.test('a clock that is set back keeps nobody from signing in, and what is issued then lives', async (t) => {
  const { sessions, start } = sessionsOf(t)
  const old = await start(alice, false, hour(5))
  await sessions.endAllOf(alice, hour(5))
  const { session, secret } = await start(alice, false, now)
  t.ok(sessions.find(secret, now))
  t.notOk(sessions.ended.isEnded({ sid: session.sid, upn: alice.upn, issuedAt: now }))
  t.ok(sessions.ended.isEnded({ sid: old.session.sid, upn: alice.upn, issuedAt: hour(5) }), 'nothing is revived')
  t.ok(sessions.ended.isEnded({ upn: alice.upn, issuedAt: hour(-1) }))
})

t.test('sessions that memory does not know are found on the disk', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = sessionsOf(t, { file })
  const started = await Promise.all(Array.from({ length: 200 }, () => before.start()))
  await before.database.close()
  const { sessions } = sessionsOf(t, { file })
  const found = started.map(({ secret }) => sessions.find(secret, now)?.sid)
  t.same(
    found,
    started.map(({ session }) => session.sid),
  )
})
