/**
 * Grouped commits. A commit costs one wait for the disk however much is in it, so the writes that are in flight share
 * a transaction: at most 64, or those that are queued when the event loop turns. Each has a savepoint of its own, so
 * that one that throws undoes itself alone. A promise resolves after the commit, never before.
 */
import type { DatabaseSync } from 'node:sqlite'
import { StsError } from '../sts-error.ts'
import type { Run, Transaction } from './transaction.ts'

const groupLimit = 64
/** Milliseconds that a write waits at most for others to share its commit. */
const longestWait = 5

type Work<T> = (run: Run, onCommit: Transaction['onCommit']) => T

interface QueuedWrite {
  work: Work<unknown>
  resolve: (value: unknown) => void
  reject: (reason: unknown) => void
}

export interface WriteQueue {
  write<T>(work: Work<T>): Promise<T>
  /** Commits what is queued and takes no more. */
  close(): void
}

export function createWriteQueue(sqlite: DatabaseSync, run: Run): WriteQueue {
  const begin = sqlite.prepare('begin immediate')
  const commit = sqlite.prepare('commit')
  const rollback = sqlite.prepare('rollback')
  const savepoint = sqlite.prepare('savepoint queued')
  const release = sqlite.prepare('release queued')
  const undo = sqlite.prepare('rollback to queued')

  let queue: QueuedWrite[] = []
  let immediate: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout | undefined
  let notBefore = 0
  let closed = false

  function schedule(): void {
    if (immediate !== undefined || queue.length === 0) return
    const wait = queue.length >= groupLimit ? 0 : notBefore - performance.now()
    if (wait <= 0) {
      clearTimeout(timer)
      timer = undefined
      immediate = setImmediate(turn)
    } else {
      timer ??= setTimeout(turn, Math.ceil(wait))
    }
  }

  function turn(): void {
    clearTimeout(timer)
    immediate = undefined
    timer = undefined
    commitGroup()
    schedule()
  }

  function commitGroup(): void {
    const group = queue.slice(0, groupLimit)
    queue = queue.slice(groupLimit)
    const started = performance.now()
    const settle = runTogether(group)
    const ended = performance.now()
    // several writers: let the next group gather, so that the event loop spends a quarter of its time here at most;
    // a single one that waits for each commit is never held up
    notBefore = group.length > 1 ? ended + Math.min(longestWait, 3 * (ended - started)) : 0
    for (const tell of settle) tell()
  }

  /** @returns what tells each caller how it went, to be called when the transaction is over. */
  function runTogether(group: QueuedWrite[]): (() => void)[] {
    const settle: (() => void)[] = []
    try {
      begin.run()
      for (const write of group) settle.push(runOne(write))
      commit.run()
      return settle
    } catch (cause) {
      if (sqlite.isTransaction) rollback.run()
      const message = `nothing was written: ${cause instanceof Error ? cause.message : String(cause)}`
      const error = new StsError('store-unusable', message, { cause })
      return group.map(
        ({ reject }) =>
          () =>
            reject(error),
      )
    }
  }

  function runOne({ work, resolve, reject }: QueuedWrite): () => void {
    const hooks: (() => void)[] = []
    savepoint.run()
    try {
      const value = work(run, (then) => void hooks.push(then))
      if (value instanceof Promise) throw new TypeError('the work of a write must be synchronous')
      release.run()
      return () => {
        try {
          for (const hook of hooks) hook()
          resolve(value)
        } catch (error) {
          reject(error)
        }
      }
    } catch (error) {
      // a full disk makes SQLite give up the whole transaction, and with it the group
      if (!sqlite.isTransaction) throw error
      undo.run()
      release.run()
      return () => reject(error)
    }
  }

  return {
    write<T>(work: Work<T>): Promise<T> {
      if (closed) return Promise.reject(new StsError('store-closed', 'the database is closed'))
      return new Promise<T>((resolve, reject) => {
        queue.push({ work, resolve: resolve as (value: unknown) => void, reject })
        schedule()
      })
    },
    close() {
      closed = true
      clearTimeout(timer)
      clearImmediate(immediate)
      while (queue.length > 0) commitGroup()
    },
  }
}
