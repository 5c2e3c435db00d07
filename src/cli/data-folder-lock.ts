/**
 * One process at a time works on a data folder: the server, or a command while no server runs. The lock is SQLite's own
 * exclusive file lock on a database that is there for nothing else; the operating system takes it back when the process
 * dies, however it dies, so that nothing is ever left over to be cleaned up.
 */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from './cli-error.ts'
import { makeFolder } from './make-folder.ts'

export interface DataFolderLock {
  /** Gives the folder free; more than once does no harm. */
  release(): void
}

/**
 * Takes the lock of a data folder, which is made (0700) where there is none. Waits while another process has it.
 * @param options.patience milliseconds to wait; 0 tries once.
 * @param options.onWait called once, when the folder is found in use.
 * @throws {CliError} `folder-in-use` when it is still taken after that, `file` or `not-permitted` when the folder is unusable.
 */
export async function lockDataFolder(
  folder: string,
  options: { patience?: number; onWait?: () => void } = {},
): Promise<DataFolderLock> {
  const { patience = 0, onWait } = options
  const end = performance.now() + patience
  for (let attempt = 0; ; attempt++) {
    const lock = tryLock(folder)
    if (lock !== undefined) return lock
    if (attempt === 0 && patience > 0) onWait?.()
    if (performance.now() >= end) {
      throw new CliError('folder-in-use', `the data folder ${folder} is in use by another gatehouse process`)
    }
    await delay(25)
  }
}

function tryLock(folder: string): DataFolderLock | undefined {
  const file = join(folder, 'lock')
  let database: DatabaseSync | undefined
  try {
    makeFolder(folder)
    closeSync(openSync(file, 'a', 0o600))
    database = new DatabaseSync(file, { timeout: 0 })
    database.exec('begin exclusive')
  } catch (cause) {
    database?.close()
    if (isBusy(cause)) return undefined
    throw unusable(folder, cause)
  }
  let held: DatabaseSync | undefined = database
  return {
    release() {
      held?.close()
      held = undefined
    },
  }
}

// SQLITE_BUSY
const isBusy = (error: unknown) => error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5

function unusable(folder: string, cause: unknown): CliError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const why =
    {
      EACCES: 'permission denied',
      EPERM: 'permission denied',
      EROFS: 'the file system is read-only',
      ENOTDIR: 'it is not a folder',
      EEXIST: 'it is not a folder',
    }[code] ?? (cause instanceof Error ? cause.message : String(cause))
  const forbidden = code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
  return new CliError(forbidden ? 'not-permitted' : 'file', `the data folder ${folder} cannot be used: ${why}`, {
    cause,
  })
}
