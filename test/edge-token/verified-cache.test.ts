import t from 'tap'
import { createVerifiedCache, type VerifiedCache } from '../../src/edge-token/verified-cache.ts'

const token = (number: number) => `${'x'.repeat(40)}.${`${number * 7919}`.padStart(40, 's')}`

/** Remembers a text as one that comes a second time. */
function keep<Content>(cache: VerifiedCache<Content>, text: string, content: Content): void {
  cache.remember(text, content, 100)
  cache.remember(text, content, 100)
}

t.test('keeps what comes a second time, until it ends', async (t) => {
  const cache = createVerifiedCache<string>()
  cache.remember(token(1), 'one', 100)
  t.equal(cache.find(token(1), 1), undefined, 'once is not enough')
  cache.remember(token(1), 'one', 100)
  t.equal(cache.find(token(1), 99.9), 'one')
  t.equal(cache.find(token(1), 100), undefined)
  t.equal(cache.find(token(1), 1), undefined, 'and then forgets it')
})

t.test('tells texts apart that only end alike', async (t) => {
  const cache = createVerifiedCache<string>()
  keep(cache, `a${token(1)}`, 'one')
  t.equal(cache.find(`b${token(1)}`, 1), undefined)
  t.equal(cache.find(`a${token(1)}`, 1), 'one')
  keep(cache, `b${token(1)}`, 'two')
  t.equal(cache.find(`b${token(1)}`, 1), 'two')
  t.equal(cache.find(`a${token(1)}`, 1), undefined, 'the later one has its place')
})

t.test('a date that is none finds nothing, nor does what is no text', async (t) => {
  const cache = createVerifiedCache<string>()
  keep(cache, token(1), 'one')
  t.equal(cache.find(token(1), Number.NaN), undefined)
  for (const text of [undefined, null, 1, {}]) t.equal(cache.find(text as string, 1), undefined)
  t.equal(cache.find('', 1), undefined)
})

for (const { name, most } of [
  { name: 'entries', most: { entries: 10, characters: 1_000_000 } },
  { name: 'characters', most: { entries: 1_000, characters: 10 * token(1).length } },
]) {
  t.test(`is bounded by ${name}, and what is asked for stays`, async (t) => {
    const cache = createVerifiedCache<number>(most)
    keep(cache, token(0), 0)
    for (let number = 1; number <= 200; number++) {
      keep(cache, token(number), number)
      t.equal(cache.find(token(0), 1), 0)
    }
    const held = Array.from({ length: 201 }, (_, number) => cache.find(token(number), 1)).filter(
      (at) => at !== undefined,
    )
    t.ok(held.length <= 20, `${held.length} held`)
    t.ok(held.length >= 5)
  })
}

t.test('marks are bounded as well', async (t) => {
  const cache = createVerifiedCache<number>()
  cache.remember(token(0), 0, 100)
  for (let number = 1; number < 200_000; number++) cache.remember(token(number), number, 100)
  cache.remember(token(0), 0, 100)
  t.equal(cache.find(token(0), 1), undefined, 'the mark of the first one is long gone')
  cache.remember(token(0), 0, 100)
  t.equal(cache.find(token(0), 1), 0)
})

t.test('of a thousand that come again, nearly all are kept', async (t) => {
  const cache = createVerifiedCache<number>()
  const numbers = Array.from({ length: 1_000 }, (_, number) => number)
  for (let round = 0; round < 2; round++) for (const number of numbers) cache.remember(token(number), number, 100)
  const kept = numbers.filter((number) => cache.find(token(number), 1) === number)
  t.ok(kept.length > 980, `${kept.length} kept`)
})
