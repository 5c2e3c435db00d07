/**
 * Integrated sign-in with a real key distribution centre: curl and Chromium on computers that somebody has signed in at
 * the directory, and on computers that nobody has.
 */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseDocument } from 'yaml'
import type { IntegratedSignInOptions } from '../../src/sts/sign-in/integrated/integrated-sign-in-options.ts'
import { startWithOwnProfile } from '../lab/chromium.ts'
import { signIn } from '../lab/forms.ts'
import { startDemo } from '../lab/gatehouse.ts'
import { createHttpClient } from '../lab/http-client.ts'
import { insideRealmName, neighbourPrincipal, startInsideRealm, stsPrincipal } from '../lab/kerberos/inside-realm.ts'
import { runProgram } from '../lab/processes.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'
import {
  alertOf,
  alice,
  bob,
  claimsOf,
  crmUrl,
  password,
  startFederationServer,
  tokenIn,
} from '../sts/running-federation-server.ts'

const realm = await startInsideRealm(t)
const alicesComputer = await realm.signInAtComputer('alice')
const bobsComputer = await realm.signInAtComputer('bob')

// Accepting needs a keytab and nothing else: no krb5.conf, no name of a realm, no KDC.
process.env['KRB5_CONFIG'] = '/dev/null'
process.env['KRB5RCACHEDIR'] = realm.folder

const inside = {
  keytab: realm.stsKeytab,
  principal: stsPrincipal,
  networks: ['127.0.0.0/8', '::1'],
  upnSuffixes: { [insideRealmName]: 'contoso.test' },
}
const windowsMethod = 'urn:federation:authentication:windows'

const startServer = (t: Test, options: Partial<IntegratedSignInOptions> = {}, trustedProxies?: string[]) =>
  startFederationServer(t, { integratedSignIn: { ...inside, ...options }, ...(trustedProxies && { trustedProxies }) })

type Server = Awaited<ReturnType<typeof startServer>>

async function curl(computer: Record<string, string>, ...words: string[]) {
  const report = '\n%{http_code} %{num_redirects} %{url_effective}'
  const always = ['--silent', '--show-error', '--max-time', '20', '--noproxy', '*', '--include', '--write-out', report]
  const { code, stdout, stderr } = await runProgram('curl', [...always, ...words], { env: computer })
  if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`)
  const at = stdout.lastIndexOf('\n')
  const [status, redirects, url] = stdout.slice(at + 1).split(' ')
  return { status: Number(status), redirects: Number(redirects), url, text: stdout.slice(0, at) }
}

const negotiating = ['--negotiate', '--user', ':']

/** The token that a browser would send to a host of the lab. */
async function tokenFrom(computer: Record<string, string>, host = 'sts.contoso.localhost'): Promise<string> {
  const asked: IncomingMessage[] = []
  const listener = createServer((request, response) => {
    asked.push(request)
    response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end()
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  await curl(computer, ...negotiating, `http://${host}:${port}/`)
  listener.close()
  const header = asked.map(({ headers }) => headers.authorization).find((text) => text !== undefined)
  if (header === undefined) throw new Error('curl sent no token')
  return header
}

const eventsOf = ({ server }: Server) =>
  server.audit.list({ limit: 20 }).map(({ event, code, who }) => ({ event, code, who }))

/** A person's navigation with this token. */
const visitWith = (url: string, authorization: string, headers: Record<string, string> = {}) =>
  createHttpClient().visit(url, { headers: { authorization, ...headers } })

const showsForm = (
  t: Test,
  { status, body, headers }: { status: number; body: string; headers: Record<string, unknown> },
) => {
  t.equal(status, 200)
  t.match(body, /type="password"/)
  t.equal(headers['www-authenticate'], undefined)
  t.notOk(String(headers['set-cookie']).includes('SsoSession'))
}

