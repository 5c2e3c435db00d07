import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { lockDataFolder } from '../../src/cli/data-folder-lock.ts'
import { startGatehouse } from '../lab/gatehouse.ts'
import { createHttpClient } from '../lab/http-client.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'
import { until } from './until.ts'

t.test('it says once where it serves, in words or in JSON, and ends with 0 when it is told to', async (t) => {
  const here = await makeInstallation(await temporaryFolder(t))
  const server = await here.serve()
  t.teardown(() => server.stop('SIGKILL'))
  t.match(server.stdout(), /^Gatehouse is ready: http:\/\/127\.0\.0\.1:\d+\n$/)
  const { code, stdout, stderr } = await server.stop('SIGTERM')
  t.equal(code, 0)
  t.equal(stdout.trimEnd().split('\n').length, 1)
  for (const line of stderr.trimEnd().split('\n')) t.ok(JSON.parse(line).msg, 'standard error holds JSON lines alone')
  const again = await here.serve(['--json'])
  const { ready, addresses } = JSON.parse(again.stdout())
  t.equal(ready, true)
  t.match(addresses, [/^http:/])
  t.equal((await again.stop('SIGINT')).code, 0)
})

t.test('what is in flight is finished before it ends, and a second signal ends it at once', async (t) => {
  let answer: (() => void)[] = []
  const asked: (() => void)[] = []
  const backend = createServer((_, response) => {
    answer.push(() => response.end('finished'))
    for (const tell of asked.splice(0)) tell()
  }).listen(0, '127.0.0.1')
  t.teardown(() => backend.closeAllConnections())
  t.teardown(() => backend.close())
  const reached = () => new Promise<void>((resolve) => asked.push(resolve))
  await new Promise((resolve) => backend.once('listening', resolve))
  const { port } = backend.address() as AddressInfo

  const here = await makeInstallation(await temporaryFolder(t))
  const urls = [
    '--external-url',
    'http://news.contoso.localhost/',
    '--backend-url',
    `http://news.contoso.localhost:${port}/`,
  ]
  await here.json(['app', 'publish', 'News', ...urls, '--preauthentication', 'pass-through'])
  for (const signals of [1, 2]) {
    const server = await here.serve()
    t.teardown(() => server.stop('SIGKILL'))
    const [, origin = ''] = server.stdout().match(/ready: (\S+)/) ?? []
    const there = reached()
    const reply = createHttpClient().ask(origin, { headers: { host: 'news.contoso.localhost' } })
    reply.catch(() => {})
    await there
    process.kill(server.pid, 'SIGTERM')
    await until(() => server.stderr().includes('"ending"'))
    if (signals === 1) {
      for (const finish of answer) finish()
      t.match(await reply, { status: 200, body: 'finished' })
      t.equal((await server.ended).code, 0)
    } else {
      process.kill(server.pid, 'SIGTERM')
      t.equal((await server.ended).code, 1)
      await t.rejects(reply)
    }
    answer = []
  }
})

t.test(
  'a server waits for the folder while a command works on it, and a command waits for a server that starts',
  async (t) => {
    const here = await makeInstallation(await temporaryFolder(t))
    const lock = await lockDataFolder(here.data)
    const server = startGatehouse(['serve', '--config', here.file])
    t.teardown(() => server.stop('SIGKILL'))
    const command = here.run(['group', 'add', 'sales'])
    await until(() => server.stderr().includes('in use by a command; waiting'))
    t.equal(server.stdout(), '')
    lock.release()
    await server.line(/ready/)
    t.match(await command, { code: 0, stdout: 'added sales\n' })
    t.match(await here.inThisProcess.json(['group', 'list']), [{ name: 'sales' }])
  },
)

t.test('a second server on the same folder is told so at once', async (t) => {
  const here = await makeInstallation(await temporaryFolder(t))
  const server = await here.serve()
  t.teardown(() => server.stop('SIGKILL'))
  const { code, stderr } = await here.run(['serve'])
  t.equal(code, 5)
  t.match(stderr, /^gatehouse: a gatehouse server is at work on the data folder .*\n$/)
})
