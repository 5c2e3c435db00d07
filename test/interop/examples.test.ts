/** The examples are run as their readers run them. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { signIn, signInForm } from '../lab/forms.ts'
import { freePort } from '../lab/free-port.ts'
import { gatehouse, startDemo } from '../lab/gatehouse.ts'
import { createHttpClient } from '../lab/http-client.ts'
import { runProgram, startProgram } from '../lab/processes.ts'
import { signedIn } from '../lab/round-trip.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url))

t.test('a federation server inside a program', async (t) => {
  const port = await freePort()
  const program = startProgram(process.execPath, [example('federation-server'), String(port)], {
    env: { TMPDIR: temporaryFolder(t) },
  })
  t.teardown(() => program.stop())
  const [, portal = ''] = await program.line(/^Sign in at (\S+)$/)
  const [, metadata = '', trust = ''] = await program.line(/finds it by (\S+); the trust of CRM is (\S+)$/)
  t.equal((await createHttpClient().ask(metadata)).status, 200)
  t.match(trust, /^[0-9a-f-]{36}$/)
  const client = createHttpClient()
  const page = await client.visit(portal)
  t.match(page.body, 'Contoso')
  const [, home] = await client.follow(await signIn(client, page, 'alice@contoso.test', 'example-password'))
  t.equal(home?.status, 200)
  t.match(home?.body, 'https://crm.contoso.test/')
  t.notOk(home && signInForm(home))
  const { code, stderr } = await program.stop()
  t.equal(code, 0)
  t.equal(stderr, '')
})

t.test('an application behind the proxy, and a program that calls it', async (t) => {
  const demo = await startDemo(temporaryFolder(t))
  t.teardown(() => demo.program.stop())
  const port = await freePort()
  const application = startProgram(process.execPath, [example('application'), String(port)])
  t.teardown(() => application.stop())
  await application.line(/^The application listens/)
  const external = demo.url('News').replace('news', 'greeter')
  await gatehouse([
    ...['app', 'publish', 'Greeter', '--config', demo.configurationFile, '--external-url', external],
    ...['--backend-url', `http://greeter.backend.localhost:${port}/`, '--trust', 'CRM'],
    ...['--identity-header', 'X-Forwarded-User=upn'],
  ])
  t.equal((await createHttpClient().ask(`http://127.0.0.1:${port}/`)).status, 403, 'not without the proxy')

  const refused = await runProgram(process.execPath, [example('program'), external])
  t.equal(refused.code, 0, refused.stderr)
  t.match(refused.stdout, `Sign in at ${external.slice(0, -1)}`)
  const alice = await signedIn(external, 'alice@contoso.test')
  const admitted = await runProgram(process.execPath, [example('program'), external], {
    env: { ACCESS_COOKIE: alice.jar.header(new URL(external)) },
  })
  t.equal(admitted.stdout, '200 Hello alice@contoso.test\n\n')
})
t.end()
