import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Compilable } from 'kysely'
import type { Run } from './transaction.ts'

/** SQL texts whose prepared statement is kept; a text more and the one used longest ago is prepared anew. */
const kept = 500

/** Runs statements of Kysely on a file and keeps each SQL text prepared. */
export interface Statements {
  run: Run
  clear(): void
}

export function prepareStatements(sqlite: DatabaseSync): Statements {
  const prepared = new Map<string, StatementSync>()

  function statementOf(sql: string): StatementSync {
    let statement = prepared.get(sql)
    if (statement === undefined) {
      statement = sqlite.prepare(sql)
      const [oldest] = prepared.keys()
      if (prepared.size >= kept && oldest !== undefined) prepared.delete(oldest)
    } else {
      prepared.delete(sql)
    }
    prepared.set(sql, statement)
    return statement
  }

  return {
    run<R>(statement: Compilable<R>): R[] {
      const { sql, parameters } = statement.compile()
      return statementOf(sql).all(...(parameters as SQLInputValue[])) as R[]
    },
    clear: () => prepared.clear(),
  }
}
