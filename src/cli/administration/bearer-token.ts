import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { CliError } from '../cli-error.ts'

const pattern = /^[\x21-\x7e]{32,512}$/

/**
 * Reads the bearer token of the administration address.
 * @param options.create make one (256 random bits, mode 0600) where the file is not there.
 * @throws {CliError} `not-permitted` for a file that others may read, `file` for one that is missing or holds no token.
 */
export function readBearerToken(file: string, options: { create?: boolean } = {}): string {
  if (options.create === true) createToken(file)
  let descriptor: number
  try {
    descriptor = openSync(file, constants.O_RDONLY)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    throw new CliError(
      code === 'EACCES' ? 'not-permitted' : 'file',
      `the token file ${file} cannot be read (${code})`,
      { cause },
    )
  }
  try {
    const { mode } = fstatSync(descriptor)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new CliError(
        'not-permitted',
        `the token file ${file} is readable by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`,
      )
    }
    const bytes = Buffer.alloc(1024)
    const token = bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0)).trimEnd()
    if (!pattern.test(token))
      throw new CliError('file', `the token file ${file} does not hold a token of at least 32 visible characters`)
    return token
  } finally {
    closeSync(descriptor)
  }
}

function createToken(file: string): void {
  try {
    const descriptor = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      writeSync(descriptor, `${randomBytes(32).toString('base64url')}\n`)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return
    throw new CliError('file', `the token file ${file} cannot be made`, { cause })
  }
}

/** Whether an Authorization header carries the token; says nothing by the time it takes. */
export function isBearer(authorization: string | undefined, token: string): boolean {
  const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string) => createHash('sha256').update(text).digest()
