import t from 'tap'
import { delegationDigest } from '../../../src/edge-token/delegation.ts'
import { createEdgeTokenVerifier } from '../../../src/edge-token/index.ts'
import { signIn, signInForm } from '../../lab/forms.ts'
import {
  alice,
  bob,
  claimsOf,
  crmUrl,
  password,
  requestId,
  startFederationServer,
  tokenIn,
  wikiUrl,
} from '../running-federation-server.ts'

t.test('a person signs in and goes on to the application with a token that holds', async (t) => {
  const { server, url, crm, edgeAddress, browser, logged } = await startFederationServer(t)
  const client = browser()
  const returnUrl = `${crmUrl}orders?id=7&empty=&x=a%20b+c`
  const page = await client.visit(edgeAddress(crm, returnUrl))
  t.equal(page.status, 200)
  t.match(page.body, 'Customer relations')
  t.match(page.body, 'crm.contoso.test')
  t.match(page.headers['content-security-policy'], "form-action 'self' https://crm.contoso.test;")

  const answer = await signIn(client, page, 'Alice@Contoso.TEST', password)
  t.equal(answer.status, 303, 'never 307: that would post the password on')
  const location = String(answer.headers.location)
  t.ok(location.startsWith(`${returnUrl}&authToken=`), 'the query stays byte for byte')
  t.ok(location.endsWith(`&client-request-id=${requestId}`))
  t.match(answer.headers, { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })

  const token = tokenIn(answer)
  const verifier = createEdgeTokenVerifier({
    issuer: server.issuer,
    keys: { certificates: server.keys.published().map(({ certificate }) => certificate) },
  })
  const identity = await verifier.verify(token, {
    relyingParty: crm.id,
    url: returnUrl,
    delegateTo: 'HTTP/crm.corp.test',
  })
  t.equal(identity.upn, alice)
  const [session] = server.sessions.list(new Date())
  const claims = claimsOf(token)
  t.match(claims, {
    ver: '1.0',
    aud: 'urn:AppProxy:com',
    iss: `http://${new URL(url).hostname}/adfs/services/trust`,
    relyingpartytrustid: crm.id,
    deviceregid: '',
    authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    resource: crmUrl,
    sid: session?.sid,
    kcd: [delegationDigest(crm.id, 'HTTP/crm.corp.test')],
    clientreqid: requestId,
  })
  t.equal(Number(claims['exp']) - Number(claims['iat']), 3600)
  t.ok(Number(claims['authinstant']) <= Number(claims['iat']))
  t.same(session?.participants, [`edge:${crm.id}`])

  t.same(
    server.audit
      .list({ requestId })
      .map(({ event, who, what, result, from }) => ({ event, who, what, result, from }))
      .reverse(),
    ['sign-in', 'edge-token-issued'].map((event) => ({
      event,
      who: alice,
      what: 'Customer relations',
      result: 'success',
      from: '127.0.0.1',
    })),
  )
  t.same(
    logged.map(({ message }) => message),
    ['sign-in', 'edge-token-issued'],
  )
  t.notOk(JSON.stringify(logged).includes(token.slice(0, 20)), 'no log line has a token in it')
  t.notOk(JSON.stringify(logged).includes(password))
})

t.test('somebody who is signed in is asked nothing for the next application', async (t) => {
  const { wiki, crm, edgeAddress, signedIn } = await startFederationServer(t)
  const client = await signedIn(alice)
  const first = await client.visit(edgeAddress(crm, crmUrl))
  const second = await client.visit(edgeAddress(wiki, `${wikiUrl}a`))
  t.same([first.status, second.status], [302, 302])
  t.equal(claimsOf(tokenIn(first))['sid'], claimsOf(tokenIn(second))['sid'])
  t.same(claimsOf(tokenIn(second))['kcd'], [], 'a trust that names no service')
  t.ok(String(second.headers.location).startsWith(`${wikiUrl}a?authToken=`))
  t.same(second.setCookies, [])
})

