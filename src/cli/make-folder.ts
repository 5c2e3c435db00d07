import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing; one that is there is left as it is. Unlike Node's own `recursive`
 * it ends where the system says that a folder cannot be made below one that exists (as below /proc): there that one
 * tries for ever.
 * @param mode of every folder that it makes.
 * @throws the system's error, with its `code`; `EEXIST` for something that is not a folder.
 */
export function makeFolder(path: string, mode = 0o700): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' && statSync(path).isDirectory()) return
    const parent = dirname(path)
    if (code !== 'ENOENT' || existsSync(parent)) throw error
    makeFolder(parent, mode)
    mkdirSync(path, { mode })
  }
}
