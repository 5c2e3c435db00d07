import { chmod, unlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { lockDataFolder } from '../../src/cli/data-folder-lock.ts'
import { runProgram } from '../lab/processes.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'

t.test('what keeps it from starting is one clear line', async (t) => {
  const taken = createTcpServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const folder = await temporaryFolder(t)
  const fails = async (
    name: string,
    changes: object,
    code: number,
    says: RegExp,
    spoil?: (folder: string) => Promise<unknown>,
  ) => {
    const here = await makeInstallation(join(folder, name), changes)
    await spoil?.(here.folder)
    const outcome = await here.run(['serve'])
    t.match({ name, ...outcome }, { name, code, stdout: '', stderr: says })
    const told = outcome.stderr
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('{'))
    t.equal(told.length, 1, outcome.stderr)
    t.notMatch(outcome.stderr, /\n {4}at /)
    // Nothing is left behind that would be in the way of the next start.
    const lock = await lockDataFolder(here.data).catch(() => undefined)
    t.ok(lock === undefined ? name === 'a file for a data folder' : true, name)
    lock?.release()
  }
  await fails('a port in use', { listeners: [{ port, protocol: 'http' }] }, 1, new RegExp(`${port}`))
  await fails('no master key', {}, 1, /master\.key/, (at) => unlink(join(at, 'master.key')))
  await fails('an open master key', {}, 1, /master\.key.*chmod 600/, (at) => chmod(join(at, 'master.key'), 0o644))
  await fails('a file for a data folder', {}, 1, /not a folder/, (at) => writeFile(join(at, 'data'), ''))
  await fails('a broken database', {}, 1, /gatehouse\.sqlite/, async (at) => {
    const lock = await lockDataFolder(join(at, 'data'))
    await writeFile(join(at, 'data', 'gatehouse.sqlite'), 'x'.repeat(8192))
    lock.release()
  })
  await fails('a file in place of the socket', {}, 1, /gatehouse\.sock is there and is not a socket/, async (at) => {
    const lock = await lockDataFolder(join(at, 'data'))
    await writeFile(join(at, 'data', 'gatehouse.sock'), '')
    lock.release()
  })
  await fails(
    'a missing certificate',
    { listeners: [{ port: 0, protocol: 'https', certificates: [{ certificate: 'a.pem', key: 'a.key' }] }] },
    1,
    /a\.pem/,
  )
  const logo = { sts: { url: 'http://sts.contoso.localhost:8080', branding: { logo: 'none.png' } } }
  await fails('a missing logo', logo, 2, /sts: branding\.logo cannot be read/)
  const wrong = await makeInstallation(join(folder, 'wrong'), { rols: ['sts'], log: { level: 'loud' } })
  const { code, stderr } = await wrong.run(['serve'])
  t.equal(code, 2)
  t.match(stderr, /has 2 problems:\n {2}gatehouse\.yaml:\d+: rols .*\n {2}gatehouse\.yaml:\d+: log\.level .*\n/)
})

t.test('Node.js that is too old is told so in one line', async (t) => {
  const old =
    "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})"
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
  const { code, stdout, stderr } = await runProgram(process.execPath, ['--import', old, main, 'serve'])
  t.match(
    { code, stdout, stderr },
    { code: 1, stdout: '', stderr: 'gatehouse needs Node.js 22.19 or newer; this is 20.20.2\n' },
  )
})
