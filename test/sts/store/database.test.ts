import fs, { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as loopTurn } from 'node:timers/promises'
import t from 'tap'
import { type Database, openDatabase } from '../../../src/sts/store/database.ts'

const setting = ({ query }: Database, name: string, value = '') => query.insertInto('settings').values({ name, value })

const names = (database: Database) =>
  database.read(database.query.selectFrom('settings').select('name').orderBy('name')).map(({ name }) => name)

t.test('a new database is a file that only its owner reads', async (t) => {
  const file = join(t.testdir(), 'data', 'gatehouse.db')
  const database = openDatabase({ file })
  await database.write((run) => run(setting(database, 'one')))
  for (const suffix of ['', '-wal', '-shm']) t.equal(statSync(file + suffix).mode & 0o777, 0o600, `mode of ${suffix}`)
  t.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
  await database.close()
})

t.test('what was written is there when the file is opened again', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const first = openDatabase({ file, now: new Date(5) })
  await first.write((run) => run(setting(first, 'one', 'kept')))
  await first.close()
  const again = openDatabase({ file, now: new Date(9) })
  t.match(again.read(again.query.selectFrom('settings').selectAll()), [{ name: 'one', value: 'kept' }])
  t.match(again.read(again.query.selectFrom('migrations').selectAll()), [{ number: 1, applied_at: 5 }])
  await again.close()
})

t.test('a write is acknowledged when the log is on disk, and not before', async (t) => {
  const { fdatasync } = fs
  const synced: string[] = []
  const waiting: (() => void)[] = []
  fs.fdatasync = ((descriptor: number, done: fs.NoParamCallback) => {
    synced.push(readlinkSync(`/proc/self/fd/${descriptor}`))
    waiting.push(() => fdatasync(descriptor, done))
  }) as typeof fdatasync
  syncBuiltinESMExports()
  t.teardown(() => {
    fs.fdatasync = fdatasync
    syncBuiltinESMExports()
  })
  const file = join(t.testdir(), 'gatehouse.db')
  const database = openDatabase({ file })
  let acknowledged = 0
  const write = (name: string) => database.write((run) => void run(setting(database, name))).then(() => acknowledged++)
  const both = [write('one'), write('two')]
  while (waiting.length === 0) await loopTurn()
  t.same(names(database), ['one', 'two'], 'it is in the log')
  const later = write('three')
  for (let turns = 0; turns < 5; turns++) await loopTurn()
  t.equal(acknowledged, 0)
  t.same(names(database), ['one', 'two'], 'and the next group waits')
  waiting.shift()?.()
  await Promise.all(both)
  while (waiting.length === 0) await loopTurn()
  t.same([acknowledged, synced], [2, [`${file}-wal`, `${file}-wal`]])
  waiting.shift()?.()
  await later
  await database.close()
})

t.test('a database whose disk refuses says so, and takes writes again when the disk does', async (t) => {
  const database = openDatabase({ file: join(t.testdir(), 'gatehouse.db') })
  t.ok(database.usable())
  const pragma = (sql: string) =>
    database.read<{ page_count: number }>({
      compile: () => ({ ...setting(database, '').compile(), sql, parameters: [] }),
    })
  const pages = pragma('pragma page_count')[0]?.page_count
  // the file may not grow: SQLite then says what it says of a full disk
  pragma(`pragma max_page_count = ${pages}`)
  await t.rejects(
    database.write((run) => run(setting(database, 'large', 'x'.repeat(100_000)))),
    { code: 'store-unusable', message: /full/ },
  )
  t.notOk(database.usable())
  pragma('pragma max_page_count = 1000000')
  while (!database.usable()) await loopTurn()
  await t.resolves(database.write((run) => run(setting(database, 'large', 'x'.repeat(100_000)))))
  await database.close()
  t.notOk(database.usable())
})

t.test('a write that throws undoes itself alone, though it shares its commit with others', async (t) => {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const write = (name: string, fail = false) =>
    database.write((run) => {
      run(setting(database, name))
      if (fail) throw new Error(`not ${name}`)
      return name
    })
  const results = await Promise.allSettled([write('a'), write('b', true), write('c'), write('a'), write('d')])
  t.match(results, [
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: { message: 'not b' } },
    { status: 'fulfilled', value: 'c' },
    { status: 'rejected', reason: { code: 'ERR_SQLITE_ERROR' } },
    { status: 'fulfilled', value: 'd' },
  ])
  t.same(names(database), ['a', 'c', 'd'])
})

t.test('writes in flight run in the order in which they were asked for and see each other', async (t) => {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const { query } = database
  const count = query.selectFrom('settings').select(query.fn.countAll<number>().as('rows'))
  const seen = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      database.write((run) => {
        run(setting(database, `n${index}`))
        return run(count)[0]?.rows
      }),
    ),
  )
  t.same(
    seen,
    Array.from({ length: 200 }, (_, index) => index + 1),
  )
})

t.test('a read sees nothing of a write that has not been committed', async (t) => {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const written = database.write((run) => run(setting(database, 'one')))
  t.same(names(database), [])
  await written
  t.same(names(database), ['one'])
})

t.test('work that is asynchronous is refused and undone', async (t) => {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const work = async (): Promise<void> => {}
  await t.rejects(database.write(work), TypeError)
  t.same(names(database), [])
})

t.test('closing commits what is in flight and takes no more', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const database = openDatabase({ file })
  const written = Array.from({ length: 100 }, (_, index) =>
    database.write((run) => run(setting(database, `n${index}`))),
  )
  await database.close()
  await Promise.all(written)
  await t.rejects(
    database.write(() => undefined),
    { code: 'store-closed' },
  )
  t.throws(() => names(database), { code: 'store-closed' })
  await t.resolves(database.close(), 'closing twice is once')
  const again = openDatabase({ file })
  t.equal(names(again).length, 100)
  await again.close()
})

t.test('a newer schema is refused with a line that says what to do, and left as it is', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  await openDatabase({ file }).close()
  const sqlite = new DatabaseSync(file)
  sqlite.exec("insert into migrations values (999, 'from-the-future', 0)")
  sqlite.close()
  const before = readFileSync(file)
  t.throws(() => openDatabase({ file }), {
    name: 'StsError',
    code: 'newer-schema',
    message: /schema 999.*newer Gatehouse/,
  })
  t.same(readFileSync(file), before)
})

t.test('a file that is no database is refused by name', (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  writeFileSync(file, 'this is a letter, not a database, and it is long enough to have a header of its own')
  t.throws(() => openDatabase({ file }), { code: 'store-unusable', message: new RegExp(file) })
  t.end()
})

t.test('a path that cannot be a file is refused by name', (t) => {
  const folder = t.testdir({ file: 'in the way' })
  t.throws(() => openDatabase({ file: join(folder, 'file', 'gatehouse.db') }), { code: 'store-unusable' })
  t.end()
})

t.test('text with quotes, NUL and SQL in it is a value and nothing else', async (t) => {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const hostile = `x'); drop table settings; --"\u0000\u202e`
  await database.write((run) => run(setting(database, hostile, hostile)))
  t.match(database.read(database.query.selectFrom('settings').selectAll()), [{ name: hostile, value: hostile }])
})
