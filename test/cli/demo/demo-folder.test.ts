/** `gatehouse demo` from one start to the next on its folder, and what can be in its way. */
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parseDocument } from 'yaml'
import type { DemoFile } from '../../../src/cli/demo/demo-file.ts'
import { freePort } from '../../lab/free-port.ts'
import { gatehouse, runGatehouse, startDemo, startGatehouse } from '../../lab/gatehouse.ts'
import { seenBy, signedIn } from '../../lab/round-trip.ts'
import { temporaryFolder } from '../../lab/temporary-folder.ts'

t.test('goes on with its folder: same port, same backends, what was changed meanwhile stays changed', async (t) => {
  const folder = temporaryFolder(t)
  const first = await startDemo(folder)
  const alice = await signedIn(first.url('CRM'), 'alice@contoso.test')
  const administer = (...words: string[]) => gatehouse([...words, '--config', first.configurationFile])
  await administer('app', 'remove', 'News')
  await administer('user', 'disable', 'bob@contoso.test')
  await first.program.stop()
  const second = await startDemo(folder, [])
  t.equal(second.firstUrl, first.firstUrl)
  t.same(
    second.file.applications,
    first.file.applications.filter(({ name }) => name !== 'News'),
  )
  t.equal((await seenBy(alice, second.url('CRM'))).headers['x-forwarded-user'], 'alice@contoso.test')
  t.match(await gatehouse(['user', 'list', '--config', second.configurationFile]), /bob@contoso\.test.*(no|disabled)/i)
  await second.program.stop()

  const port = await freePort()
  const third = await startDemo(folder, ['--port', String(port)])
  t.equal(third.firstUrl, `http://crm.contoso.localhost:${port}/`, 'it moves to another port with all its addresses')
  await signedIn(third.url('Wiki'), 'alice@contoso.test')
  await third.program.stop()

  const fourth = await startDemo(folder, ['--tls'])
  t.equal(fourth.firstUrl, `https://crm.contoso.localhost:${port}/`)
  await signedIn(fourth.url('Wiki'), 'alice@contoso.test', { ca: fourth.ca ?? '' })
  await fourth.program.stop()
})

t.test('goes on after a kill at any moment of its first start', async (t) => {
  const folder = temporaryFolder(t)
  for (const sign of ['master.key', 'data', 'data/gatehouse.sqlite', 'data/proxy.json', 'demo.json']) {
    const program = startGatehouse(['demo', '--data', folder, '--port', '0'])
    const ready = program.line(/^Gatehouse is ready/).catch(() => {})
    await Promise.race([ready, appears(join(folder, sign))])
    await program.stop('SIGKILL')
  }
  const demo = await startDemo(folder)
  t.teardown(() => demo.program.stop())
  t.equal(demo.file.applications.length, 3)
  await signedIn(demo.url('CRM'), 'bob@contoso.test')
  await signedIn(demo.url('Wiki'), 'alice@contoso.test')
})

t.test('what is in its way is one clear line and exit status 1', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), 'a file')
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const foreign = join(folder, 'foreign')
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'gatehouse.yaml'), 'roles: [sts]\n')
  const opened = join(folder, 'opened')
  const changed = await startDemo(opened)
  await changed.program.stop()
  const edited = parseDocument(readFileSync(changed.configurationFile, 'utf8'))
  edited.addIn(['listeners'], { address: '0.0.0.0', port: 0, protocol: 'http', redirectToHttps: true })
  writeFileSync(changed.configurationFile, edited.toString())
  const running = await startDemo(join(folder, 'running'))
  t.teardown(() => running.program.stop())
  const before = readFileSync(running.configurationFile, 'utf8')
  for (const { name, words, says } of [
    { name: 'a port in use', words: ['--port', String(port)], says: new RegExp(`port ${port} .*in use`) },
    { name: 'a folder that is a file', words: ['--data', join(folder, 'file')], says: /file cannot be used/ },
    { name: 'a folder below a file', words: ['--data', join(folder, 'file', 'x')], says: /cannot be used/ },
    { name: 'a folder nobody can write to', words: ['--data', '/proc/gatehouse'], says: /cannot be used/ },
    { name: 'an address that is not loopback', words: ['--address', '0.0.0.0'], says: /loopback/ },
    { name: 'an address before the port', words: ['--port', '0.0.0.0:8080'], says: /loopback/ },
    { name: 'a listener for everybody', words: ['--data', opened], says: /loopback/ },
    { name: 'an installation of somebody', words: ['--data', foreign], says: /is not the demo's/ },
    { name: 'a demo that runs already', words: ['--data', running.folder, '--port', '0'], says: /in use/ },
  ]) {
    const { code, stdout, stderr } = await runGatehouse(['demo', ...words])
    t.equal(code, 1, name)
    t.match(stderr, says, name)
    t.match(stderr, /^[^\n]+\n$/, `${name}: one line`)
    t.equal(stdout, '', name)
  }
  t.notOk(existsSync(join(foreign, 'master.key')), 'somebody else’s folder is left as it was')
  t.equal(readFileSync(running.configurationFile, 'utf8'), before, 'and so is that of the demo that runs')
})

t.test('a demo.json that was changed by hand is written anew', async (t) => {
  const folder = temporaryFolder(t)
  await (await startDemo(folder)).program.stop()
  const written = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8')) as DemoFile
  writeFileSync(join(folder, 'demo.json'), '{"sts":')
  const demo = await startDemo(folder, [])
  t.teardown(() => demo.program.stop())
  t.same(demo.file, written)
})

/** Resolves when there is such a file: a loop over the event loop, for a moment that no event tells of. */
async function appears(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 1))
}
