import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type AuditEvent, createAuditTrail } from '../../../src/sts/audit/audit-trail.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

const at = new Date('2026-11-23T10:00:00.123Z')
const signIn: AuditEvent = {
  at,
  event: 'sign-in',
  who: 'alice@contoso.test',
  what: 'CRM',
  from: '192.0.2.7',
  result: 'success',
  code: 'password',
  requestId: 'request-1',
  detail: { method: 'password', attempts: 2 },
}

function trailOf(t: Test, file = ':memory:') {
  const database = openDatabase({ file })
  t.teardown(() => database.close())
  const lines: string[] = []
  return { database, lines, audit: createAuditTrail({ database, stream: (line) => void lines.push(line) }) }
}

t.test('an event is on disk when it is recorded, as it was', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = trailOf(t, file)
  await before.audit.record(signIn)
  await before.audit.record({ at, event: 'sign-out', result: 'success' })
  await before.database.close()
  const { audit } = trailOf(t, file)
  t.same(audit.list(), [
    { id: 2, at, event: 'sign-out', result: 'success' },
    { id: 1, ...signIn },
  ])
})

t.test('the stream has one line of JSON for each event, after it is on disk and in order', async (t) => {
  const { audit, lines } = trailOf(t)
  await Promise.all([audit.record(signIn), audit.record({ ...signIn, event: 'sign-out' })])
  t.same(
    lines.map((line) => JSON.parse(line)),
    [
      { id: 1, ...signIn, at: at.toISOString() },
      { id: 2, ...signIn, event: 'sign-out', at: at.toISOString() },
    ],
  )
})

t.test('an event of a transaction that is undone is neither kept nor streamed', async (t) => {
  const { audit, database, lines } = trailOf(t)
  const write = (fail: boolean) =>
    database.write((run, onCommit) => {
      audit.within.record({ run, onCommit }, signIn)
      if (fail) throw new RangeError('no')
    })
  await t.rejects(write(true), RangeError)
  t.same([audit.list(), lines], [[], []])
  await write(false)
  t.equal(lines.length, 1)
  t.match(audit.list(), [signIn])
})

t.test('an event that could not be written rejects and is not streamed', async (t) => {
  const { audit, database, lines } = trailOf(t)
  await database.close()
  await t.rejects(audit.record(signIn), { code: 'store-closed' })
  t.same(lines, [])
})

for (const [what, hostile] of [
  ['a line feed', 'alice\n{"event":"sign-in"}'],
  ['a carriage return', 'alice\r\nforged'],
  ['a NUL', 'alice\u0000'],
  ['an escape sequence', '\u001b[2J\u001b]0;title\u0007'],
  ['a C1 control', '\u009b2Jalice\u0085next'],
  ['a line separator', 'alice\u2028forged\u2029'],
  ['a turn of the direction of writing', '\u202egnp.exe\u2066'],
  ['an invisible character', 'al\u200bice\ufeff\u00ad\u{e0041}'],
  ['JSON', '","result":"success","x":"'],
  ['half a surrogate pair', 'alice\ud800'],
] as const) {
  t.test(`${what} in a value breaks no line and hides nothing`, async (t) => {
    const { audit, lines } = trailOf(t)
    await audit.record({ ...signIn, result: 'failure', who: hostile, what: hostile, detail: { [hostile]: hostile } })
    t.equal(lines.length, 1)
    t.notMatch(lines[0], /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    const event = JSON.parse(lines[0] ?? '')
    t.equal(event.result, 'failure')
    t.equal(event.who, hostile.toWellFormed())
    t.equal(audit.list()[0]?.who, hostile.toWellFormed())
  })
}

t.test('a value that is far too long is cut', async (t) => {
  const { audit, lines } = trailOf(t)
  await audit.record({ ...signIn, who: 'x'.repeat(1_000_000), detail: { agent: 'y'.repeat(1_000_000) } })
  t.equal(audit.list()[0]?.who?.length, 2048)
  t.ok((lines[0]?.length ?? 0) < 6000)
})

t.test('is read newest first, a page at a time, and by event, person or request', async (t) => {
  const { audit } = trailOf(t)
  for (let index = 1; index <= 250; index++) {
    const event = index % 2 === 0 ? 'sign-in' : 'sign-out'
    await audit.record({ at, event, who: `person${index % 5}`, result: 'success', requestId: `request-${index}` })
  }
  const ids = (filter?: Parameters<typeof audit.list>[0]) => audit.list(filter).map(({ id }) => id)
  t.same(ids().slice(0, 3), [250, 249, 248])
  t.equal(ids().length, 100)
  t.same(ids({ limit: 2, before: 249 }), [248, 247])
  t.same(ids({ limit: 2, event: 'sign-out' }), [249, 247])
  t.same(ids({ limit: 2, who: 'person3', event: 'sign-in' }), [248, 238])
  t.same(ids({ requestId: 'request-7' }), [7])
  t.same(ids({ who: "' or 1=1 --" }), [])
})
