import { createSecretKey } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { LockoutSettings } from '../../../src/sts/people/lockout.ts'
import { createPasswordAuthentication, type PasswordResult } from '../../../src/sts/people/password-authentication.ts'
import { hashPassword } from '../../../src/sts/people/password-hash.ts'
import { openPeopleStore } from '../../../src/sts/people/people-store.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

const masterKey = createSecretKey(Buffer.alloc(32, 7))
const start = new Date('2026-11-23T10:00:00Z')
const minute = (minutes: number) => new Date(start.getTime() + minutes * 60_000)
const alice = 'alice@contoso.test'
const right = 'correct horse'

async function signInOf(t: Test, settings: Partial<LockoutSettings> = { threshold: 3 }, file = ':memory:') {
  const database = openDatabase({ file })
  t.teardown(() => database.close())
  const people = openPeopleStore({ database })
  if (!people.find(alice)) await people.add({ upn: alice, password: right })
  const passwords = createPasswordAuthentication({ people, database, masterKey, settings })
  const attempt = (
    password: string,
    { upn = alice, address = '203.0.113.9', device = undefined as string | undefined, now = start } = {},
  ): Promise<PasswordResult> => passwords.authenticate({ upn, password, address, device, now })
  const deviceOf = (result: PasswordResult): string => {
    if (result.kind !== 'authenticated') throw new Error(`not signed in: ${JSON.stringify(result)}`)
    return result.device
  }
  return { database, people, passwords, attempt, deviceOf }
}

const locked = { kind: 'refused', reason: 'locked', code: 'locked-out' }
const wrong = { kind: 'refused', reason: 'credentials', code: 'wrong-password' }

t.test('the right password lets a person in, whatever the case of the name', async (t) => {
  const { attempt, people } = await signInOf(t)
  t.match(await attempt(right), { kind: 'authenticated', person: people.find(alice), device: String })
  t.match(await attempt(right, { upn: 'ALICE@Contoso.Test' }), { kind: 'authenticated', person: { upn: alice } })
})

t.test('the client reads one refusal, the audit reads which it was', async (t) => {
  const { attempt, people } = await signInOf(t)
  await people.add({ upn: 'bob@contoso.test', password: right })
  await people.setEnabled('bob@contoso.test', false)
  t.same(await attempt('wrong'), wrong)
  t.same(await attempt(right, { upn: 'nobody@contoso.test' }), { ...wrong, code: 'person-unknown' })
  const disabled = { kind: 'refused', reason: 'disabled', code: 'person-disabled' }
  t.same(await attempt(right, { upn: 'bob@contoso.test' }), disabled)
  t.same(await attempt('wrong', { upn: 'bob@contoso.test' }), wrong)
})

t.test('hostile names and passwords are refused before any work', async (t) => {
  const { attempt, database } = await signInOf(t)
  const before = process.cpuUsage()
  for (const upn of ['', 'alice', 'a@b@c', `${'a'.repeat(65_536)}@b`, 'alice@contoso.test\u0000', "' or 1=1 --"]) {
    t.same(await attempt(right, { upn }), { kind: 'refused', reason: 'credentials', code: 'invalid-upn' })
  }
  const tooLong = { kind: 'refused', reason: 'too-long', code: 'password-too-long' }
  t.same(await attempt('x'.repeat(10_000_000)), tooLong)
  t.same(await attempt('ä'.repeat(513)), tooLong)
  const { user, system } = process.cpuUsage(before)
  t.ok(user + system < 200_000, `${(user + system) / 1000} ms of processor for 72 kB of names and 10 MB of passwords`)
  t.same(database.read(database.query.selectFrom('password_failures').selectAll()), [], 'and nothing was counted')
})

t.test('an empty password and half a surrogate pair are wrong passwords', async (t) => {
  const { attempt } = await signInOf(t)
  t.same(await attempt(''), wrong)
  t.same(await attempt('\ud800'), wrong)
})

