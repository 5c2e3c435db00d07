import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeFolder } from '../../src/cli/make-folder.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

t.test('makes what is missing, for its owner only, and leaves what is there', async (t) => {
  const root = temporaryFolder(t)
  makeFolder(join(root, 'a', 'b', 'c'))
  for (const path of ['a', 'a/b', 'a/b/c']) t.equal(statSync(join(root, path)).mode & 0o777, 0o700, path)
  makeFolder(join(root, 'a'), 0o755)
  t.equal(statSync(join(root, 'a')).mode & 0o777, 0o700)
})

t.test('says what is in the way, and does not try for ever', async (t) => {
  const root = temporaryFolder(t)
  writeFileSync(join(root, 'file'), '')
  t.throws(() => makeFolder(join(root, 'file')), { code: 'EEXIST' })
  t.throws(() => makeFolder(join(root, 'file', 'a')), { code: 'ENOTDIR' })
  t.throws(() => makeFolder('/proc/gatehouse/a'), { code: 'ENOENT' })
})
