/**
 * The one SQL database of the federation server: SQLite in one file, by `node:sqlite`. Kysely builds the statements and
 * executes none: they run synchronously as prepared statements, one per SQL text. Reads run at once; writes go through
 * the queue of `write-queue.ts`, which commits what is in flight together. What was acknowledged is on disk, and an
 * opening after a kill needs no repair (SQLite replays or drops the log by itself).
 *
 * This is synchronous=FULL, with one difference: there SQLite would wait for the disk inside each commit, and with it
 * the event loop and everybody whose request is in it. So commits only append to the log (synchronous=NORMAL, which
 * still waits where the file itself is written), and the log is then synced in the thread pool before anybody is told.
 *
 * Which tables there are: `schema.ts`; how they came to be: `migrations/`. What they mean is for each room's own store.
 */
import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Compilable, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { StsError } from '../sts-error.ts'
import { migrate } from './migrations/migrate.ts'
import type { Schema } from './schema.ts'
import { prepareStatements } from './statements.ts'
import type { Run, Transaction } from './transaction.ts'
import { createWriteQueue } from './write-queue.ts'

export type { Run }

export interface Database {
  /** To build statements with; it executes nothing itself. */
  readonly query: Kysely<Schema>
  /** Runs a select at once. It sees what is committed. */
  read<R>(statement: Compilable<R>): R[]
  /**
   * Runs `work` in a transaction that it shares with the other writes in flight and resolves when that is on disk.
   * `work` is synchronous; when it throws, its own changes are undone, the others stay, and the promise rejects.
   * What it gives to `onCommit` is called when the change is on disk, before the promise resolves.
   * @throws {StsError} `store-unusable` when the disk refuses, `store-closed` after `close`.
   */
  write<T>(work: (run: Run, onCommit: Transaction['onCommit']) => T): Promise<T>
  /** Whether it takes writes, as far as the last one and a read tell. */
  usable(): boolean
  /** Commits what is in flight and closes the file. */
  close(): Promise<void>
}

/**
 * Opens the database, creates it (0600) where there is none, and brings its schema to this version's.
 * @param options.file path of the file; its folder is created. `:memory:` keeps everything in memory.
 * @param options.now instant that is noted with each migration.
 * @throws {StsError} `newer-schema` when a newer Gatehouse has written it, `store-unusable` when it cannot be opened.
 */
export function openDatabase({ file, now = new Date() }: { file: string; now?: Date }): Database {
  const query = queryBuilder()
  const sqlite = openFile(file)
  try {
    const statements = prepareStatements(sqlite)
    migrate({ sqlite, query, run: statements.run, now })
    const log = openLog(file, sqlite)
    const queue = createWriteQueue(sqlite, statements.run, log?.sync)
    let closed = false
    let closing: Promise<void> | undefined
    const read: Database['read'] = (statement) => {
      if (closed) throw new StsError('store-closed', 'the database is closed')
      return statements.run(statement)
    }
    const close = async () => {
      await queue.close()
      closed = true
      statements.clear()
      log?.close()
      sqlite.close()
    }
    return {
      query,
      read,
      write: (work) => queue.write(work),
      usable() {
        try {
          read(query.selectFrom('migrations').select('number').limit(1))
          return queue.usable()
        } catch {
          return false
        }
      },
      close() {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    sqlite.close()
    if (error instanceof StsError) throw error
    throw unusable(file, error)
  }
}

function openFile(file: string): DatabaseSync {
  try {
    if (file !== ':memory:') {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      // SQLite would create it readable by all; its log and index take the mode of the file
      closeSync(openSync(file, 'a', 0o600))
    }
    const sqlite = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true })
    try {
      sqlite.exec('pragma journal_mode = wal')
      sqlite.exec('pragma synchronous = full')
      sqlite.exec('pragma trusted_schema = off')
      sqlite.exec('pragma journal_size_limit = 67108864')
    } catch (error) {
      sqlite.close()
      throw error
    }
    return sqlite
  } catch (error) {
    throw unusable(file, error)
  }
}

/**
 * The write-ahead log, to be synced from here. SQLite keeps it as one file for as long as the database is open, holds no
 * lock on it, and has synced its place in the folder by itself when it made it.
 */
function openLog(file: string, sqlite: DatabaseSync): { sync: () => Promise<void>; close: () => void } | undefined {
  if (file === ':memory:') return undefined
  const descriptor = openSync(`${file}-wal`, 'r+')
  sqlite.exec('pragma synchronous = normal')
  return {
    sync: () =>
      new Promise((resolve, reject) => fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error)))),
    close: () => closeSync(descriptor),
  }
}

function unusable(file: string, cause: unknown): StsError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StsError('store-unusable', `the database ${file} cannot be used: ${reason}`, { cause })
}

function queryBuilder(): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}