t.test('unknown and wrong take the same work', async (t) => {
  const { attempt } = await signInOf(t, { threshold: 1000 })
  await attempt('warm')
  const median = async (upn: string): Promise<number> => {
    const times: number[] = []
    for (let time = 0; time < 15; time++) {
      const started = process.cpuUsage()
      await attempt('wrong', { upn })
      const { user, system } = process.cpuUsage(started)
      times.push(user + system)
    }
    return times.sort((a, b) => a - b)[7] ?? 0
  }
  const known = await median(alice)
  const unknown = await median('nobody@contoso.test')
  t.ok(unknown > known / 2 && unknown < known * 2, `${unknown / 1000} ms and ${known / 1000} ms of processor`)
})

t.test('after the threshold even the right password is refused, and the attempt that locks says so once', async (t) => {
  const { attempt, passwords } = await signInOf(t)
  t.same(await attempt('wrong'), wrong)
  t.same(await attempt('wrong'), wrong)
  t.same(await attempt('wrong'), { ...wrong, locks: 'unknown' })
  t.same(await attempt(right), locked)
  t.same(await attempt(right, { address: '198.51.100.1' }), locked, 'from any unknown place')
  t.match(passwords.lockouts(start), [{ upn: alice, place: 'unknown', failures: 3, until: minute(30) }])
})

t.test('by default the threshold is 10 and the window 30 minutes', async (t) => {
  const { attempt } = await signInOf(t, {})
  for (let time = 0; time < 10; time++) t.match(await attempt('wrong'), wrong)
  t.same(await attempt(right), locked)
  t.same(await attempt(right, { now: minute(29) }), locked)
  t.match(await attempt(right, { now: minute(30) }), { kind: 'authenticated' })
})

t.test('whoever is locked out is answered after as long as a check takes, without one', async (t) => {
  const { attempt } = await signInOf(t)
  for (let time = 0; time < 3; time++) await attempt('wrong')
  const processor = process.cpuUsage()
  const started = performance.now()
  for (let time = 0; time < 5; time++) t.same(await attempt(right), locked)
  const { user } = process.cpuUsage(processor)
  t.ok(performance.now() - started > 5 * 5, 'not at once')
  t.ok(performance.now() - started < 5 * 200, 'within 200 ms each')
  t.ok(user < 60_000, `five answers took ${user / 1000} ms of processor`)
})

t.test('while strangers lock the name, the person signs in from a familiar device', async (t) => {
  const { attempt, deviceOf } = await signInOf(t)
  const device = deviceOf(await attempt(right, { address: '192.0.2.7' }))
  for (let time = 0; time < 3; time++) await attempt('wrong')
  t.same(await attempt(right), locked)
  const home = await attempt(right, { device, address: '198.51.100.1' })
  t.match(home, { kind: 'authenticated' })
  t.match(await attempt(right, { device: deviceOf(home), address: '198.51.100.2', now: minute(1440 * 29) }), {
    kind: 'authenticated',
  })
})

t.test('while strangers lock the name, the person signs in from a familiar address', async (t) => {
  const { attempt } = await signInOf(t)
  await attempt(right, { address: '2001:db8:1:2::7' })
  for (let time = 0; time < 3; time++) await attempt('wrong')
  t.match(await attempt(right, { address: '2001:db8:1:2:ffff::1' }), { kind: 'authenticated' })
  t.same(await attempt(right, { address: '2001:db8:1:3::7' }), locked)
})

t.test('a familiar place is locked by its own failures, and its success unlocks no strangers', async (t) => {
  const { attempt, deviceOf } = await signInOf(t)
  const device = deviceOf(await attempt(right, { address: '192.0.2.7' }))
  for (let time = 0; time < 3; time++) await attempt('wrong')
  for (let time = 0; time < 2; time++) await attempt('wrong', { device })
  t.match(await attempt(right, { device }), { kind: 'authenticated' })
  t.same(await attempt(right, { address: '203.0.113.10' }), locked)
  for (let time = 0; time < 2; time++) t.same(await attempt('wrong', { device }), wrong)
  t.same(await attempt('wrong', { device }), { ...wrong, locks: 'familiar' })
  t.same(await attempt(right, { device }), locked)
})

