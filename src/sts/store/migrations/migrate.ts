import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { StsError } from '../../sts-error.ts'
import type { Schema } from '../schema.ts'
import type { Run } from '../transaction.ts'
import { firstSchema } from './0001-first-schema.ts'
import type { Migration } from './migration.ts'

const migrations: readonly Migration[] = [firstSchema]

/**
 * Runs the migrations that a database lacks, all in one transaction: killed in between, it is as it was before.
 * @throws {StsError} `newer-schema` when it has one that this version does not know; nothing is touched then.
 */
export function migrate(on: { sqlite: DatabaseSync; query: Kysely<Schema>; run: Run; now: Date }): void {
  const { sqlite, query, run, now } = on
  const known = migrations.at(-1)?.number ?? 0
  sqlite.exec('begin immediate')
  try {
    run(
      query.schema
        .createTable('migrations')
        .ifNotExists()
        .addColumn('number', 'integer', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('applied_at', 'bigint', (column) => column.notNull()),
    )
    const [last] = run(query.selectFrom('migrations').selectAll().orderBy('number', 'desc').limit(1))
    const reached = last?.number ?? 0
    if (reached > known) throw newerSchema(reached, known)
    for (const migration of migrations.filter(({ number }) => number > reached)) {
      for (const statement of migration.statements(query)) run(statement)
      const { number, name } = migration
      run(query.insertInto('migrations').values({ number, name, applied_at: now.getTime() }))
    }
    sqlite.exec('commit')
  } catch (error) {
    if (sqlite.isTransaction) sqlite.exec('rollback')
    throw error
  }
}

function newerSchema(reached: number, known: number): StsError {
  return new StsError(
    'newer-schema',
    `the database has schema ${reached}, written by a newer Gatehouse; this one knows ${known}: start the newer version, or restore a copy from before the upgrade`,
  )
}