t.test('parameters are taken with names in any case, and without a request id a new one is made', async (t) => {
  const { url, wiki, signedIn } = await startFederationServer(t)
  const client = await signedIn(bob)
  const answer = await client.visit(
    `${url}/ADFS/LS/?VERSION=1.0&Action=signin&REALM=URN%3Aappproxy%3Acom&AppRealm=${wiki.id.toUpperCase()}&RETURNURL=${encodeURIComponent(`${wikiUrl}?`)}`,
  )
  t.equal(answer.status, 302)
  t.match(
    answer.headers.location,
    /^https:\/\/apps\.contoso\.test\/wiki\/\?authToken=[^&]+&client-request-id=[0-9A-F-]{36}$/,
  )
  t.equal(answer.location().searchParams.get('client-request-id'), answer.headers['client-request-id'])
})

t.test('a person who is not permitted is told so, with the request id and a way to sign out', async (t) => {
  const { server, crm, edgeAddress, signedIn } = await startFederationServer(t)
  const answer = await (await signedIn(bob)).visit(edgeAddress(crm, crmUrl))
  t.equal(answer.status, 403)
  t.match(answer.body, /not permitted to open Customer relations/)
  t.match(answer.body, bob)
  t.match(answer.body, requestId)
  t.match(answer.body, 'action="/adfs/portal/sign-out"')
  t.equal(answer.headers['client-request-id'], requestId)
  t.equal(answer.headers.location, undefined)
  t.match(server.audit.list({ requestId })[0], {
    event: 'edge-refused',
    who: bob,
    code: 'not-permitted',
    result: 'failure',
  })
})

t.test('a person who signs in for an application that is not permitted is signed in and told so', async (t) => {
  const { crm, wiki, edgeAddress, browser } = await startFederationServer(t)
  const client = browser()
  const answer = await signIn(client, await client.visit(edgeAddress(crm, crmUrl)), bob, password)
  t.equal(answer.status, 403)
  t.equal((await client.visit(edgeAddress(wiki, wikiUrl))).status, 302)
})

t.test('bad requests get a page and lead nowhere, signed in or not', async (t) => {
  const running = await startFederationServer(t)
  const { server, crm, wiki, edgeAddress, signedIn, browser } = running
  const disabled = await server.trusts.add({
    name: 'Off',
    enabled: false,
    permit: { everyone: true },
    publishedAddresses: ['https://off.contoso.test/'],
  })
  const unpublished = await server.trusts.add({ name: 'Inner', permit: { everyone: true } })
  const clients = [browser(), await signedIn(alice)]
  const good = edgeAddress(crm, crmUrl)
  const cases = [
    { name: 'no parameter', address: `${running.url}/adfs/ls` },
    { name: 'another realm', address: edgeAddress(crm, crmUrl, { realm: 'urn:other' }) },
    { name: 'another version', address: edgeAddress(crm, crmUrl, { version: '2.0' }) },
    { name: 'an unknown trust', address: edgeAddress({ ...crm, id: requestId.toLowerCase() }, crmUrl) },
    { name: 'a disabled trust', address: edgeAddress(disabled, 'https://off.contoso.test/') },
    { name: 'a trust that is not published', address: edgeAddress(unpublished, crmUrl) },
    { name: 'the address of another trust', address: edgeAddress(crm, wikiUrl) },
    { name: 'a neighbour of the published path', address: edgeAddress(wiki, 'https://apps.contoso.test/wikipedia') },
    { name: 'a parameter twice', address: `${good}&returnUrl=https%3A%2F%2Fevil.test%2F` },
    { name: 'a parameter twice, in another case', address: `${good}&APPREALM=${wiki.id}` },
    { name: 'bytes that are not UTF-8', address: `${good}&x=%ff` },
    { name: 'NUL', address: `${good}&x=%00` },
    { name: 'a protocol that is not served', address: `${running.url}/adfs/ls?wa=wsignin1.0&wtrealm=urn%3Ax` },
    { name: 'two protocols at once', address: `${good}&wa=wsignout1.0` },
    ...[
      'https://evil.test/',
      '//evil.test/',
      '/\\evil.test',
      'https:evil.test',
      'https://crm.contoso.test@evil.test/',
      'https://crm.contoso.test.evil.test/',
      'https://crm.contoso.test:443@evil.test/',
      'https://crm.contoso.test\\.evil.test/',
      'https://crm.contoso.test%2f@evil.test/',
      'https://crm.contoso.test#@evil.test/',
      'https://evil.test/https://crm.contoso.test/',
      'http://crm.contoso.test/',
      'https://crm.contoso.test:8443/',
      'https://apps.contoso.test/wiki/../admin',
      'https://apps.contoso.test/wiki/%2e%2e/admin',
      'https://apps.contoso.test/wiki/..%2fadmin',
      'javascript:alert(1)//https://crm.contoso.test/',
      'data:text/html,x',
      ' https://crm.contoso.test/\u0000',
      'https://crm.contoso.test/\r\nSet-Cookie: a=b',
    ].map((returnUrl) => ({ name: JSON.stringify(returnUrl), address: edgeAddress(crm, returnUrl) })),
  ]
  for (const { name, address } of cases) {
    for (const client of clients) {
      const answer = await client.visit(address)
      t.equal(answer.status, 400, name)
      t.equal(answer.headers.location, undefined, name)
      t.notOk(signInForm(answer), name)
      t.notMatch(answer.body, /evil\.test|<script/, name)
      t.match(answer.body, String(answer.headers['client-request-id']), name)
    }
  }
  t.same(server.audit.list({ event: 'edge-token-issued' }), [])
})

