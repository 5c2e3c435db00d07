import t from 'tap'
import { createTicketCache, usableUntil } from '../../src/kcd/ticket-cache.ts'

t.test('a ticket is there until it is not usable any more', async (t) => {
  const cache = createTicketCache<{ usableUntil: number }>(10)
  const ticket = { usableUntil: 1000 }
  cache.set('alice', ticket)
  t.equal(cache.get('alice', 999), ticket)
  t.equal(cache.get('bob', 999), undefined)
  t.equal(cache.get('alice', 1000), undefined)
  t.equal(cache.size, 0, 'and is gone then')
})

t.test('the one that was used longest ago goes first', async (t) => {
  const cache = createTicketCache<{ usableUntil: number }>(2)
  for (const name of ['alice', 'bob']) cache.set(name, { usableUntil: 1000 })
  cache.get('alice', 0)
  cache.set('carol', { usableUntil: 1000 })
  t.equal(cache.get('bob', 0), undefined)
  t.ok(cache.get('alice', 0))
  cache.set('carol', { usableUntil: 2000 })
  t.equal(cache.size, 2, 'one that is replaced takes no place of its own')
})

t.test('tickets can be forgotten one by one, by what they are, and all', async (t) => {
  const cache = createTicketCache<{ usableUntil: number }>(10)
  for (let i = 0; i < 6; i++) cache.set(`person${i}`, { usableUntil: i })
  cache.delete('person0')
  t.equal(cache.size, 5)
  cache.deleteWhere((ticket) => ticket.usableUntil > 3)
  t.equal(cache.size, 3)
  cache.clear()
  t.equal(cache.size, 0)
})

t.test('a ticket is used until two minutes before its end, a short one until the last tenth of its life', async (t) => {
  const until = (seconds: number) => usableUntil({ startsAt: new Date(0), endsAt: new Date(seconds * 1000) }) / 1000
  t.equal(until(36_000), 35_880)
  t.equal(until(600), 540)
  t.equal(until(10), 9)
})