t.test("another person's device, or one from before the password changed, is a stranger's", async (t) => {
  const { attempt, deviceOf, people } = await signInOf(t)
  await people.add({ upn: 'mallory@contoso.test', password: right })
  const mallorys = deviceOf(await attempt(right, { upn: 'mallory@contoso.test', address: '192.0.2.66' }))
  const device = deviceOf(await attempt(right, { address: '192.0.2.7' }))
  for (let time = 0; time < 3; time++) await attempt('wrong')
  t.same(await attempt(right, { device: mallorys }), locked)
  await people.setPassword(alice, 'battery staple')
  t.same(await attempt('battery staple', { device }), locked)
})

t.test('names that nobody has lock like others', async (t) => {
  const { attempt, passwords } = await signInOf(t)
  const upn = 'nobody@contoso.test'
  for (let time = 0; time < 3; time++) t.match(await attempt('wrong', { upn }), { reason: 'credentials' })
  t.same(await attempt('wrong', { upn }), locked)
  t.same(passwords.lockouts(start), [])
})

t.test('many guesses at once get no more tries than one after the other', async (t) => {
  const { attempt, database } = await signInOf(t)
  const results: PasswordResult[] = []
  for (let wave = 0; wave < 6; wave++) {
    const guesses = Array.from({ length: 8 }, (_, index) => attempt('wrong', { address: `203.0.113.${index}` }))
    results.push(...(await Promise.all(guesses)))
  }
  const checked = results.filter((result) => result.kind === 'refused' && result.code === 'wrong-password')
  t.equal(checked.length, 3)
  t.match(database.read(database.query.selectFrom('password_failures').select('failures')), [{ failures: 3 }])
})

t.test('when the line is full the answer is when to come again', async (t) => {
  const { attempt } = await signInOf(t)
  const crowd = Array.from({ length: 30 }, (_, index) =>
    attempt('wrong', { upn: `name${index}@contoso.test`, address: `198.51.100.${index}` }),
  )
  const results = await Promise.all(crowd)
  t.equal(results.filter(({ kind }) => kind === 'busy').length, 12)
  for (const result of results) if (result.kind === 'busy') t.ok(result.retryAfter >= 1)
})

t.test('an account that is disabled, or whose password changes, while the check runs is refused', async (t) => {
  const { attempt, database, people } = await signInOf(t)
  const disabled = attempt(right)
  await people.setEnabled(alice, false)
  t.match(await disabled, { kind: 'refused', code: 'person-disabled' })
  await people.setEnabled(alice, true)

  const hash = await hashPassword('battery staple')
  const changed = attempt(right)
  await database.write((run, onCommit) => void people.within.setPasswordHash({ run, onCommit }, alice, hash))
  t.same(await changed, wrong)
})

t.test('an administrator unlocks, by any case of the name', async (t) => {
  const { attempt, passwords } = await signInOf(t)
  for (let time = 0; time < 3; time++) await attempt('wrong')
  await passwords.unlock('ALICE@contoso.test')
  t.same(passwords.lockouts(start), [])
  t.match(await attempt(right), { kind: 'authenticated' })
  await t.rejects(passwords.unlock('nobody@contoso.test'), { code: 'person-unknown' })
})

t.test('a lock and a familiar device survive a restart', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = await signInOf(t, { threshold: 3 }, file)
  const device = before.deviceOf(await before.attempt(right, { address: '192.0.2.7' }))
  for (let time = 0; time < 3; time++) await before.attempt('wrong')
  await before.database.close()
  const { attempt } = await signInOf(t, { threshold: 3 }, file)
  t.same(await attempt(right), locked)
  t.match(await attempt(right, { device }), { kind: 'authenticated' })
})

t.test('settings that make no sense are refused when it is made', async (t) => {
  for (const settings of [
    { threshold: 0 },
    { threshold: 1.5 },
    { observationWindow: -1 },
    { familiarFor: Number.NaN },
  ]) {
    await t.rejects(signInOf(t, settings), TypeError)
  }
})
