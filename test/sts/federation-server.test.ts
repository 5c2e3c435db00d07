import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { setImmediate as loopTurn } from 'node:timers/promises'
import t from 'tap'
import { createFederationServer } from '../../src/sts/federation-server.ts'
import { signIn } from '../lab/forms.ts'
import { alice, crmUrl, password, requestId, startFederationServer } from './running-federation-server.ts'

const masterKey = createSecretKey(randomBytes(32))
const url = 'https://sts.contoso.test'

for (const { name, options } of [
  { name: 'an address with a path', options: { url: `${url}/adfs` } },
  { name: 'an address that is none', options: { url: 'sts.contoso.test' } },
  { name: 'an address of another scheme', options: { url: 'ftp://sts.contoso.test' } },
  { name: 'an address with a user', options: { url: 'https://a@sts.contoso.test' } },
  { name: 'neither folder nor database', options: { folder: undefined } },
  { name: 'a master key that is not secret', options: { masterKey: generateKeyPairSync('ed25519').privateKey } },
  { name: 'no language', options: { languages: [] } },
  { name: 'a language that there are no texts for', options: { languages: ['xx' as 'en'] } },
  { name: 'a lifetime of nothing', options: { ssoLifetime: 0 } },
  { name: 'a lifetime that is no number', options: { persistentLifetime: Number.NaN } },
  { name: 'a colour that is none', options: { branding: { accentColor: 'blue' } } },
]) {
  t.test(`refuses ${name} when it is built`, async (t) => {
    await t.rejects(createFederationServer({ url, folder: t.testdir(), masterKey, ...options }), TypeError)
  })
}

t.test('takes up where it was closed: people, trusts, sessions, keys', async (t) => {
  const folder = t.testdir()
  const first = await createFederationServer({ url, folder, masterKey })
  const person = await first.people.add({ upn: alice, password })
  const { secret } = await first.sessions.start({ person, methods: ['x'], persistent: false, now: new Date() })
  const { kid } = first.keys.current()
  await first.close()
  await first.close()
  t.notOk(first.ready())

  const second = await createFederationServer({ url, folder, masterKey })
  t.teardown(() => second.close())
  t.ok(second.ready())
  t.equal(second.sessions.find(secret, new Date())?.upn, alice)
  t.equal(second.keys.current().kid, kid)
  t.equal(second.issuer, 'http://sts.contoso.test/adfs/services/trust')
})

t.test('a start that fails half-way leaves nothing open', async (t) => {
  const folder = t.testdir()
  await (await createFederationServer({ url, folder, masterKey })).close()
  const other = createSecretKey(randomBytes(32))
  await t.rejects(createFederationServer({ url, folder, masterKey: other }), { name: 'StsError', code: 'master-key' })
  const again = await createFederationServer({ url, folder, masterKey })
  t.ok(again.ready())
  await again.close()
})

t.test('security headers are on every answer, errors too', async (t) => {
  const {
    server,
    url: base,
    crm,
    edgeAddress,
    browser,
    signedIn,
  } = await startFederationServer(t, {
    applications: () => {
      throw new Error('secret detail')
    },
  })
  const client = await signedIn(alice)
  const refused = await server.trusts.add({ name: 'Nobody', publishedAddresses: ['https://nobody.contoso.test/'] })
  const pages = [
    { status: 200, answer: await browser().visit(`${base}/adfs/portal`) },
    { status: 200, answer: await browser().visit(edgeAddress(crm, crmUrl)) },
    { status: 400, answer: await browser().visit(`${base}/adfs/ls`) },
    { status: 403, answer: await client.visit(edgeAddress(refused, 'https://nobody.contoso.test/')) },
    { status: 404, answer: await browser().visit(`${base}/nothing?x=<script>`) },
    { status: 405, answer: await browser().ask(`${base}/adfs/portal`, { method: 'PUT' }) },
    { status: 500, answer: await client.visit(`${base}/adfs/portal`) },
    { status: 200, answer: await browser().visit(`${base}/adfs/ls?wa=wsignout1.0`) },
  ]
  for (const { status, answer } of pages) {
    t.equal(answer.status, status)
    const policy = String(answer.headers['content-security-policy'])
    t.match(policy, /^default-src 'none'; style-src 'self'; img-src 'self'; form-action /)
    t.match(policy, "frame-ancestors 'none'; base-uri 'none'")
    t.notMatch(policy, /unsafe|\*/)
    t.match(answer.headers, {
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'client-request-id': /^[0-9A-F-]{36}$/,
    })
    t.equal(answer.headers['x-powered-by'], undefined)
    t.equal(answer.headers.etag, undefined)
    t.equal(answer.headers['strict-transport-security'], undefined, 'not on plain http')
    t.notMatch(answer.body, /secret detail|\.ts\b|node_modules|<script/)
  }
})

