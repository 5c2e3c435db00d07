import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type EndedEntry, openEndedSessions } from '../../../src/sts/sessions/ended-sessions.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

const now = new Date('2026-11-23T10:00:00.000Z')
const second = (seconds: number) => new Date(now.getTime() + seconds * 1000)
const hour = (hours: number) => second(hours * 3600)
const alice = 'alice@contoso.test'

function endedOf(t: Test, { file = ':memory:', at = now } = {}) {
  const database = openDatabase({ file })
  t.teardown(() => database.close())
  const ended = openEndedSessions({ database, now: at })
  const add = (entries: EndedEntry[], at = now) =>
    database.write((run, onCommit) => ended.add({ run, onCommit }, entries, at))
  return { database, ended, add }
}

t.test('a session that ended is known by its id', async (t) => {
  const { ended, add } = endedOf(t)
  t.notOk(ended.isEnded({ sid: 'one', upn: alice, issuedAt: now }))
  await add([{ sid: 'one' }])
  t.ok(ended.isEnded({ sid: 'one', issuedAt: now }))
  t.ok(ended.isEnded({ sid: 'one', upn: 'bob@contoso.test', issuedAt: hour(1) }), 'whenever the token was issued')
  t.notOk(ended.isEnded({ sid: 'two', upn: alice, issuedAt: now }))
  t.notOk(ended.isEnded({ issuedAt: now }))
})

t.test('of a person everything has ended that was issued before the instant', async (t) => {
  const { ended, add } = endedOf(t)
  await add([{ upn: alice, before: now }])
  t.ok(ended.isEnded({ upn: 'ALICE@contoso.test', sid: 'any', issuedAt: second(-1) }))
  t.ok(ended.isEnded({ upn: alice, issuedAt: hour(-20) }))
  t.notOk(ended.isEnded({ upn: alice, issuedAt: now }))
  t.notOk(ended.isEnded({ upn: 'bob@contoso.test', issuedAt: second(-1) }))
})

t.test('of a person the latest instant counts, and is one entry', async (t) => {
  const { database, ended, add } = endedOf(t)
  await add([{ upn: alice, before: now }])
  await add([{ upn: alice, before: hour(1) }], hour(1))
  t.same(ended.entries(hour(1)), [{ upn: alice, before: hour(1) }])
  t.equal(database.read(database.query.selectFrom('ended_sessions').selectAll()).length, 1)
  t.ok(ended.isEnded({ upn: alice, issuedAt: second(60) }))
})

t.test('an entry is kept until the last token issued before it is dead', async (t) => {
  const { database, ended, add } = endedOf(t)
  await add([{ sid: 'one' }, { upn: alice, before: now }])
  t.same(ended.entries(hour(24)), [{ sid: 'one' }, { upn: alice, before: now }])
  t.same(ended.entries(hour(25)), [])
  await add([{ sid: 'two' }], hour(25))
  const left = database.read(database.query.selectFrom('ended_sessions').select('sid'))
  t.match(left, [{ sid: 'two' }])
  t.equal(left.length, 1)
})

t.test('the number grows with each entry and never goes back, not even over a restart', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = endedOf(t, { file })
  t.equal(before.ended.number, 0)
  await Promise.all([before.add([{ sid: 'one' }, { sid: 'two' }]), before.add([{ sid: 'three' }])])
  t.equal(before.ended.number, 3)
  await before.add([{ upn: alice, before: now }])
  await before.database.close()

  const soon = endedOf(t, { file, at: hour(1) })
  t.equal(soon.ended.number, 4)
  t.same(soon.ended.entries(hour(1)), [{ sid: 'one' }, { sid: 'two' }, { sid: 'three' }, { upn: alice, before: now }])
  await soon.database.close()

  const late = endedOf(t, { file, at: hour(48) })
  t.equal(late.ended.number, 4, 'though every entry is gone')
  t.same(late.ended.entries(hour(48)), [])
  await late.add([{ sid: 'five' }], hour(48))
  t.equal(late.ended.number, 5)
})

t.test('listeners hear of each entry when it is on disk, until they stop', async (t) => {
  const { ended, add } = endedOf(t)
  const heard: [EndedEntry, boolean][] = []
  const stop = ended.onEnded((entry) =>
    heard.push([entry, ended.isEnded({ sid: 'one', upn: alice, issuedAt: second(-1) })]),
  )
  await add([{ sid: 'one' }, { upn: alice, before: now }])
  stop()
  await add([{ sid: 'two' }])
  t.same(heard, [
    [{ sid: 'one' }, true],
    [{ upn: alice, before: now }, true],
  ])
})

t.test('a transaction that is undone ends nothing and tells nobody', async (t) => {
  const { database, ended } = endedOf(t)
  ended.onEnded(() => t.fail('told'))
  await t.rejects(
    database.write((run, onCommit) => {
      ended.add({ run, onCommit }, [{ sid: 'one' }], now)
      throw new RangeError('no')
    }),
    RangeError,
  )
  t.equal(ended.number, 0)
  t.notOk(ended.isEnded({ sid: 'one', issuedAt: now }))
})

t.test('100,000 sessions end in one transaction and are all known', async (t) => {
  const { ended, add } = endedOf(t)
  const sids = Array.from({ length: 100_000 }, (_, index) => `session-${String(index).padStart(14, '0')}`)
  await add(sids.map((sid) => ({ sid })))
  t.ok(ended.isEnded({ sid: sids[99_999], issuedAt: now }))
  t.notOk(ended.isEnded({ sid: 'session-x', issuedAt: now }))
  t.equal(ended.entries(now).length, 100_000)
})
