import t from 'tap'
import { createVerifiedTokenCache } from '../../src/edge-token/verified-token-cache.ts'

const token = (number: number) => `${number}.${'x'.repeat(40)}.${`${number}`.padStart(40, 's')}`

t.test('remembers a token until it ends', async (t) => {
  const cache = createVerifiedTokenCache<string>()
  cache.remember(token(1), 'one', 100)
  t.equal(cache.find(token(1), 99.9), 'one')
  t.equal(cache.find(token(1), 100), undefined)
  t.equal(cache.find(token(1), 1), undefined, 'and then forgets it')
})

t.test('tells tokens apart that only end alike', async (t) => {
  const cache = createVerifiedTokenCache<string>()
  cache.remember(`a${token(1)}`, 'one', 100)
  t.equal(cache.find(`b${token(1)}`, 1), undefined)
  t.equal(cache.find(`a${token(1)}`, 1), 'one')
})

t.test('a date that is none finds nothing', async (t) => {
  const cache = createVerifiedTokenCache<string>()
  cache.remember(token(1), 'one', 100)
  t.equal(cache.find(token(1), Number.NaN), undefined)
})

for (const { name, most } of [
  { name: 'entries', most: { entries: 10, characters: 1_000_000 } },
  { name: 'characters', most: { entries: 1_000, characters: 10 * token(1).length } },
]) {
  t.test(`is bounded by ${name}, and what is asked for stays`, async (t) => {
    const cache = createVerifiedTokenCache<number>(most)
    cache.remember(token(0), 0, 100)
    for (let number = 1; number <= 200; number++) {
      cache.remember(token(number), number, 100)
      t.equal(cache.find(token(0), 1), 0)
    }
    const held = Array.from({ length: 201 }, (_, number) => cache.find(token(number), 1)).filter(
      (at) => at !== undefined,
    )
    t.ok(held.length <= 20, `${held.length} held`)
    t.ok(held.length >= 5)
  })
}