t.test('where browsers come by https, cookies and headers are made for it', async (t) => {
  const { port, browser, crm, edgeAddress } = await startFederationServer(t, { url: 'https://sts.contoso.test' })
  const base = `http://localhost:${port}`
  const page = await browser().ask(edgeAddress(crm, crmUrl).replace(/^http:\/\/[^/]*/, base))
  t.equal(page.headers['strict-transport-security'], 'max-age=31536000')
  t.match(page.setCookies[0], /^__Host-SignInForm=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
  const token = page.body.match(/name="FormToken" value="([^"]+)"/)?.[1] ?? ''
  const answer = await browser().ask(`${base}/adfs/portal`, {
    form: { UserName: alice, Password: password, FormToken: token },
    headers: { cookie: page.setCookies[0]?.split(';')[0] ?? '', origin: 'https://sts.contoso.test' },
  })
  t.equal(answer.status, 303)
  t.match(answer.setCookies[0], /^__Host-SsoSession=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
  t.notOk(answer.setCookies.some((line) => /domain/i.test(line)))
})

t.test('keys and metadata are public, cached, and cheap to ask for again', async (t) => {
  const { server, url: base, browser } = await startFederationServer(t)
  const ask = browser().ask
  for (const { path, type } of [
    { path: '/FederationMetadata/2007-06/FederationMetadata.xml', type: 'application/xml; charset=utf-8' },
    { path: '/adfs/discovery/keys', type: 'application/json' },
  ]) {
    const whole = await ask(base + path)
    t.equal(whole.status, 200)
    t.equal(whole.headers['content-type'], type)
    t.match(whole.headers['cache-control'], /^public, max-age=\d+$/)
    const etag = String(whole.headers.etag)
    const again = await ask(base + path, { headers: { 'if-none-match': etag } })
    t.same([again.status, again.body, again.headers.etag], [304, '', etag])
    const head = await ask(base + path, { method: 'HEAD' })
    t.same([head.status, head.body, head.headers['content-length']], [200, '', String(Buffer.byteLength(whole.body))])
    const range = await ask(base + path, { headers: { range: 'bytes=0-0' } })
    t.same([range.status, range.body], [200, whole.body])
    await server.keys.rotate({ now: new Date() })
    const changed = await ask(base + path, { headers: { 'if-none-match': etag } })
    t.equal(changed.status, 200, 'a new key is seen')
    t.not(changed.headers.etag, etag)
    t.notMatch(changed.body, /"d"|PRIVATE/)
    await server.keys.rotate({ immediately: true, now: new Date() })
  }
  t.match((await ask(`${base}/FederationMetadata/2007-06/FederationMetadata.xml`)).body, server.issuer)
  t.equal((await ask(`${base}/adfs/discovery/keys`)).json<{ keys: unknown[] }>().keys.length, 1)
})

t.test('health, readiness, robots', async (t) => {
  const { server, url: base, browser } = await startFederationServer(t)
  const ask = browser().ask
  t.equal((await ask(`${base}/healthz`)).status, 200)
  t.equal((await ask(`${base}/readyz`)).status, 200)
  for (const path of ['healthz', 'readyz', 'robots.txt', 'adfs/discovery/keys', '']) {
    const { headers } = await ask(`${base}/${path}`)
    t.match(headers['content-security-policy'], /^default-src 'none'; .*frame-ancestors 'none'/, path)
  }
  t.match((await ask(`${base}/robots.txt`)).body, 'Disallow: /')
  await server.close()
  t.equal((await ask(`${base}/readyz`)).status, 503)
  t.equal((await ask(`${base}/healthz`)).status, 200)
})

t.test('not ready: a database that refuses writes, a signing certificate that has ended', async (t) => {
  const { server, url: base, browser } = await startFederationServer(t)
  const status = async (path: string) => (await browser().ask(`${base}/${path}`)).status
  const { database, keys } = server
  const statement = database.query.selectFrom('settings').select('name').compile()
  const pragma = (sql: string) => database.read({ compile: () => ({ ...statement, sql, parameters: [] }) })
  pragma('pragma query_only = true')
  t.equal((await signIn(browser(), await browser().visit(`${base}/adfs/portal`), alice, 'wrong')).status, 500)
  t.same([await status('readyz'), await status('healthz')], [503, 200])
  t.notOk(server.ready())
  pragma('pragma query_only = false')
  while ((await status('readyz')) === 503) await loopTurn()
  t.ok(server.ready())

  const { published } = keys
  keys.published = () => published().map((key) => ({ ...key, notAfter: new Date(Date.now() - 1) }))
  t.equal(await status('readyz'), 503)
  keys.published = published
  t.equal(await status('readyz'), 200)
})

t.test('pictures and styles come from ourselves, by addresses that change with them', async (t) => {
  const { url: base, browser } = await startFederationServer(t, {
    branding: { title: 'Contoso <Ltd>', footer: 'Help: "1234"', accentColor: '#a51d2d' },
  })
  const page = await browser().visit(`${base}/adfs/portal`)
  t.match(page.body, 'Contoso &lt;Ltd&gt;')
  t.match(page.body, 'Help: &quot;1234&quot;')
  const addresses = [...page.body.matchAll(/(?:href|src)="(\/adfs\/portal\/assets\/[^"]+)"/g)].map(([, path]) => path)
  t.equal(new Set(addresses).size, 2)
  for (const path of addresses) {
    const answer = await browser().ask(base + path)
    t.equal(answer.status, 200)
    t.match(answer.headers['cache-control'], 'immutable')
    t.match(answer.headers['content-type'], /^(text\/css|image\/svg\+xml)/)
    t.match(answer.body, '#a51d2d')
    t.match(answer.headers['content-security-policy'], /^default-src 'none';/, 'opened by itself it runs nothing')
  }
  t.equal((await browser().ask(`${base}/adfs/portal/assets/../../../etc/passwd`)).status, 404)
})

t.test('one request id goes through page, header, log and audit trail', async (t) => {
  const { server, url: base, browser, logged } = await startFederationServer(t)
  const client = browser({ 'client-request-id': requestId.toLowerCase() })
  const answer = await signIn(client, await client.visit(`${base}/adfs/portal`), alice, password)
  t.equal(answer.headers['client-request-id'], requestId.toLowerCase())
  t.equal(server.audit.list({ event: 'sign-in' })[0]?.requestId, requestId.toLowerCase())
  t.equal(logged[0]?.fields['requestId'], requestId.toLowerCase())
  const forged = await browser({ 'client-request-id': '<b>' }).visit(`${base}/nothing`)
  t.match(forged.headers['client-request-id'], /^[0-9A-F-]{36}$/)
  t.match(forged.body, String(forged.headers['client-request-id']))
})
