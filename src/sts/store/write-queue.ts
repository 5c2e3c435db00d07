/**
 * Grouped commits. A commit costs one wait for the disk however much is in it, so the writes that are in flight share
 * a transaction: at most 64, or those that are queued when the event loop turns. Each has a savepoint of its own, so
 * that one that throws undoes itself alone. A promise resolves when the commit is on disk, never before; while the disk
 * is waited for, the event loop is free, and whatever is asked for meanwhile goes into the next group.
 */
import type { DatabaseSync } from 'node:sqlite'
import { StsError } from '../sts-error.ts'
import type { Run, Transaction } from './transaction.ts'

const groupLimit = 64
/** Milliseconds that a write waits at most for others to share its commit. */
const longestWait = 5
/** Milliseconds between two attempts to find out whether a disk that refused takes writes again. */
const probeInterval = 1000

type Work<T> = (run: Run, onCommit: Transaction['onCommit']) => T

interface QueuedWrite {
  work: Work<unknown>
  resolve: (value: unknown) => void
  reject: (reason: unknown) => void
}

/** How a write ended in its transaction; told when that is on disk. */
interface Outcome {
  tell: () => void
  /** Does on commit what there is to do, but answers with this error. */
  fail: (reason: unknown) => void
}

export interface WriteQueue {
  write<T>(work: Work<T>): Promise<T>
  /**
   * Whether the last group was written. Where it was not, asking has the disk tried again in the background, so that
   * the answer changes when the disk does.
   */
  usable(): boolean
  /** Commits what is queued and takes no more. */
  close(): Promise<void>
}

/**
 * Opens the one writer of a database.
 * @param sync resolves when everything that was committed so far is on disk; without it, commits are taken to be there.
 */
export function createWriteQueue(sqlite: DatabaseSync, run: Run, sync?: () => Promise<void>): WriteQueue {
  const begin = sqlite.prepare('begin immediate')
  const commit = sqlite.prepare('commit')
  const rollback = sqlite.prepare('rollback')
  const savepoint = sqlite.prepare('savepoint queued')
  const release = sqlite.prepare('release queued')
  const undo = sqlite.prepare('rollback to queued')

  let queue: QueuedWrite[] = []
  let immediate: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout | undefined
  /** The group that is on its way to the disk. */
  let committing: Promise<void> | undefined
  let notBefore = 0
  let closed = false
  let failing = false
  let probed = Number.NEGATIVE_INFINITY
  /** Set when the disk did not confirm what was done: what is on it is not known any more, and nothing is added to it. */
  let broken: StsError | undefined

  function schedule(): void {
    if (closed || immediate !== undefined || committing !== undefined || queue.length === 0) return
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
    committing = commitGroup().finally(() => {
      committing = undefined
      schedule()
    })
  }

  async function commitGroup(): Promise<void> {
    const group = queue.slice(0, groupLimit)
    queue = queue.slice(groupLimit)
    const started = performance.now()
    const outcomes = runTogether(group)
    const ended = performance.now()
    // several writers: let the next group gather, so that the event loop spends a quarter of its time here at most;
    // a single one that waits for each commit is never held up
    notBefore = group.length > 1 ? ended + Math.min(longestWait, 3 * (ended - started)) : 0
    if (outcomes === undefined) return
    const error = await unconfirmed()
    for (const { tell, fail } of outcomes) {
      if (error === undefined) tell()
      else fail(error)
    }
  }

  /** Waits for the disk. @returns the error that everything in flight and all that comes after it is answered with. */
  async function unconfirmed(): Promise<StsError | undefined> {
    try {
      await sync?.()
    } catch (cause) {
      broken = unusable('the disk did not confirm a commit; the server must be started again', cause)
    }
    return broken
  }

  /** @returns undefined when nothing was committed and everybody has been told so. */
  function runTogether(group: readonly QueuedWrite[]): Outcome[] | undefined {
    const outcomes: Outcome[] = []
    try {
      if (broken !== undefined) throw broken
      begin.run()
      for (const write of group) outcomes.push(runOne(write))
      commit.run()
      failing = false
      return outcomes
    } catch (cause) {
      failing = true
      const error = cause === broken ? broken : unusable('nothing was written', cause)
      undoAll()
      for (const { reject } of group) reject(error)
      return undefined
    }
  }

  function undoAll(): void {
    try {
      if (sqlite.isTransaction) rollback.run()
    } catch (cause) {
      broken ??= unusable('a transaction could not be undone; the server must be started again', cause)
    }
  }

  function runOne({ work, resolve, reject }: QueuedWrite): Outcome {
    const hooks: (() => void)[] = []
    savepoint.run()
    try {
      const value = work(run, (then) => void hooks.push(then))
      if (value instanceof Promise) throw new TypeError('the work of a write must be synchronous')
      release.run()
      const finish = (answer: () => void) => {
        try {
          for (const hook of hooks) hook()
          answer()
        } catch (error) {
          reject(error)
        }
      }
      return { tell: () => finish(() => resolve(value)), fail: (reason) => finish(() => reject(reason)) }
    } catch (error) {
      // a full disk makes SQLite give up the whole transaction, and with it the group
      if (!sqlite.isTransaction) throw error
      undo.run()
      release.run()
      const refuse = () => reject(error)
      return { tell: refuse, fail: refuse }
    }
  }

  function write<T>(work: Work<T>): Promise<T> {
    if (closed) return Promise.reject(new StsError('store-closed', 'the database is closed'))
    return new Promise<T>((resolve, reject) => {
      queue.push({ work, resolve: resolve as (value: unknown) => void, reject })
      schedule()
    })
  }

  /** Writes what is there already into the first page of the file. */
  function probe(): void {
    if (performance.now() - probed < probeInterval) return
    probed = performance.now()
    write(() => sqlite.exec('pragma user_version = 0')).catch(() => undefined)
  }

  return {
    write,
    usable() {
      if (broken !== undefined || closed) return false
      if (failing) probe()
      return !failing
    },
    async close() {
      closed = true
      clearTimeout(timer)
      clearImmediate(immediate)
      await committing
      while (queue.length > 0) await commitGroup()
    },
  }
}

function unusable(what: string, cause: unknown): StsError {
  return new StsError('store-unusable', `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}
