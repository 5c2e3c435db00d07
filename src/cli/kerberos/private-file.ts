import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { CliError } from '../cli-error.ts'

/**
 * Writes a file that its owner alone may read. What was there under the name is replaced and never written through: a
 * link that somebody put in its place leads nowhere.
 * @throws {CliError} `file`, `not-permitted`
 */
export async function writePrivately(file: string, content: Uint8Array): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, content, { mode: 0o600, flag: 'wx' })
    await rename(draft, file)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {})
    const code = (cause as NodeJS.ErrnoException).code
    throw new CliError(code === 'EACCES' ? 'not-permitted' : 'file', `${file} cannot be written (${code})`, { cause })
  }
}
