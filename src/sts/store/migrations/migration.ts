import type { Compilable, Kysely } from 'kysely'
import type { Schema } from '../schema.ts'

/** One step of the schema. What was released is never edited; a change is the next number. */
export interface Migration {
  readonly number: number
  readonly name: string
  statements(query: Kysely<Schema>): Compilable<unknown>[]
}
