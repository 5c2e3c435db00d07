import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runGatehouse, startGatehouse } from '../lab/gatehouse.ts'
import { createHttpClient } from '../lab/http-client.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'

t.test('the socket is its owner’s alone, and a deep folder has it elsewhere, in a private folder', async (t) => {
  const here = await makeInstallation(await temporaryFolder(t))
  const server = await here.serve()
  t.teardown(() => server.stop('SIGKILL'))
  t.equal((await stat(here.socket)).mode & 0o777, 0o600)
  await server.stop()

  const folder = await temporaryFolder(t)
  const deep = await makeInstallation(join(folder, 'd'.repeat(120)))
  const runtime = await mkdtemp(join(tmpdir(), 'gh-'))
  t.teardown(() => rm(runtime, { recursive: true }))
  const env = { XDG_RUNTIME_DIR: runtime }
  const second = startGatehouse(['serve', '--config', deep.file], { env })
  t.teardown(() => second.stop('SIGKILL'))
  await second.line(/ready/)
  t.notOk(existsSync(deep.socket))
  const added = await runGatehouse(['group', 'add', 'sales', '--config', deep.file], { env })
  t.match(added, { code: 0, stdout: 'added sales\n' })
  t.equal((await stat(join(runtime, `gatehouse-${process.getuid?.()}`))).mode & 0o777, 0o700)
  const { code, stderr } = await second.stop()
  t.equal(code, 0)
  t.match(stderr, /group\.add sales.*"from":"socket"/, 'the running server did it')
})

t.test('commands in processes of their own change what a running server serves, at once', async (t) => {
  const here = await makeInstallation(await temporaryFolder(t))
  const server = await here.serve()
  t.teardown(() => server.stop('SIGKILL'))
  const [, origin = ''] = server.stdout().match(/ready: (\S+)/) ?? []
  const status = async () =>
    (await createHttpClient().ask(`${origin}/`, { headers: { host: 'crm.contoso.localhost' } })).status
  t.equal(await status(), 421)
  await here.json(['group', 'add', 'sales'])
  await here.json(['user', 'add', 'alice@contoso.test', '--group', 'sales', '--password-stdin'], 'correct horse')
  await here.json(['trust', 'add', 'CRM', '--permit-group', 'sales'])
  const urls = ['--external-url', 'http://crm.contoso.localhost/', '--backend-url', 'http://crm.corp.test/']
  await here.json(['app', 'publish', 'CRM', ...urls, '--trust', 'CRM'])
  t.equal(await status(), 307, 'sent to sign in')
  await here.json(['app', 'remove', 'CRM'])
  t.equal(await status(), 421)
})
