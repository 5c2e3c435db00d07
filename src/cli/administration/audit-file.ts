import { open } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Appends an event to `audit.log` of a data folder that has no audit trail of a federation server: one line of JSON, on
 * disk when this resolves.
 */
export async function appendAudit(folder: string, event: object): Promise<void> {
  const file = await open(join(folder, 'audit.log'), 'a', 0o600)
  try {
    await file.appendFile(`${JSON.stringify(event)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}
