import t from 'tap'
import { createDeadlines } from '../../src/kcd/deadlines.ts'
import { createSharedWork } from '../../src/kcd/shared-work.ts'

t.test('work is done once for all who want it at once, and again for those who come later', async (t) => {
  const work = createSharedWork<number>(createDeadlines(1000))
  let begun = 0
  const one = Promise.withResolvers<number>()
  const share = () =>
    work.share('key', undefined, () => {
      begun++
      return one.promise
    })
  const waiting = [share(), share(), share()]
  t.equal(begun, 1)
  one.resolve(7)
  t.same(await Promise.all(waiting), [7, 7, 7])
  await share()
  t.equal(begun, 2)
})

t.test('a failure goes to all who wait and to nobody later', async (t) => {
  const work = createSharedWork<number>(createDeadlines(1000))
  const failing = () => Promise.reject(new Error('no'))
  const waiting = [work.share('key', undefined, failing), work.share('key', undefined, failing)]
  for (const one of waiting) await t.rejects(one, { message: 'no' })
  t.equal(await work.share('key', undefined, async () => 1), 1)
})

t.test('each piece of work has its own deadline, whoever waits for it', async (t) => {
  const work = createSharedWork<number>(createDeadlines(30))
  let seen: AbortSignal | undefined
  const never = work.share('key', undefined, (signal) => {
    seen = signal
    return new Promise(() => {})
  })
  await t.rejects(never, { code: 'deadline' })
  t.equal(seen?.aborted, true, 'the work is told')
  t.equal(await work.share('key', undefined, async () => 1), 1)
})

t.test('who stops waiting leaves the work to the others', async (t) => {
  const work = createSharedWork<number>(createDeadlines(1000))
  const one = Promise.withResolvers<number>()
  const leaving = new AbortController()
  const first = work.share('key', leaving.signal, () => one.promise)
  const second = work.share('key', undefined, () => one.promise)
  leaving.abort(new Error('gone'))
  await t.rejects(first, { message: 'gone' })
  one.resolve(3)
  t.equal(await second, 3)
  await t.rejects(
    work.share('other', leaving.signal, async () => 1),
    { message: 'gone' },
  )
})

t.test('closing ends what is under way and what is begun later', async (t) => {
  const deadlines = createDeadlines(1000)
  const work = createSharedWork<number>(deadlines)
  const underWay = work.share('key', undefined, () => new Promise(() => {}))
  deadlines.close()
  await t.rejects(underWay, { code: 'closed' })
  await t.rejects(
    work.share('key', undefined, () => new Promise(() => {})),
    { code: 'closed' },
  )
})
