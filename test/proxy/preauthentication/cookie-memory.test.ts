import t from 'tap'
import { createCookieMemory } from '../../../src/proxy/preauthentication/cookie-memory.ts'
import { createSeenRoundTrips } from '../../../src/proxy/preauthentication/seen-round-trips.ts'

t.test('what is asked for again stays, what is not goes', async (t) => {
  const memory = createCookieMemory<number>({ most: 10, characters: 1000, longest: 100 })
  memory.set('kept', 1)
  for (let at = 0; at < 100; at++) {
    memory.set(`once-${at}`, at)
    t.equal(memory.get('kept'), 1)
  }
  t.equal(memory.get('once-0'), undefined)
  t.equal(memory.get('once-99'), 99)
})

t.test('characters are counted, and what is too long is not kept', async (t) => {
  const memory = createCookieMemory<number>({ most: 1000, characters: 300, longest: 100 })
  memory.set('x'.repeat(101), 1)
  t.equal(memory.get('x'.repeat(101)), undefined)
  const names = Array.from({ length: 50 }, (_, at) => `${at}`.padEnd(100, '-'))
  for (const name of names) memory.set(name, 1)
  t.ok(names.filter((name) => memory.get(name) !== undefined).length <= 6)
})

t.test('a round trip comes back once, for as long as its cookie could live', async (t) => {
  const isFirst = createSeenRoundTrips()
  const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000)
  t.equal(isFirst('a', at(0)), true)
  t.equal(isFirst('a', at(1)), false)
  t.equal(isFirst('b', at(599)), true)
  t.equal(isFirst('a', at(600)), false)
  t.equal(isFirst('c', at(601)), true)
  t.equal(isFirst('b', at(1198)), false, 'also across a change of generation')
  t.equal(isFirst('a', at(5000)), true, 'and is forgotten some time after that')
})