t.test('the demo with integrated sign-in', async (t) => {
  const folder = temporaryFolder(t)
  const first = await startDemo(folder)
  await first.program.stop()
  const configuration = parseDocument(await readFile(first.configurationFile, 'utf8'))
  configuration.setIn(['sts', 'integratedSignIn'], inside)
  await writeFile(first.configurationFile, String(configuration))
  const demo = await startDemo(folder, [])
  t.teardown(() => demo.program.stop())
  const crm = demo.url('CRM')

  await t.test('curl gets to the application without a form', async (t) => {
    const jar = join(folder, 'alice.cookies')
    const answer = await curl(
      alicesComputer,
      ...negotiating,
      '--location-trusted',
      '--cookie-jar',
      jar,
      '--cookie',
      jar,
      `${crm}orders`,
    )
    t.match(answer, { status: 200, url: `${crm}orders` })
    t.match(answer.text, 'alice@contoso.test')
  })

  await t.test('curl without a ticket gets the form with the challenge', async (t) => {
    const answer = await curl(realm.strangeComputer, ...negotiating, '--location-trusted', crm)
    t.equal(answer.status, 401)
    t.match(answer.text, /^www-authenticate: Negotiate\r$/im)
    t.match(answer.text, /type="password"/)
  })

  await t.test(
    'Chromium opens the application at once where somebody is signed in, and asks where nobody is',
    async (t) => {
      const startBrowser = async (name: string, environment: Record<string, string>, userAgent?: string) => {
        const words = ['--auth-server-allowlist=*.contoso.localhost']
        const options = { words, environment, ...(userAgent !== undefined && { userAgent }) }
        const person = await startWithOwnProfile(join(folder, name), options)
        t.teardown(() => person.close())
        return person.newPage()
      }
      const page = await startBrowser('alice', alicesComputer)
      await page.goto(`${crm}orders`)
      t.equal(page.url(), `${crm}orders`)
      t.match(await page.content(), 'alice@contoso.test')
      await page.goto(demo.url('Wiki'))
      t.equal(page.url(), demo.url('Wiki'))

      const phone = await startBrowser('phone', alicesComputer, 'Mozilla/5.0 (Linux; Android 15; K) Mobile')
      const landed = await phone.goto(crm)
      t.equal(landed?.status(), 200, 'a browser that is not named is asked for nothing')
      t.ok(await phone.locator('input[type=password]').isVisible())

      const stranger = await startBrowser('stranger', realm.strangeComputer)
      const asked = await stranger.goto(`${crm}orders`)
      t.equal(asked?.status(), 401)
      t.equal(new URL(stranger.url()).origin, demo.file.sts.url)
      await stranger.locator('input[type=text]').fill('bob@contoso.test')
      await stranger.locator('input[type=password]').fill('demo-password')
      await stranger.locator('button[type=submit]').click()
      await stranger.waitForURL(`${crm}orders`)
      t.match(await stranger.content(), 'bob@contoso.test')
    },
  )
})

t.test('a good ticket signs its person in, with a new session and a token that says how', async (t) => {
  const running = await startServer(t)
  const { server, edgeAddress, crm } = running
  const client = createHttpClient()
  const address = edgeAddress(crm, crmUrl)
  const offered = await client.visit(address)
  t.equal(offered.status, 401)
  t.equal(offered.headers['www-authenticate'], 'Negotiate')
  t.match(offered.body, /type="password"/)
  const answer = await client.visit(address, { headers: { authorization: await tokenFrom(alicesComputer) } })
  t.equal(answer.status, 302)
  t.match(answer.headers['www-authenticate'], /^Negotiate [\w+/=]+$/, 'the server proves itself, too')
  t.match(claimsOf(tokenIn(answer)), { upn: alice, authmethod: windowsMethod })
  const names = answer.setCookies.map((line) => line.slice(0, line.indexOf('='))).sort()
  t.strictSame(names, ['SignInForm', 'SsoSession'], 'the device does not become a familiar one')
  t.notMatch(
    answer.setCookies.find((line) => line.startsWith('SsoSession')),
    /Max-Age/,
  )
  const [session] = server.sessions.list(new Date())
  t.match(session, { upn: alice, methods: [windowsMethod], persistent: false })
  t.match(
    server.audit.list({ limit: 5 }).find(({ event }) => event === 'sign-in'),
    {
      who: alice,
      result: 'success',
      detail: { method: windowsMethod, sid: session?.sid ?? '' },
    },
  )
  t.equal((await client.visit(address)).status, 302, 'from here on the session counts')
  t.equal(server.sessions.list(new Date()).length, 1)
})

t.test('what is not good enough ends in the form, and says why in the audit trail alone', async (t) => {
  const running = await startServer(t)
  const { server, url } = running
  const portal = `${url}/adfs/portal`
  const refuses = async (what: string, authorization: string, code: string, who?: string) => {
    const answer = await visitWith(portal, authorization)
    showsForm(t, answer)
    t.notMatch(answer.body, /ticket|kerberos|gss|realm/i, what)
    t.match(eventsOf(running)[0], { event: 'sign-in-refused', code, ...(who && { who }) }, what)
  }
  const used = await tokenFrom(alicesComputer)
  t.equal((await visitWith(portal, used)).status, 200)
  t.equal(server.sessions.list(new Date()).length, 1)
  await refuses('a token for the second time', used, 'negotiate-refused')

  const spoilt = Buffer.from((await tokenFrom(alicesComputer)).slice('Negotiate '.length), 'base64')
  spoilt[spoilt.length - 20] = (spoilt.at(-20) ?? 0) ^ 1
  await refuses('a changed token', `Negotiate ${spoilt.toString('base64')}`, 'negotiate-refused')
  await refuses(
    'a ticket for a neighbour whose keys lie in the same keytab',
    await tokenFrom(alicesComputer, neighbourPrincipal.slice('HTTP/'.length)),
    'negotiate-refused',
  )
  await refuses('NTLM', `Negotiate ${Buffer.from('NTLMSSP\0\x01\0\0\0').toString('base64')}`, 'negotiate-ntlm')
  await refuses('no token', 'Negotiate', 'negotiate-malformed')
  const carol = await tokenFrom(await realm.signInAtComputer('carol'))
  await refuses('somebody unknown here', carol, 'person-unknown', `carol@${insideRealmName}`)
  const admin = await tokenFrom(await realm.signInAtComputer('alice/admin'))
  await refuses('a second account', admin, 'negotiate-principal', `alice/admin@${insideRealmName}`)
  await server.people.setEnabled(bob, false)
  await refuses('somebody disabled', await tokenFrom(bobsComputer), 'person-disabled', `bob@${insideRealmName}`)
  t.equal(server.sessions.list(new Date()).length, 1, 'nobody else was signed in')

  const client = createHttpClient()
  const page = await client.visit(portal, { headers: { authorization: carol } })
  const answer = await signIn(client, page, alice, password)
  t.equal(answer.status, 303, 'the form works on')
})

