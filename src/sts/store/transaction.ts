import type { Compilable } from 'kysely'

/** Runs a statement and answers its rows (`returning`, or those of a select). */
export type Run = <R>(statement: Compilable<R>) => R[]

/** What a change that is part of somebody's transaction needs. */
export interface Transaction {
  readonly run: Run
  /**
   * Has `then` called when the transaction is on disk and before its promise resolves: the moment to bring memory up to
   * the database. Transactions call in the order in which they ran.
   */
  onCommit(then: () => void): void
}
