/** `gatehouse demo --kerberos`: from a browser's first request to a web server that takes Kerberos tickets alone. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gatehouse, runGatehouse, startDemo } from '../lab/gatehouse.ts'
import { createHttpClient } from '../lab/http-client.ts'
import { runProgram } from '../lab/processes.ts'
import { enter, lastOf, type Seen, seenBy, signedIn } from '../lab/round-trip.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

/** The programs whose command line names a path. */
function programsOf(path: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const words = readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0')
      return /^\d+$/.test(pid) && words.some((word) => word.includes(path))
        ? [readlinkSync(join('/proc', pid, 'exe'))]
        : []
    } catch {
      return []
    }
  })
}

t.test('a Kerberos-only application shows the person it saw, and nobody is there in another’s name', async (t) => {
  const folder = join(temporaryFolder(t), 'demo')
  const demo = await startDemo(folder, ['--port', '0', '--kerberos'])
  t.teardown(() => demo.program.stop())
  const { file } = demo
  const intranet = demo.url('Intranet')
  t.match(file.applications.at(-1), { name: 'Intranet', kind: 'kerberos', url: intranet, trust: /^[0-9a-f-]{36}$/ })
  t.same(
    file.applications.map(({ kind }) => kind),
    ['preauthenticated', 'preauthenticated', 'pass-through', 'kerberos'],
  )
  t.match(file.accounts, [{ mayOpen: ['CRM', 'Wiki', 'News', 'Intranet'] }, { mayOpen: ['CRM', 'News', 'Intranet'] }])
  t.match(demo.program.stdout(), /^ +Kerberos +KRB5_CONFIG=\S+ kinit alice$/m)

  await t.test('the web server takes nobody without a ticket', async (t) => {
    const { port } = new URL(file.applications.at(-1)?.backend ?? '')
    const bare = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-remote-user': 'alice@CONTOSO.TEST' } })
    t.equal(bare.status, 401)
    t.match(bare.headers.get('www-authenticate'), /^Negotiate/)
  })

  await t.test('each person is seen as themselves, one after the other and all at once', async (t) => {
    const people = ['alice', 'bob'] as const
    const clients = await Promise.all(people.map((name) => signedIn(intranet, `${name}@contoso.test`)))
    for (const [index, name] of people.entries()) {
      const client = clients[index] as NonNullable<(typeof clients)[number]>
      const page = await client.visit(intranet)
      t.equal(page.status, 200)
      t.match(page.body, `<span id="user">${name}@CONTOSO.TEST</span>`)
      t.match(page.body, 'A Kerberos ticket said so')
    }
    const seen = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const client = clients[index % 2] as NonNullable<(typeof clients)[number]>
        const path = `a/b%2fc?n=${index}`
        return { name: people[index % 2], path, seen: await seenBy(client, new URL(path, intranet)) }
      }),
    )
    for (const { name, path, seen: one } of seen) {
      const { user, url, headers } = one as Seen & { user: string }
      t.equal(user, `${name}@CONTOSO.TEST`)
      t.equal(url, `/${path}`)
      t.notOk(headers['authorization'], 'the ticket goes no further than the web server')
    }
  })

  await t.test('whoever may not be delegated gets a page with a reason, and the others go on', async (t) => {
    const config = ['--config', demo.configurationFile]
    const bob = await signedIn(intranet, 'bob@contoso.test')
    await gatehouse(['user', 'disable-delegation', 'bob@contoso.test', ...config])
    t.notSame((await bob.visit(intranet)).status, 200, 'what he was let in with is worth nothing any more')
    const refused = lastOf(await enter(createHttpClient(), intranet, 'bob@contoso.test'))
    t.equal(refused.status, 403)
    t.notMatch(refused.body, /CONTOSO\.TEST/)
    t.equal(lastOf(await enter(createHttpClient(), demo.url('CRM'), 'bob@contoso.test')).status, 200)
    const alice = await signedIn(intranet, 'alice@contoso.test')
    t.match((await alice.visit(intranet)).body, 'alice@CONTOSO.TEST')
    const check = await runGatehouse(['app', 'check', 'Intranet', '--as', 'bob@contoso.test', ...config])
    t.match(check, { code: 1, stdout: /cannot enter Intranet: it fails at delegatable/ })
    await gatehouse(['user', 'enable-delegation', 'bob@contoso.test', ...config])
    const again = await signedIn(intranet, 'bob@contoso.test')
    t.match((await again.visit(intranet)).body, 'bob@CONTOSO.TEST')
  })

  await t.test('an administrator’s commands work on it', async (t) => {
    const config = ['--config', demo.configurationFile]
    t.match(
      await gatehouse(['app', 'check', 'Intranet', '--as', 'alice@contoso.test', ...config]),
      /can enter Intranet/,
    )
    t.match(await gatehouse(['kcd', 'keytab', 'list', ...config]), 'HTTP/gateway.contoso.test@CONTOSO.TEST')
    t.equal((await runGatehouse(['check', ...config])).code, 0)
    const kerberos = { KRB5_CONFIG: join(folder, 'kerberos/krb5.conf'), KRB5CCNAME: `FILE:${join(folder, 'ccache')}` }
    const kinit = await runProgram('/usr/bin/kinit', ['alice'], { env: kerberos, input: 'demo-password\n' })
    t.equal(kinit.code, 0, kinit.stderr)
    t.equal(statSync(join(folder, 'kerberos')).mode & 0o777, 0o700)
  })

  t.same(
    programsOf(join(folder, 'kerberos'))
      .map((path) => path.replace(/.*\//, ''))
      .sort(),
    ['krb5kdc', 'slapd'],
  )
  const { code, stderr } = await demo.program.stop('SIGINT')
  t.equal(code, 0)
  t.equal(stderr, '')
  t.same(programsOf(join(folder, 'kerberos')), [], 'nothing of it runs on')
  t.same(programsOf('gatehouse-demo-apache-'), [])

  await t.test('it goes on with its folder, and without Kerberos where that is asked for', async (t) => {
    const next = await startDemo(folder)
    t.teardown(() => next.program.stop())
    const alice = await signedIn(next.url('Intranet'), 'alice@contoso.test')
    t.match((await alice.visit(next.url('Intranet'))).body, 'alice@CONTOSO.TEST')
    await next.program.stop()
    const without = await startDemo(folder, ['--port', '0', '--no-kerberos'])
    t.teardown(() => without.program.stop())
    t.same(
      without.file.applications.map(({ name }) => name),
      ['CRM', 'Wiki', 'News'],
    )
    t.notMatch(readFileSync(without.configurationFile, 'utf8'), 'kerberos')
    t.equal(lastOf(await enter(createHttpClient(), without.firstUrl, 'alice@contoso.test')).status, 200)
    await without.program.stop()
    const again = await startDemo(folder, ['--port', '0', '--kerberos', '--tls'])
    t.teardown(() => again.program.stop())
    const secure = await signedIn(again.url('Intranet'), 'alice@contoso.test', { ca: again.ca ?? '' })
    t.match((await secure.visit(again.url('Intranet'))).body, 'alice@CONTOSO.TEST')
    await again.program.stop()
  })
})
