/** `gatehouse demo` as a person and a program meet it: what it prints, what it keeps, how it ends. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gatehouse, runGatehouse, startDemo, startGatehouse } from '../../lab/gatehouse.ts'
import { createHttpClient } from '../../lab/http-client.ts'
import { runProgram } from '../../lab/processes.ts'
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
    const [, printed = ''] = /^ +Commands +npx node (.+)$/m.exec(demo.program.stdout()) ?? []
    const asPrinted = await runProgram(process.execPath, printed.split(' '))
    t.match(asPrinted.stdout, 'alice@contoso.test', 'the command that it prints')
    const people = JSON.parse(await gatehouse(['user', 'list', '--json', '--config', demo.configurationFile]))
    t.same(
      people.map(({ upn }: { upn: string }) => upn),
      ['alice@contoso.test', 'bob@contoso.test'],
    )
    t.match(await gatehouse(['app', 'list', '--config', demo.configurationFile]), /CRM/)
    t.equal((await runGatehouse(['check', '--config', demo.configurationFile])).code, 0)
  },
)

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

t.test('wrong usage is one line too, and --help is help', async (t) => {
  const wrong = await runGatehouse(['demo', '--prot', '80'])
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, /^[^\n]*--prot[^\n]*\n$/)
  const help = await runGatehouse(['demo', '--help'])
  t.equal(help.code, 0)
  for (const word of ['--port', '--data', '--tls', 'Examples']) t.match(help.stdout, word)
})

async function appearsIn(folder: string): Promise<void> {
  while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
}
