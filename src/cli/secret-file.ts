import { open } from 'node:fs/promises'
import { CliError } from './cli-error.ts'

/**
 * The first line of a file that holds a secret.
 * @param what it is, for messages: `the password file`.
 * @param options.allowGroupReadable take a file that its group may read.
 * @throws {CliError} `not-permitted` for a file that others may read, `file` for one that is missing or says nothing.
 */
export async function readSecretFile(file: string, what: string, { allowGroupReadable = false } = {}): Promise<string> {
  try {
    const handle = await open(file, 'r')
    try {
      const { mode } = await handle.stat()
      if (process.platform !== 'win32' && (mode & (allowGroupReadable ? 0o037 : 0o077)) !== 0) {
        const octal = (mode & 0o777).toString(8)
        throw new CliError('not-permitted', `${what} ${file} is readable by others (mode ${octal}): chmod 600 it`)
      }
      const bytes = Buffer.alloc(4096)
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
      const [line = ''] = bytes.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)
      if (line === '') throw new CliError('file', `${what} ${file} says nothing in its first line`)
      return line
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    throw new CliError(code === 'EACCES' ? 'not-permitted' : 'file', `${what} ${file} cannot be read (${code})`, {
      cause,
    })
  }
}