t.test('a return address is sent on as it was parsed', async (t) => {
  const { crm, edgeAddress, signedIn } = await startFederationServer(t)
  const client = await signedIn(alice)
  for (const [given, sent] of [
    ['https://CRM.contoso.test:443', 'https://crm.contoso.test/'],
    ['https://crm.contoso.test/a/./b/../c?x=/../', 'https://crm.contoso.test/a/c?x=/../'],
    ['https://crm.contoso.test/ü?ß', 'https://crm.contoso.test/%C3%BC?%C3%9F'],
  ] as const) {
    const { headers } = await client.visit(edgeAddress(crm, given))
    t.ok(String(headers.location).startsWith(sent + (sent.includes('?') ? '&' : '?')), `${given} → ${headers.location}`)
  }
})

t.test('addresses of eight kilobytes come through the form', async (t) => {
  const { crm, edgeAddress, browser } = await startFederationServer(t)
  const client = browser()
  const returnUrl = `${crmUrl}?${'q=%C3%BC&'.repeat(900)}`
  t.ok(returnUrl.length > 8000)
  const page = await client.visit(edgeAddress(crm, returnUrl))
  const answer = await signIn(client, page, alice, password)
  t.equal(answer.status, 303)
  t.ok(String(answer.headers.location).startsWith(`${returnUrl}&authToken=`))
})

t.test('headers that speak of a proxy change nothing', async (t) => {
  const { server, crm, edgeAddress, signedIn } = await startFederationServer(t)
  const client = await signedIn(alice)
  const headers = {
    'x-ms-proxy': 'WAP01',
    'x-ms-forwarded-client-ip': '10.0.0.1',
    'x-ms-endpoint-absolute-path': '/adfs/admin',
    'x-forwarded-for': '10.0.0.2',
    forwarded: 'for=10.0.0.3',
    'x-forwarded-host': 'evil.test',
  }
  const answer = await client.visit(edgeAddress(crm, crmUrl), { headers })
  t.equal(answer.status, 302)
  t.equal(server.audit.list({ requestId })[0]?.from, '127.0.0.1')
})

t.test('a form that is open while the trust is taken away leads to the page that says so', async (t) => {
  const { server, crm, edgeAddress, browser } = await startFederationServer(t)
  const client = browser()
  const page = await client.visit(edgeAddress(crm, crmUrl))
  await server.trusts.update(crm.id, { enabled: false })
  const answer = await signIn(client, page, alice, password)
  t.equal(answer.status, 400)
  t.match(answer.body, 'switched off')
  t.same(server.sessions.list(new Date()), [])
})

t.test('HEAD, other methods and a form without its parameters', async (t) => {
  const { url, crm, edgeAddress, browser } = await startFederationServer(t)
  const head = await browser().ask(edgeAddress(crm, crmUrl), { method: 'HEAD' })
  t.same([head.status, head.body], [200, ''])
  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    const answer = await browser().ask(edgeAddress(crm, crmUrl), { method })
    t.same([answer.status, answer.headers.allow], [405, 'GET, HEAD, POST'], method)
  }
  const post = await browser().ask(`${url}/adfs/ls`, { form: { UserName: alice, Password: password } })
  t.equal(post.status, 400)
  t.same(post.setCookies, [])
})
