import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openLockout } from '../../../src/sts/people/lockout.ts'
import { openPeopleStore } from '../../../src/sts/people/people-store.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

const start = new Date('2026-11-23T10:00:00Z')
const minute = (minutes: number) => new Date(start.getTime() + minutes * 60_000)
const settings = { threshold: 3, observationWindow: 1800, familiarFor: 30 * 86_400 }
const alice = 'alice@contoso.test'

async function lockoutOf(t: Test, file = ':memory:') {
  const database = openDatabase({ file })
  t.teardown(() => database.close())
  const people = openPeopleStore({ database })
  const person = people.find(alice) ?? (await people.add({ upn: 'Alice@contoso.test', password: 'correct horse' }))
  const lockout = openLockout({ database, settings })
  const fail = async (times: number, place: 'familiar' | 'unknown', at = start, key = alice) => {
    const locks: boolean[] = []
    for (let time = 0; time < times; time++) locks.push(await lockout.failed(key, place, at))
    return locks
  }
  return { database, lockout, person, fail }
}

t.test('the threshold locks the place, and only the failure that reached it says so', async (t) => {
  const { lockout, fail } = await lockoutOf(t)
  t.same(await fail(2, 'unknown'), [false, false])
  t.notOk(lockout.isLocked(alice, 'unknown', start))
  t.same(await fail(2, 'unknown'), [true, false])
  t.ok(lockout.isLocked(alice, 'unknown', start))
})

t.test('strangers lock out strangers; who comes from a familiar place goes on', async (t) => {
  const { lockout, fail } = await lockoutOf(t)
  await fail(3, 'unknown')
  t.notOk(lockout.isLocked(alice, 'familiar', start))
  await fail(3, 'familiar')
  t.ok(lockout.isLocked(alice, 'familiar', start))
})

t.test('one name does not lock another', async (t) => {
  const { lockout, fail } = await lockoutOf(t)
  await fail(3, 'unknown')
  t.notOk(lockout.isLocked('bob@contoso.test', 'unknown', start))
})

t.test('a lock ends when the observation window has passed since the last failure', async (t) => {
  const { lockout, fail } = await lockoutOf(t)
  await fail(2, 'unknown', minute(0))
  await fail(1, 'unknown', minute(10))
  t.ok(lockout.isLocked(alice, 'unknown', minute(39)))
  t.notOk(lockout.isLocked(alice, 'unknown', minute(40)))
  t.same(await fail(1, 'unknown', minute(40)), [false], 'and the count starts anew')
  t.notOk(lockout.isLocked(alice, 'unknown', minute(40)))
})

t.test('failures that are a window apart never add up', async (t) => {
  const { lockout, fail } = await lockoutOf(t)
  for (let time = 0; time < 6; time++) await fail(1, 'unknown', minute(time * 30))
  t.notOk(lockout.isLocked(alice, 'unknown', minute(150)))
  await fail(2, 'unknown', minute(179))
  t.ok(lockout.isLocked(alice, 'unknown', minute(179)), 'those within one do')
})

t.test('a success starts the counter of its own kind of place anew, and no other', async (t) => {
  const { lockout, person, fail } = await lockoutOf(t)
  await fail(2, 'familiar')
  await fail(2, 'unknown')
  await lockout.succeeded(person, 'familiar', '192.0.2.7', start)
  await fail(1, 'familiar')
  await fail(1, 'unknown')
  t.notOk(lockout.isLocked(alice, 'familiar', start))
  t.ok(lockout.isLocked(alice, 'unknown', start))
})

t.test('an address with a success is familiar to that person for 30 days', async (t) => {
  const { lockout, person } = await lockoutOf(t)
  const days = (count: number) => minute(count * 1440)
  t.notOk(lockout.isFamiliarAddress(person.id, '192.0.2.7', start))
  await lockout.succeeded(person, 'unknown', '192.0.2.7', start)
  t.ok(lockout.isFamiliarAddress(person.id, '192.0.2.7', days(29)))
  t.notOk(lockout.isFamiliarAddress(person.id, '192.0.2.7', days(30)))
  t.notOk(lockout.isFamiliarAddress('another', '192.0.2.7', start))
  t.notOk(lockout.isFamiliarAddress(person.id, '192.0.2.8', start))
  await lockout.succeeded(person, 'familiar', '192.0.2.7', days(29))
  t.ok(lockout.isFamiliarAddress(person.id, '192.0.2.7', days(58)), 'counted from the last one')
})

t.test('the twenty addresses of a person that were used last are kept', async (t) => {
  const { lockout, person } = await lockoutOf(t)
  for (let index = 0; index < 25; index++) {
    await lockout.succeeded(person, 'unknown', `192.0.2.${index}`, minute(index))
  }
  const kept = Array.from({ length: 25 }, (_, index) =>
    lockout.isFamiliarAddress(person.id, `192.0.2.${index}`, minute(30)),
  )
  t.same(kept, [...Array(5).fill(false), ...Array(20).fill(true)])
})

t.test('names that nobody has are counted like others, and never listed', async (t) => {
  const { lockout, fail } = await lockoutOf(t)
  await fail(3, 'unknown', start, 'nobody@contoso.test')
  t.ok(lockout.isLocked('nobody@contoso.test', 'unknown', start))
  t.same(lockout.list(start), [])
})

t.test('lists who is locked out, from where and until when, and unlocks', async (t) => {
  const { lockout, fail } = await lockoutOf(t)
  await fail(3, 'unknown', minute(1))
  await fail(2, 'familiar')
  t.same(lockout.list(minute(2)), [{ upn: 'Alice@contoso.test', place: 'unknown', failures: 3, until: minute(31) }])
  t.same(lockout.list(minute(31)), [])
  await lockout.unlock(alice)
  t.same(lockout.list(minute(2)), [])
  t.notOk(lockout.isLocked(alice, 'unknown', minute(2)))
  await fail(1, 'familiar')
  t.notOk(lockout.isLocked(alice, 'familiar', start), 'both counters start anew')
})

t.test('a clock that was ahead locks nobody out for as long as it was', async (t) => {
  const { database, lockout, fail } = await lockoutOf(t)
  await fail(3, 'unknown', minute(60 * 24 * 365))
  t.notOk(lockout.isLocked(alice, 'unknown', start))
  t.same(lockout.list(start), [])
  await fail(1, 'familiar')
  t.equal(database.read(database.query.selectFrom('password_failures').selectAll()).length, 1, 'and is forgotten')
  await fail(3, 'unknown', minute(10))
  t.ok(lockout.isLocked(alice, 'unknown', start), 'minutes do not matter')
})

t.test('a restart unlocks nobody', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = await lockoutOf(t, file)
  await before.fail(3, 'unknown')
  await before.lockout.succeeded(before.person, 'familiar', '192.0.2.7', start)
  await before.database.close()
  const { lockout, person } = await lockoutOf(t, file)
  t.ok(lockout.isLocked(alice, 'unknown', start))
  t.ok(lockout.isFamiliarAddress(person.id, '192.0.2.7', start))
})

t.test('counts of a window ago do not stay on the disk', async (t) => {
  const { database, lockout } = await lockoutOf(t)
  for (let index = 0; index < 50; index++) await lockout.failed(`name${index}@contoso.test`, 'unknown', start)
  await lockout.failed(alice, 'unknown', minute(31))
  const rows = database.read(database.query.selectFrom('password_failures').select('upn_key'))
  t.same(
    rows.map(({ upn_key }) => upn_key),
    [alice],
  )
})
