import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { lockDataFolder } from '../../src/cli/data-folder-lock.ts'
import { startProgram } from '../lab/processes.ts'

const holder = (folder: string) =>
  startProgram(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { lockDataFolder } from ${JSON.stringify(new URL('../../src/cli/data-folder-lock.ts', import.meta.url).href)}
     await lockDataFolder(${JSON.stringify(folder)})
     console.log('locked')
     setInterval(() => {}, 1000)`,
  ])

t.test('the folder is made for its owner alone, and a second process is told that it is in use', async (t) => {
  const folder = join(t.testdir(), 'data')
  const other = holder(folder)
  t.teardown(() => other.stop('SIGKILL'))
  await other.line(/locked/)
  t.equal((await stat(folder)).mode & 0o777, 0o700)
  await t.rejects(lockDataFolder(folder), { code: 'folder-in-use', message: new RegExp(folder) })
})

t.test('a lock dies with its process, however that dies', async (t) => {
  const folder = t.testdir()
  const other = holder(folder)
  await other.line(/locked/)
  await other.stop('SIGKILL')
  const lock = await lockDataFolder(folder)
  lock.release()
  lock.release()
})

t.test('who waits gets the folder as soon as it is free', async (t) => {
  const folder = t.testdir()
  const first = await lockDataFolder(folder)
  let waits = 0
  const second = lockDataFolder(folder, {
    patience: 10_000,
    onWait: () => {
      waits++
      first.release()
    },
  })
  const lock = await second
  t.equal(waits, 1)
  lock.release()
})

t.test('a folder that is a file is one clear line', async (t) => {
  const folder = join(t.testdir({ data: 'a file' }), 'data')
  await t.rejects(lockDataFolder(folder), { code: 'file', message: /not a folder/ })
})

t.test('a lock file with other content is not taken for free', async (t) => {
  const folder = t.testdir()
  await writeFile(join(folder, 'lock'), 'x'.repeat(4096))
  await t.rejects(lockDataFolder(folder), { code: 'file' })
})
