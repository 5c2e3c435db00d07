import t from 'tap'
import { formsOf, signInForm, submit } from '../../lab/forms.ts'
import { alice, bob, claimsOf, crmUrl, startFederationServer, tokenIn } from '../running-federation-server.ts'

t.test('the button ends the session at the server and clears the cookies', async (t) => {
  const { server, url, crm, edgeAddress, signedIn } = await startFederationServer(t)
  const client = await signedIn(alice)
  const issuedAt = new Date(Number(claimsOf(tokenIn(await client.visit(edgeAddress(crm, crmUrl))))['iat']) * 1000)
  const [session] = server.sessions.list(new Date())
  const stolen = client.jar.all(new URL(url))['SsoSession'] ?? ''
  const page = await client.visit(`${url}/adfs/portal`)
  const [form] = formsOf(page)
  if (form === undefined) throw new Error('no sign-out button')
  const answer = await submit(client, page, form)
  t.equal(answer.status, 303)
  t.equal(answer.location().host, new URL(url).host)
  const last = (await client.follow(answer)).at(-1)
  t.equal(last?.status, 200)
  t.match(last?.body, 'You are signed out')
  t.same(Object.keys(client.jar.all(new URL(url))), ['FamiliarDevice'])
  t.ok(server.sessions.ended.isEnded({ sid: session?.sid ?? '', issuedAt }), 'the edge knows')
  client.jar.put(new URL(url), 'SsoSession', stolen)
  t.ok(signInForm(await client.visit(`${url}/adfs/portal`)), 'the old cookie is worth nothing')
  t.match(server.audit.list({ event: 'sign-out' }), [{ who: alice, result: 'success' }])
})

t.test('one browser signs out, another one of the same person stays signed in', async (t) => {
  const { server, url, signedIn } = await startFederationServer(t)
  const [one, other] = [await signedIn(alice), await signedIn(alice)]
  await one.visit(`${url}/adfs/ls?wa=wsignout1.0`)
  t.ok(signInForm(await one.visit(`${url}/adfs/portal`)))
  t.notOk(signInForm(await other.visit(`${url}/adfs/portal`)))
  t.equal(server.sessions.list(new Date()).length, 1)
})

t.test('a session that has expired is ended all the same: its tokens may be alive', async (t) => {
  const { server, url, crm, edgeAddress, signedIn } = await startFederationServer(t)
  const client = await signedIn(alice)
  const { sid, iat } = claimsOf(tokenIn(await client.visit(edgeAddress(crm, crmUrl))))
  const { database } = server
  const secret = client.jar.all(new URL(url))['SsoSession'] ?? ''
  const known = server.sessions.known(secret)
  t.equal(known?.sid, sid)
  const { find } = server.sessions
  server.sessions.find = (given) => find(given, new Date(Date.now() + 9 * 3_600_000))
  t.ok(signInForm(await client.visit(`${url}/adfs/portal`)), 'nobody is signed in')
  const answer = await client.visit(`${url}/adfs/ls?wa=wsignout1.0`)
  t.equal(answer.status, 200)
  t.ok(server.sessions.ended.isEnded({ sid: String(sid), issuedAt: new Date(Number(iat) * 1000) }))
  t.match(server.audit.list({ event: 'sign-out' }), [{ who: alice, detail: { sid } }])
  t.same(database.read(database.query.selectFrom('sessions').selectAll()), [])
})

t.test('every session that the browser holds is ended, not just the one that counted', async (t) => {
  const { server, url, browser, signedIn } = await startFederationServer(t)
  const secrets: string[] = []
  for (const upn of [alice, bob]) secrets.push((await signedIn(upn)).jar.all(new URL(url))['SsoSession'] ?? '')
  const headers = { cookie: secrets.map((secret) => `SsoSession=${secret}`).join('; ') }
  t.equal((await browser().ask(`${url}/adfs/ls?wa=wsignout1.0`, { headers })).status, 200)
  t.same(server.sessions.list(new Date()), [])
})

t.test('a sign-out form without its token, or from elsewhere, does nothing', async (t) => {
  const { server, url, signedIn } = await startFederationServer(t)
  const client = await signedIn(alice)
  const [form] = formsOf(await client.visit(`${url}/adfs/portal`))
  for (const [fields, headers] of [
    [{}, { origin: url }],
    [{ FormToken: 'x' }, { origin: url }],
    [form?.fields ?? {}, { origin: 'https://evil.test' }],
    [form?.fields ?? {}, { origin: 'null' }],
  ] as const) {
    const answer = await client.ask(`${url}/adfs/portal/sign-out`, { form: { ...fields }, headers })
    t.equal(answer.status, 403)
    t.same(answer.setCookies, [])
  }
  t.equal((await client.ask(`${url}/adfs/portal/sign-out`)).status, 405)
  t.equal(server.sessions.list(new Date()).length, 1)
})

t.test('wa=wsignout1.0 signs out without a question and never leads elsewhere', async (t) => {
  const { server, url, signedIn } = await startFederationServer(t)
  for (const more of ['', '&wreply=https%3A%2F%2Fevil.test%2F', '&wreply=javascript%3Aalert(1)&wctx=%3Cscript%3E']) {
    const client = await signedIn(alice)
    const answer = await client.visit(`${url}/adfs/ls/?WA=wsignout1.0${more}`)
    t.equal(answer.status, 200)
    t.equal(answer.headers.location, undefined)
    t.equal('refresh' in answer.headers, false)
    t.notMatch(answer.body, /evil|<script|javascript:/)
    t.match(answer.setCookies[0], /^SsoSession=; Path=\/; HttpOnly; SameSite=Lax; Max-Age=0;/)
  }
  t.same(server.sessions.list(new Date()), [])
})

t.test('sign-out without a session or with garbage is answered all the same', async (t) => {
  const { server, url, browser } = await startFederationServer(t)
  const client = browser()
  client.jar.put(new URL(url), 'SsoSession', 'garbage')
  t.equal((await client.visit(`${url}/adfs/ls?wa=wsignout1.0`)).status, 200)
  t.equal((await client.ask(`${url}/adfs/ls?wa=wsignout1.0`, { method: 'HEAD' })).status, 200)
  for (const query of [
    'wa=wsignoutcleanup1.0',
    'wa=',
    'wa=wsignout1.0&wa=wsignin1.0',
    'wa=%00',
    'wa=wsignout1.0%0d%0ax',
  ]) {
    t.equal((await client.visit(`${url}/adfs/ls?${query}`)).status, 400, query)
  }
  t.same(server.audit.list({ event: 'sign-out' }), [])
})
