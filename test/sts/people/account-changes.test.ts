import t, { type Test } from 'tap'
import { createAccountChanges } from '../../../src/sts/people/account-changes.ts'
import { passwordBytes, verifyPassword } from '../../../src/sts/people/password-hash.ts'
import { openPeopleStore } from '../../../src/sts/people/people-store.ts'
import { openSessionStore } from '../../../src/sts/sessions/session-store.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

const now = new Date('2026-11-23T10:00:00.500Z')
const second = (seconds: number) => new Date(now.getTime() + seconds * 1000)

async function accountsOf(t: Test) {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const people = openPeopleStore({ database })
  const sessions = openSessionStore({ database, now })
  const [alice, bob] = await Promise.all(
    ['alice', 'bob'].map((name) => people.add({ upn: `${name}@contoso.test`, password: 'correct horse' })),
  )
  if (alice === undefined || bob === undefined) throw new Error('nobody there')
  const start = (person: typeof alice, at = now, asOf?: number) =>
    sessions.start({ person, methods: [], persistent: true, now: at, asOf })
  return {
    database,
    people,
    sessions,
    alice,
    bob,
    start,
    accounts: createAccountChanges({ database, people, sessions }),
  }
}

t.test('whoever is disabled is signed out everywhere, and nobody else is', async (t) => {
  const { accounts, people, sessions, alice, bob, start } = await accountsOf(t)
  const [one, two, other] = await Promise.all([start(alice), start(alice), start(bob)])
  const heard: unknown[] = []
  sessions.ended.onEnded((entry) => heard.push(entry))
  await accounts.disable('Alice@contoso.test', second(1))
  t.equal(people.find(alice.upn)?.enabled, false)
  for (const { secret, session } of [one, two]) {
    t.equal(sessions.find(secret, second(1)), undefined)
    t.ok(sessions.ended.isEnded({ sid: session.sid, issuedAt: second(1) }))
  }
  t.ok(sessions.find(other.secret, second(1)))
  t.notOk(sessions.ended.isEnded({ sid: other.session.sid, upn: bob.upn, issuedAt: now }))
  t.equal(heard.length, 3, 'two sessions and the person')
})

t.test('enabling again revives nothing that was issued before', async (t) => {
  const { accounts, people, sessions, alice, start } = await accountsOf(t)
  const { secret, session } = await start(alice)
  await accounts.disable(alice.upn, second(5))
  await accounts.enable(alice.upn)
  t.equal(people.find(alice.upn)?.enabled, true)
  t.equal(sessions.find(secret, second(6)), undefined)
  t.ok(sessions.ended.isEnded({ sid: session.sid, issuedAt: now }))
  t.ok(sessions.ended.isEnded({ upn: alice.upn, issuedAt: now }), 'nor a token that names no session')
  const fresh = await start(alice, second(6))
  t.ok(sessions.find(fresh.secret, second(6)))
  t.notOk(sessions.ended.isEnded({ sid: fresh.session.sid, upn: alice.upn, issuedAt: second(6) }))
})

t.test('a new password ends every session of the person', async (t) => {
  const { accounts, people, sessions, alice, start } = await accountsOf(t)
  const { secret } = await start(alice)
  await accounts.setPassword(alice.upn, 'battery staple', second(1))
  t.equal(sessions.find(secret, second(1)), undefined)
  const password = passwordBytes('battery staple')
  t.ok(Buffer.isBuffer(password) && (await verifyPassword(people.passwordHashOf(alice.id) ?? '', password)))
})

t.test('a sign-in that was on its way when the account was disabled does not arrive', async (t) => {
  const { accounts, sessions, alice, start } = await accountsOf(t)
  const asOf = sessions.ended.number
  const disabling = accounts.disable(alice.upn, second(1))
  const starting = start(alice, now, asOf)
  await disabling
  await t.rejects(starting, { code: 'session-ended' })
  await t.rejects(start(alice, now, asOf), { code: 'session-ended' })
  t.same(sessions.list(second(1)), [])
})

t.test('a change that is refused ends no session', async (t) => {
  const { accounts, sessions, alice, start } = await accountsOf(t)
  const { secret } = await start(alice)
  await t.rejects(accounts.disable('nobody@contoso.test', now), { code: 'person-unknown' })
  await t.rejects(accounts.setPassword(alice.upn, '', now), { code: 'invalid-password' })
  await t.rejects(accounts.setPassword(alice.upn, 'x'.repeat(1025), now), { code: 'password-too-long' })
  t.ok(sessions.find(secret, now))
  t.equal(sessions.ended.number, 0)
})
