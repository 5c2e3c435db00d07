import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/**
 * A folder of the test's own, removed when the test is over. Its path is short: a Unix socket below it must fit into the
 * 107 characters that the system allows.
 */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
