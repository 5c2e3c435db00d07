import type { Compilable, Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/** Runs a statement inside a write and answers its rows (`returning`, or those of a select). */
export type Run = <R>(statement: Compilable<R>) => R[]

export interface Database {
  /** To build statements with; it executes nothing itself. */
  readonly query: Kysely<Schema>
  /** Runs a select at once. It sees what is committed. */
  read<R>(statement: Compilable<R>): R[]
  /**
   * Runs `work` in a transaction that it shares with the other writes in flight and resolves when that is on disk.
   * `work` is synchronous; when it throws, its own changes are undone, the others stay, and the promise rejects.
   */
  write<T>(work: (run: Run) => T): Promise<T>
  /** Commits what is in flight and closes the file. */
  close(): Promise<void>
}

export declare function openDatabase(options: { file: string; now?: Date }): Database
