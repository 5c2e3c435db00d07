import t from 'tap'
import { compiledOnce } from '../../../src/sts/store/compiled-once.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

t.test('a statement is built once and run with the values of each time', async (t) => {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const { query } = database
  let built = 0
  const insert = compiledOnce(['value', 'name'], (row: { name: string; value: string }) => {
    built++
    return query.insertInto('settings').values(row).returning('name')
  })
  for (const [name, value] of [
    ['a', 'one'],
    ['b', "two'); drop table settings; --"],
  ] as const) {
    t.match(await database.write((run) => run(insert({ name, value }))), [{ name }])
  }
  t.equal(built, 1)
  t.match(database.read(query.selectFrom('settings').selectAll().orderBy('name')), [
    { name: 'a', value: 'one' },
    { name: 'b', value: "two'); drop table settings; --" },
  ])
})

t.test('a value that would be the same each time is refused', async (t) => {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const select = compiledOnce(['name'], ({ name }: { name: string }) =>
    database.query.selectFrom('settings').select('value').where('name', '=', name).where('value', '=', 'fixed'),
  )
  t.throws(() => database.read(select({ name: 'a' })), TypeError)
})
