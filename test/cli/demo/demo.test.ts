/** `gatehouse demo` as a person and a program meet it: what it prints, what it keeps, how it ends. */
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { DemoFile } from '../../../src/cli/demo/demo-file.ts'
import { freePort } from '../../lab/free-port.ts'
import { gatehouse, runGatehouse, startDemo, startGatehouse } from '../../lab/gatehouse.ts'
import { createHttpClient } from '../../lab/http-client.ts'
import { enter, lastOf, seenBy, signedIn } from '../../lab/round-trip.ts'
import { temporaryFolder } from '../../lab/temporary-folder.ts'

t.test(
  'prints a table of addresses and accounts, its last line once everything serves, and nothing else',
  async (t) => {
    const demo = await startDemo(join(temporaryFolder(t), 'demo'))
    const { program, file, folder } = demo
    t.equal((await createHttpClient().visit(demo.firstUrl)).status, 307, 'it serves when it says so')
    t.equal(demo.firstUrl, file.applications[0]?.url)
    const printed = program.stdout()
    for (const { url, name } of file.applications) t.match(printed, new RegExp(`^ +${name} +${url} `, 'm'))
    t.match(printed, /^ +alice@contoso\.test +demo-password +CRM, Wiki, News$/m)
    t.match(printed, /^ +bob@contoso\.test +demo-password +CRM, News$/m)
    t.match(printed, `${file.sts.url}/adfs/portal`)
    t.match(printed, folder)
    t.match(printed.trimEnd().split('\n').at(-1), /^Gatehouse is ready: http:\/\/crm\.contoso\.localhost:\d+\/$/)
    t.ok(printed.split('\n').every((line) => line.length < 160))
    const { code } = await program.stop('SIGINT')
    t.equal(code, 0, 'Ctrl-C is a clean end')
    t.equal(program.stderr(), '', 'no warning on the screen')
    t.equal(program.stdout(), printed, 'and no word more at the end')
  },
)

t.test('tells programs the same in demo.json', async (t) => {
  const demo = await startDemo(join(temporaryFolder(t), 'demo'))
  t.teardown(() => demo.program.stop())
  const { sts, applications, accounts } = demo.file
  t.match(sts.url, /^http:\/\/sts\.contoso\.localhost:\d+$/)
  t.equal(sts.issuer, 'http://sts.contoso.localhost/adfs/services/trust')
  const metadata = await createHttpClient().ask(sts.metadata)
  t.equal(metadata.status, 200)
  t.match(metadata.body, `entityID="${sts.issuer}"`)
  t.same(
    applications.map(({ name, kind }) => ({ name, kind })),
    [
      { name: 'CRM', kind: 'preauthenticated' },
      { name: 'Wiki', kind: 'preauthenticated' },
      { name: 'News', kind: 'pass-through' },
    ],
  )
  const port = new URL(sts.url).port
  for (const { url, kind, trust } of applications) {
    t.equal(new URL(url).port, port, 'one port for all')
    t.match(new URL(url).hostname, /\.contoso\.localhost$/)
    if (kind === 'preauthenticated') t.match(trust, /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
    else t.equal(trust, null)
  }
  t.same(accounts, [
    { upn: 'alice@contoso.test', password: 'demo-password', mayOpen: ['CRM', 'Wiki', 'News'] },
    { upn: 'bob@contoso.test', password: 'demo-password', mayOpen: ['CRM', 'News'] },
  ])
  for (const { upn, mayOpen } of accounts) {
    for (const { name, url } of applications) {
      const { status } = lastOf(await enter(createHttpClient(), url, upn))
      t.equal(status, mayOpen.includes(name) ? 200 : 403, `${upn} at ${name}`)
    }
  }
})

t.test(
  'keeps configuration, master key and data in its folder, for its owner only, and every command works on it',
  async (t) => {
    const demo = await startDemo(join(temporaryFolder(t), 'demo'))
    t.teardown(() => demo.program.stop())
    t.same(readdirSync(demo.folder).sort(), ['data', 'demo.json', 'gatehouse.log', 'gatehouse.yaml', 'master.key'])
    t.equal(statSync(demo.folder).mode & 0o777, 0o700)
    t.equal(statSync(join(demo.folder, 'master.key')).mode & 0o777, 0o600)
    const people = JSON.parse(await gatehouse(['user', 'list', '--json', '--config', demo.configurationFile]))
    t.same(
      people.map(({ upn }: { upn: string }) => upn),
      ['alice@contoso.test', 'bob@contoso.test'],
    )
    t.match(await gatehouse(['app', 'list', '--config', demo.configurationFile]), /CRM/)
    t.equal((await runGatehouse(['check', '--config', demo.configurationFile])).code, 0)
  },
)

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

t.test('with --tls it has an authority of its own, whose path it prints', async (t) => {
  const demo = await startDemo(temporaryFolder(t), ['--port', '0', '--tls'])
  t.teardown(() => demo.program.stop())
  t.match(demo.firstUrl, /^https:/)
  t.match(demo.program.stdout(), join(demo.folder, 'tls', 'ca.pem'))
  const alice = await signedIn(demo.url('CRM'), 'alice@contoso.test', { ca: demo.ca ?? '' })
  t.match(alice.jar.attributes(new URL(demo.url('CRM')), 'EdgeAccessCookie'), /Secure/i)
  t.match(await seenBy(alice, demo.url('Wiki')).catch(() => 'asks first'), 'asks first')
  t.equal((await runGatehouse(['check', '--config', demo.configurationFile])).code, 0)
})

t.test('without --data its folder is gone when it has ended', async (t) => {
  const temporary = temporaryFolder(t)
  const program = startGatehouse(['demo', '--port', '0'], { env: { TMPDIR: temporary } })
  await program.line(/^Gatehouse is ready/)
  t.equal(readdirSync(temporary).length, 1)
  const { code } = await program.stop('SIGTERM')
  t.equal(code, 0)
  t.same(readdirSync(temporary), [])
})

t.test('a stop while it starts is a clean end as well', async (t) => {
  const temporary = temporaryFolder(t)
  const program = startGatehouse(['demo', '--port', '0'], { env: { TMPDIR: temporary } })
  await appearsIn(temporary)
  const { code, stderr } = await program.stop('SIGINT')
  t.equal(code, 0, stderr)
  t.same(readdirSync(temporary), [])
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

t.test('wrong usage is one line too, and --help is help', async (t) => {
  const wrong = await runGatehouse(['demo', '--prot', '80'])
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, /^[^\n]*--prot[^\n]*\n$/)
  const help = await runGatehouse(['demo', '--help'])
  t.equal(help.code, 0)
  for (const word of ['--port', '--data', '--tls', 'Examples']) t.match(help.stdout, word)
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

async function appearsIn(folder: string): Promise<void> {
  while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
}
