import t from 'tap'
import { createPasswordQueue, type QueueOutcome } from '../../../src/sts/people/password-queue.ts'

/** A queue whose checks end when the test says so. */
function heldQueue() {
  const queue = createPasswordQueue()
  const started: { person: string; end: () => void; fail: (error: Error) => void }[] = []
  let most = 0
  let running = 0
  const enter = (person: string, { address = person, familiar = false } = {}): Promise<QueueOutcome<string>> =>
    queue.enter({ person, address, familiar }, async () => {
      running++
      most = Math.max(most, running)
      try {
        await new Promise<void>((end, fail) => started.push({ person, end, fail }))
        return person
      } finally {
        running--
      }
    })
  /** Ends the checks one after the other until none is left. */
  const drain = async (outcomes: Promise<QueueOutcome<string>>[]) => {
    const all = Promise.all(outcomes)
    let done = false
    void all.then(() => (done = true))
    while (!done) {
      started.shift()?.end()
      await null
    }
    return all
  }
  return { enter, started, drain, most: () => most }
}

const busy = (outcomes: QueueOutcome<string>[]) => outcomes.filter(({ kind }) => kind === 'busy').length

t.test('two run at a time, in the order in which they came', async (t) => {
  const { enter, started, drain, most } = heldQueue()
  const outcomes = ['a', 'b', 'c', 'd'].map((person) => enter(person))
  t.same(
    started.map(({ person }) => person),
    ['a', 'b'],
  )
  t.same(await drain(outcomes), [
    { kind: 'done', value: 'a' },
    { kind: 'done', value: 'b' },
    { kind: 'done', value: 'c' },
    { kind: 'done', value: 'd' },
  ])
  t.equal(most(), 2)
})

t.test('32 wait when half of them are familiar, the next one is told when to come again', async (t) => {
  const { enter, drain, most } = heldQueue()
  const entered = [
    ...Array.from({ length: 18 }, (_, index) => enter(`stranger${index}`)),
    ...Array.from({ length: 16 }, (_, index) => enter(`familiar${index}`, { familiar: true })),
  ]
  t.match(await enter('one more', { familiar: true }), { kind: 'busy', retryAfter: 1 })
  t.equal(busy(await drain(entered)), 0)
  t.equal(most(), 2)
})

t.test('strangers take half of the places at most, so that a familiar one still finds one', async (t) => {
  const { enter, drain } = heldQueue()
  const strangers = Array.from({ length: 40 }, (_, index) => enter(`stranger${index}`))
  const familiar = enter('alice', { familiar: true })
  t.equal(busy(await drain(strangers)), 22, 'two run and sixteen wait')
  t.same(await familiar, { kind: 'done', value: 'alice' })
})

t.test('the familiar may take all the places', async (t) => {
  const { enter, drain } = heldQueue()
  const outcomes = Array.from({ length: 40 }, (_, index) => enter(`person${index}`, { familiar: true }))
  t.equal(busy(await drain(outcomes)), 6)
})

t.test('four wait for one address', async (t) => {
  const { enter, drain } = heldQueue()
  const running = [enter('a'), enter('b')]
  const address = '192.0.2.7'
  const outcomes = Array.from({ length: 6 }, (_, index) => enter(`person${index}`, { address }))
  const other = enter('carol', { address: '192.0.2.8' })
  t.equal(busy(await drain([...running, ...outcomes, other])), 2)
  t.same(await other, { kind: 'done', value: 'carol' })
})

t.test('one waits for a person, and never beside another attempt of the same person', async (t) => {
  const { enter, started, drain, most } = heldQueue()
  const outcomes = [
    enter('alice', { address: '1' }),
    enter('alice', { address: '2' }),
    enter('alice', { address: '3' }),
  ]
  t.equal(started.length, 1, 'the second place stays free')
  const bob = enter('bob')
  t.same(
    started.map(({ person }) => person),
    ['alice', 'bob'],
    'and others take it',
  )
  t.equal(busy(await drain([...outcomes, bob])), 1)
  t.equal(most(), 2)
})

t.test("a stranger who tries alice's password takes no place of alice's at home", async (t) => {
  const { enter, drain } = heldQueue()
  const running = [enter('x'), enter('y')]
  const mallory = enter('alice', { address: '203.0.113.9' })
  const more = enter('alice', { address: '203.0.113.10' })
  const alice = enter('alice', { address: '192.0.2.7', familiar: true })
  t.equal(busy(await drain([...running, mallory, more, alice])), 1)
  t.match(await more, { kind: 'busy' })
  t.same(await alice, { kind: 'done', value: 'alice' })
})

t.test('a check that fails gives its place on', async (t) => {
  const { enter, started, drain } = heldQueue()
  const failing = [enter('a'), enter('b')]
  const next = enter('c')
  for (const { fail } of started.splice(0)) fail(new RangeError('broken'))
  for (const outcome of failing) await t.rejects(outcome, RangeError)
  t.same(await drain([next]), [{ kind: 'done', value: 'c' }])
})
