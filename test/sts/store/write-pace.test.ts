import { DatabaseSync } from 'node:sqlite'
import { setImmediate as loopTurn } from 'node:timers/promises'
import t from 'tap'
import { createWriteQueue } from '../../../src/sts/store/write-queue.ts'

/** A queue on a file in memory that counts its commits by the transaction that each write saw. */
function countedQueue() {
  const sqlite = new DatabaseSync(':memory:')
  sqlite.exec('create table steps (step integer)')
  const queue = createWriteQueue(sqlite, () => [])
  const insert = sqlite.prepare('insert into steps values (?)')
  return { queue, sqlite, insert }
}

t.test('writes that are in flight together share a commit, at most 64 of them', async (t) => {
  const { queue, sqlite } = countedQueue()
  const groups: number[] = []
  let inGroup = 0
  const write = () =>
    queue.write((_run, onCommit) => {
      inGroup++
      onCommit(() => {
        if (inGroup > 0) groups.push(inGroup)
        inGroup = 0
      })
    })
  await Promise.all(Array.from({ length: 150 }, write))
  t.same(groups, [64, 64, 22])
  sqlite.close()
})

t.test('a lone writer is committed at the next turn of the loop', async (t) => {
  const { queue, sqlite, insert } = countedQueue()
  for (let step = 0; step < 5; step++) {
    let committed = false
    void queue.write(() => void insert.run(step)).then(() => (committed = true))
    await loopTurn()
    await loopTurn()
    t.ok(committed)
  }
  sqlite.close()
})

t.test(
  'what a write wants done on commit is done in order, after the commit and before its promise resolves',
  async (t) => {
    const { queue, sqlite } = countedQueue()
    const seen: string[] = []
    const write = (name: string) =>
      queue
        .write((_run, onCommit) => {
          seen.push(`work ${name}`)
          onCommit(() => seen.push(`${sqlite.isTransaction ? 'before' : 'after'} commit ${name}`))
        })
        .then(() => seen.push(`resolved ${name}`))
    await Promise.all([write('a'), write('b')])
    t.same(seen, ['work a', 'work b', 'after commit a', 'after commit b', 'resolved a', 'resolved b'])
    sqlite.close()
  },
)

t.test('a write that is undone has nothing done on commit', async (t) => {
  const { queue, sqlite } = countedQueue()
  let done = false
  const undone = queue.write((_run, onCommit) => {
    onCommit(() => {
      done = true
    })
    throw new RangeError('no')
  })
  await t.rejects(undone, RangeError)
  t.notOk(done)
  sqlite.close()
})

t.test('when the disk gives up a transaction, nobody in it is told that it was written', async (t) => {
  const { queue, sqlite, insert } = countedQueue()
  const results = await Promise.allSettled([
    queue.write(() => void insert.run(1)),
    queue.write(() => {
      // what SQLite does by itself when the disk is full
      sqlite.exec('rollback')
      throw new Error('database or disk is full')
    }),
    queue.write(() => void insert.run(2)),
  ])
  for (const result of results) t.match(result, { status: 'rejected', reason: { code: 'store-unusable' } })
  t.same(sqlite.prepare('select * from steps').all(), [])
  await t.resolves(
    queue.write(() => void insert.run(3)),
    'and the next one starts afresh',
  )
  sqlite.close()
})

t.test('after a commit that the disk did not confirm nothing is written any more', async (t) => {
  const { sqlite, insert } = countedQueue()
  const queue = createWriteQueue(
    sqlite,
    () => [],
    () => Promise.reject(new Error('EIO: i/o error, fdatasync')),
  )
  const seen: string[] = []
  const unconfirmed = queue.write((_run, onCommit) => {
    insert.run(1)
    onCommit(() => seen.push('memory follows what reads see'))
  })
  await t.rejects(unconfirmed, { code: 'store-unusable', message: /did not confirm.*EIO/ })
  t.same(seen, ['memory follows what reads see'])
  await t.rejects(
    queue.write(() => void insert.run(2)),
    { code: 'store-unusable', message: /did not confirm/ },
  )
  t.same(
    sqlite
      .prepare('select step from steps')
      .all()
      .map(({ step }) => step),
    [1],
  )
  t.notOk(queue.usable())
  await queue.close()
  sqlite.close()
})

t.test('closing waits for the group that is on its way to the disk and for those behind it', async (t) => {
  const { sqlite, insert } = countedQueue()
  let synced = 0
  const queue = createWriteQueue(
    sqlite,
    () => [],
    async () => {
      await loopTurn()
      synced++
    },
  )
  const first = queue.write(() => void insert.run(1))
  await loopTurn()
  const rest = Array.from({ length: 100 }, (_, step) => queue.write(() => void insert.run(step)))
  await queue.close()
  t.equal(synced, 3)
  await Promise.all([first, ...rest])
  await t.rejects(
    queue.write(() => undefined),
    { code: 'store-closed' },
  )
  sqlite.close()
})

t.test('a file that is closed under a write costs that write and not the process', async (t) => {
  const { queue, sqlite, insert } = countedQueue()
  const written = queue.write(() => void insert.run(1))
  sqlite.close()
  await t.rejects(written, { code: 'store-unusable' })
  t.notOk(queue.usable())
})
