import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  realpathSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { StsError } from '../sts-error.ts'

// The master key seals every private key and secret that the data folder holds. Its file is 32 random bytes as base64
// text, lies outside the data folder, and is nobody's to read but the service's own.

const keyBytes = 32
const written = /^[A-Za-z0-9+/]{43}=\r?\n?$/

export interface MasterKeyFileOptions {
  /** A file that its group may read is taken from anywhere; default only from the credentials folder. */
  allowGroupReadableKey?: boolean | undefined
  /** Where the service manager hands over credentials (systemd sets their group itself); default $CREDENTIALS_DIRECTORY. */
  credentialsDirectory?: string | undefined
}

/**
 * Reads the master key.
 * @throws {StsError} `master-key`: not there, readable by others, or not a key. Never says what the file holds.
 */
export function readMasterKey(file: string, options: MasterKeyFileOptions = {}): KeyObject {
  const descriptor = attempt(`The master key file ${file} cannot be read`, () => openSync(file, constants.O_RDONLY))
  try {
    // The permissions of what was opened, not of what stands at that path by now.
    const complaint = complaintAbout(fstatSync(descriptor), file, options)
    if (complaint !== undefined) throw new StsError('master-key', `The master key file ${file} ${complaint}`)
    return parseMasterKey(readStart(descriptor), file)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Makes a new master key with a file that did not exist before, 0600 from its first moment, complete or not there at all.
 * @throws {StsError} `master-key`: there is such a file already (it is left as it was), or the folder cannot be written.
 */
export function createMasterKey(file: string): KeyObject {
  const key = randomBytes(keyBytes)
  const unfinished = join(dirname(file), `.master-key-${randomBytes(8).toString('hex')}`)
  attempt(`The master key file ${file} cannot be created`, () => {
    const descriptor = openSync(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      fchmodSync(descriptor, 0o600)
      writeSync(descriptor, `${key.toString('base64')}\n`)
      fsyncSync(descriptor)
      // A link, unlike a rename, never replaces what is there: a master key lost is every signing key lost.
      linkSync(unfinished, file)
    } finally {
      closeSync(descriptor)
      unlinkSync(unfinished)
    }
    syncFolder(dirname(file))
  })
  const made = createSecretKey(key)
  key.fill(0)
  return made
}

function complaintAbout(file: Stats, path: string, options: MasterKeyFileOptions): string | undefined {
  if (!file.isFile()) return 'is not a file'
  if (process.platform === 'win32') return undefined
  const mode = (file.mode & 0o777).toString(8)
  if ((file.mode & 0o007) !== 0) return `is open to everybody (mode ${mode}): chmod 600 it`
  if ((file.mode & 0o030) !== 0) return `can be changed by its group (mode ${mode}): chmod 600 it`
  if ((file.mode & 0o040) === 0 || options.allowGroupReadableKey === true) return undefined
  const { CREDENTIALS_DIRECTORY } = process.env
  const { credentialsDirectory = CREDENTIALS_DIRECTORY } = options
  if (credentialsDirectory !== undefined && liesIn(path, credentialsDirectory)) return undefined
  return `is readable by its group (mode ${mode}): chmod 600 it, or set allowGroupReadableKey`
}

function liesIn(path: string, folder: string): boolean {
  try {
    return realpathSync(path).startsWith(realpathSync(folder) + sep)
  } catch {
    return false
  }
}

function readStart(descriptor: number): string {
  const start = Buffer.alloc(64)
  const length = readSync(descriptor, start, 0, start.length, 0)
  return start.toString('latin1', 0, length)
}

function parseMasterKey(text: string, file: string): KeyObject {
  const key = Buffer.from(text, 'base64')
  if (!written.test(text) || key.length !== keyBytes || key.toString('base64') !== text.trim()) {
    throw new StsError('master-key', `The master key file ${file} does not hold 32 bytes as base64 text`)
  }
  const parsed = createSecretKey(key)
  key.fill(0)
  return parsed
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    const why = { ENOENT: 'no such file or folder', EACCES: 'permission denied', EEXIST: 'it exists already' }
    throw new StsError('master-key', `${what}: ${why[code as keyof typeof why] ?? code ?? 'unknown error'}`, { cause })
  }
}