t.test('where no suffix is set the realm of the service is the suffix of its people', async (t) => {
  const running = await startServer(t, { upnSuffixes: { 'FABRIKAM.TEST': 'contoso.test' } })
  await running.server.people.add({ upn: 'alice@contoso.localhost', password })
  const own = await visitWith(`${running.url}/adfs/portal`, await tokenFrom(alicesComputer))
  t.match(own.body, 'alice@contoso.localhost', 'whatever is set for other realms')
})

t.test('nobody outside is offered it, and no ticket of theirs is looked at', async (t) => {
  const far = await startServer(t, { networks: ['192.0.2.0/24', '2001:db8::/32'] })
  showsForm(t, await far.browser().visit(`${far.url}/adfs/portal`))
  showsForm(t, await visitWith(`${far.url}/adfs/portal`, await tokenFrom(alicesComputer)))
  t.strictSame(eventsOf(far), [])

  const near = await startServer(t)
  const portal = `${near.url}/adfs/portal`
  for (const headers of [
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-for': '203.0.113.7' },
    { forwarded: 'for=127.0.0.1' },
    { via: '1.1 edge' },
    { 'x-forwarded-host': 'sts.contoso.localhost' },
    { 'x-ms-proxy': 'WAP' },
    { 'user-agent': 'Mozilla/5.0 (Linux; Android 15; K) Mobile' },
    { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
  ]) {
    const authorization = await tokenFrom(alicesComputer)
    showsForm(t, await near.browser().visit(portal, { headers: { ...headers, authorization } }))
  }
  t.strictSame(eventsOf(near), [])
  t.strictSame(near.server.sessions.list(new Date()), [])
  t.equal((await near.browser().visit(portal)).status, 401, 'without all that it is offered')
})

t.test('behind a trusted proxy it counts whom the proxy names, and a proxy that names nobody is nobody', async (t) => {
  const { url } = await startServer(t, { networks: ['192.0.2.0/24'] }, ['127.0.0.1', '192.0.2.80'])
  const portal = `${url}/adfs/portal`
  const status = async (headers: Record<string, string>) => (await createHttpClient().visit(portal, { headers })).status
  t.equal(await status({ 'x-forwarded-for': '192.0.2.9' }), 401)
  t.equal(await status({ 'x-forwarded-for': '192.0.2.9', 'x-forwarded-proto': 'https' }), 401)
  t.equal(await status({ 'x-forwarded-for': '192.0.2.9, 192.0.2.80' }), 401)
  t.equal(await status({ 'x-forwarded-for': '203.0.113.7' }), 200)
  t.equal(await status({ 'x-forwarded-for': '203.0.113.7, 192.0.2.9' }), 200, 'the publishing proxy lies inside itself')
  t.equal(await status({ 'x-forwarded-for': '192.0.2.9', 'x-ms-proxy': 'WAP' }), 200)
  t.equal(await status({ 'x-forwarded-for': 'somebody' }), 200)
  t.equal(await status({}), 200)
})

t.test('one address has so many tries', async (t) => {
  const running = await startServer(t)
  const portal = `${running.url}/adfs/portal`
  for (let tries = 0; tries < 20; tries += 1) showsForm(t, await visitWith(portal, 'Negotiate AAAA'))
  t.equal(running.server.audit.list({ limit: 100 }).length, 20)
  showsForm(t, await running.browser().visit(portal))
  showsForm(t, await visitWith(portal, await tokenFrom(alicesComputer)))
  t.equal(running.server.audit.list({ limit: 100 }).length, 20)
})

t.test('many at once are all let in', async (t) => {
  const { url } = await startServer(t)
  const tokens: string[] = []
  while (tokens.length < 24) tokens.push(await tokenFrom(alicesComputer))
  const answers = await Promise.all(tokens.map((token) => visitWith(`${url}/adfs/portal`, token)))
  for (const { body } of answers) t.match(body, alice)
})

t.test('a posted form is judged by what stands in it, whatever ticket came along', async (t) => {
  const running = await startServer(t)
  const client = createHttpClient()
  const page = await client.visit(`${running.url}/adfs/portal`)
  const wrong = await signIn(
    createHttpClient({ jar: client.jar, headers: { authorization: await tokenFrom(alicesComputer) } }),
    page,
    alice,
    'wrong',
  )
  t.equal(wrong.status, 200)
  t.ok(alertOf(wrong))
  t.strictSame(running.server.sessions.list(new Date()), [])
})
