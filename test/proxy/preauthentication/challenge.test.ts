import t from 'tap'
import { createPreauthenticator } from '../../../src/proxy/preauthentication/preauthenticator.ts'
import { createFederationServiceLab, createKeyRing, crmTrust } from '../federation-service-lab.ts'
import { Browser, header, navigation, plainRequest, returnAddress, scriptFetch, setCookies } from './browser-lab.ts'

const crm = 'https://crm.contoso.test/'

async function open(more: Record<string, unknown> = {}) {
  const lab = await createFederationServiceLab()
  const preauthenticate = createPreauthenticator({
    applications: [
      { name: 'C <R> & M', externalUrl: `${crm}`, trustId: crmTrust, ...more },
      { name: 'Notes', externalUrl: 'https://apps.contoso.test/notes/', trustId: crmTrust },
    ],
    federationService: lab.service,
    cookieKeys: createKeyRing(),
  })
  return { lab, preauthenticate, browser: new Browser(preauthenticate) }
}

t.test('a person whose session has ended', async (t) => {
  t.test(
    'gets a page for a POST, which offers to sign in in a new tab and shows nothing of the request’s body or query',
    async (t) => {
      const { browser } = await open()
      const answer = await browser.visit(`${crm}orders/<script>?secret=<b>1</b>`, { method: 'POST' })
      t.match(answer, { kind: 'respond', status: 401, outcome: { decision: 'sign-in-required' } })
      t.equal(header(answer, 'www-authenticate'), `Bearer realm="${crm}"`)
      t.equal(header(answer, 'location'), undefined, 'a 307 would post the body to the federation service')
      t.equal(header(answer, 'cache-control'), 'no-store')
      t.match(
        header(answer, 'content-security-policy'),
        /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      )
      t.equal(header(answer, 'x-content-type-options'), 'nosniff')
      t.strictSame(setCookies(answer), [])
      const body = answer.kind === 'respond' ? answer.body : ''
      t.match(body, /href="https:\/\/crm\.contoso\.test\/\.gatehouse\/sign-in" target="_blank" rel="noopener"/)
      t.match(body, /POST \/orders\//)
      t.notMatch(body, /secret|<script|<R>/)
      t.match(body, /C &#60;R&#62; &#38; M/)
    },
  )

  t.test('gets the same for every method but GET and HEAD', async (t) => {
    const { browser } = await open()
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'MKCOL'])
      t.match(
        await browser.visit(crm, { method }),
        { status: 401, headers: { 'Content-Type': 'text/html; charset=utf-8' } },
        method,
      )
  })

  t.test('is redirected for HEAD, without a body', async (t) => {
    const { browser } = await open()
    t.match(await browser.visit(crm, { method: 'HEAD' }), { status: 307, body: '' })
  })
})

t.test('a program without a session', async (t) => {
  t.test('gets a problem document that says where to sign in', async (t) => {
    const { browser } = await open()
    for (const method of ['GET', 'POST']) {
      const answer = await browser.visit(`${crm}api/orders?x=1`, { method, headers: scriptFetch, requestId: 'req-7' })
      t.match(answer, {
        status: 401,
        headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' },
      })
      t.equal(header(answer, 'www-authenticate'), `Bearer realm="${crm}"`)
      t.strictSame(setCookies(answer), [])
      t.strictSame(JSON.parse(answer.kind === 'respond' ? answer.body : ''), {
        type: 'urn:gatehouse:problem:sign-in-required',
        title: 'Sign-in required',
        status: 401,
        detail: 'There is no valid session. Open sign_in in a browser, then repeat the request.',
        code: 'sign-in-required',
        application: 'C <R> & M',
        request_id: 'req-7',
        sign_in: `${crm}.gatehouse/sign-in`,
      })
    }
  })

  t.test('with HEAD gets no body', async (t) => {
    const { browser } = await open()
    t.match(await browser.visit(crm, { method: 'HEAD', headers: scriptFetch }), { status: 401, body: '' })
  })

  t.test('with a Bearer token that is no session is told that it is invalid', async (t) => {
    const { browser } = await open()
    const answer = await browser.visit(crm, { headers: { ...navigation, authorization: 'Bearer abc' } })
    t.equal(header(answer, 'www-authenticate'), `Bearer realm="${crm}", error="invalid_token"`)
    t.match(answer, { status: 401 })
  })

  t.test('opening a WebSocket gets no redirect', async (t) => {
    const { browser } = await open()
    t.match(await browser.visit(`${crm}ws`, { upgrade: 'websocket', headers: {} }), { status: 401 })
  })
})

t.test('the address in sign_in', async (t) => {
  t.test('lies under the application and ends, by a round trip, on a page that says so', async (t) => {
    const { browser, lab } = await open()
    const asked = await browser.visit('https://apps.contoso.test/notes/api', { headers: scriptFetch })
    const { sign_in } = JSON.parse(asked.kind === 'respond' ? asked.body : '')
    t.equal(sign_in, 'https://apps.contoso.test/notes/.gatehouse/sign-in')
    const { returnUrl, requestId } = await browser.beginAt(sign_in)
    t.equal(returnUrl, 'https://apps.contoso.test/notes/.gatehouse/signed-in')
    const token = await lab.issue({ resource: 'https://apps.contoso.test/notes/' })
    const back = await browser.visit(returnAddress(returnUrl, token, requestId))
    t.equal(header(back, 'location'), returnUrl)
    const done = await browser.visit(returnUrl)
    t.match(done, { status: 200, outcome: { decision: 'sign-in-page' } })
    t.match(done.kind === 'respond' && done.body, /You are signed in/)
    t.equal(header(await browser.visit(sign_in), 'location'), returnUrl, 'with access it goes there at once')
  })

  t.test('begins a round trip whoever opens it', async (t) => {
    const { browser } = await open()
    t.match(await browser.visit(`${crm}.gatehouse/sign-in`, { headers: { accept: 'application/json' } }), {
      status: 307,
    })
  })

  t.test('is the proxy’s own: nothing of it reaches the backend', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(crm)
    await browser.visit(returnAddress(returnUrl, await lab.issue({ resource: crm }), requestId))
    for (const path of ['.gatehouse/other', '.GATEHOUSE/x', '.gatehouse/sign-out', '.gatehouse/signed-in/x'])
      t.match(await browser.visit(crm + path), { status: 404 }, path)
    t.match(await browser.visit(`${crm}.gatehouse/signed-in`, { method: 'POST' }), { status: 404 })
    t.match(await browser.visit(`${crm}.gatehouse`), { kind: 'allow' }, 'the name alone is the application’s')
  })

  t.test('answers nobody without a session', async (t) => {
    const { browser } = await open()
    t.match(await browser.visit(`${crm}.gatehouse/signed-in`), { status: 307 })
    t.match(await browser.visit(`${crm}.gatehouse/signed-in`, { headers: scriptFetch }), { status: 401 })
    t.match(await browser.visit(`${crm}.gatehouse/other`, { method: 'POST' }), { status: 401 })
  })
})

t.test('an application with sign-out', async (t) => {
  const { browser, lab } = await open({ enableSignOut: true })
  const { returnUrl, requestId } = await browser.beginAt(crm)
  await browser.visit(returnAddress(returnUrl, await lab.issue({ resource: crm }), requestId))
  const answer = await browser.visit(`${crm}.gatehouse/sign-out`)
  t.match(answer, { status: 307, outcome: { decision: 'sign-out' } }, 'forgets its cookie')
  t.equal(
    header(answer, 'location'),
    'https://sts.contoso.test/adfs/ls/?wa=wsignout1.0',
    'and ends the session where it lives',
  )
  t.equal(browser.cookies.size, 0)
})

t.test('CORS', async (t) => {
  const spa = 'https://spa.contoso.test'
  const preflight = (origin: string) => ({
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'content-type, x-custom',
      'sec-fetch-mode': 'cors',
    },
  })

  t.test('answers the preflight of an allowed origin without a session, and without the backend', async (t) => {
    const { browser } = await open({ allowedOrigins: [spa] })
    const answer = await browser.visit(`${crm}api`, preflight(spa))
    t.match(answer, {
      kind: 'respond',
      status: 204,
      body: '',
      outcome: { decision: 'preflight' },
      headers: {
        'Access-Control-Allow-Origin': spa,
        'Access-Control-Allow-Credentials': 'true',
        'Access-Control-Allow-Methods': 'PUT',
        'Access-Control-Allow-Headers': 'content-type, x-custom',
        'Cache-Control': 'no-store',
      },
    })
    t.match(header(answer, 'vary'), /Origin/)
  })

  t.test('tells a program of an allowed origin what happened', async (t) => {
    const { browser } = await open({ allowedOrigins: [spa] })
    const answer = await browser.visit(`${crm}api`, { headers: { ...scriptFetch, origin: spa } })
    t.match(answer, {
      status: 401,
      headers: { 'Access-Control-Allow-Origin': spa, 'Access-Control-Allow-Credentials': 'true' },
    })
    t.match(header(answer, 'vary'), /Origin/)
  })

  for (const origin of [
    'https://evil.test',
    'null',
    'http://spa.contoso.test',
    'https://spa.contoso.test.evil.test',
    'https://SPA.contoso.test',
    '',
  ])
    t.test(`tells the origin '${origin}' nothing`, async (t) => {
      const { browser } = await open({ allowedOrigins: [spa] })
      for (const more of [preflight(origin), { headers: { ...scriptFetch, origin } }]) {
        const answer = await browser.visit(`${crm}api`, more)
        t.match(answer, { kind: 'respond', status: 401 })
        t.equal(header(answer, 'access-control-allow-origin'), undefined)
        t.equal(header(answer, 'access-control-allow-credentials'), undefined)
      }
    })

  t.test('is off unless the application allows an origin', async (t) => {
    const { browser } = await open()
    const answer = await browser.visit(`${crm}api`, preflight(spa))
    t.match(answer, { status: 401 })
    t.equal(header(answer, 'vary'), undefined)
  })

  t.test('does not let a preflight bring in what no header may hold', async (t) => {
    const { browser } = await open({ allowedOrigins: [spa] })
    const bad = preflight(spa)
    bad.headers['access-control-request-method'] = 'PUT, *\r\nX: 1'
    t.match(await browser.visit(crm, bad), { status: 401 })
    const worse = preflight(spa)
    worse.headers['access-control-request-headers'] = 'a\r\nSet-Cookie: x=1'
    t.equal(header(await browser.visit(crm, worse), 'access-control-allow-headers'), undefined)
  })
})

t.test('a WebSocket', async (t) => {
  const upgrade = (origin?: string) => ({
    upgrade: 'websocket',
    headers: { connection: 'upgrade', upgrade: 'websocket', ...(origin === undefined ? {} : { origin }) },
  })
  const signedIn = async (more = {}) => {
    const opened = await open(more)
    const { browser, lab } = opened
    const { returnUrl, requestId } = await browser.beginAt(crm)
    await browser.visit(returnAddress(returnUrl, await lab.issue({ resource: crm }), requestId))
    return opened
  }

  t.test('is refused to a foreign origin, whatever its cookies', async (t) => {
    const { browser } = await signedIn({ allowedOrigins: ['https://spa.contoso.test'] })
    for (const origin of [
      'https://evil.test',
      'null',
      'http://crm.contoso.test',
      'https://crm.contoso.test:8443',
      'https://crm.contoso.test.evil.test',
    ])
      t.match(
        await browser.visit(`${crm}ws`, upgrade(origin)),
        { status: 403, outcome: { decision: 'foreign-origin', audit: true } },
        origin,
      )
    for (const origin of [undefined, 'https://crm.contoso.test', 'https://spa.contoso.test'])
      t.match(await browser.visit(`${crm}ws`, upgrade(origin)), { kind: 'allow' }, origin ?? 'no origin: no browser')
  })

  t.test('is refused to a foreign origin at a pass-through application too', async (t) => {
    const { browser } = await open({ preauthentication: 'pass-through', trustId: undefined })
    t.match(await browser.visit(`${crm}ws`, upgrade('https://evil.test')), { status: 403 })
    t.match(await browser.visit(`${crm}ws`, upgrade('https://crm.contoso.test')), { kind: 'allow' })
  })
})

t.test('what no request may be', async (t) => {
  const { preauthenticate } = await open()
  const ask = (more: object) => preauthenticate({ ...plainRequest(crm), ...more })

  for (const method of ['TRACE', 'TRACK', 'CONNECT'])
    t.test(`${method} is not allowed`, async (t) => {
      t.match(await ask({ method }), { status: 405, outcome: { decision: 'bad-method' } })
    })

  for (const target of [
    '/a\\b',
    '/a\u0000',
    '/a#b',
    '/#/../admin',
    'app/',
    '*',
    '?x',
    '#f',
    '',
    '/a b',
    '/%00',
    '/..%2f..%2fx',
    '/%2e%2e%5cx',
    '/a/..;/b',
    'http://evil.test/',
    'http://crm.contoso.test@evil.test/',
    'http:/app/',
    'ftp://crm.contoso.test/',
  ])
    t.test(`the target ${JSON.stringify(target)} is a bad request`, async (t) => {
      t.match(await ask({ target }), { status: 400, outcome: { decision: 'bad-request', code: 'target' } })
    })

  for (const target of ['https://crm.contoso.test/x?y', 'HTTP://CRM.CONTOSO.TEST/x?y', '/x?y', '/z/../x?y', '/%2e/x?y'])
    t.test(`the target ${target} is the application’s /x?y`, async (t) => {
      const answer = await ask({ target })
      t.equal(new URL(header(answer, 'location') ?? '').searchParams.get('returnUrl'), `${crm}x?y`)
    })

  t.test('a target that begins with two slashes stays on the host that was asked', async (t) => {
    const answer = await ask({ target: '//evil.test/app' })
    t.equal(
      new URL(header(answer, 'location') ?? '').searchParams.get('returnUrl'),
      'https://crm.contoso.test//evil.test/app',
    )
  })

  for (const host of [
    '',
    ' ',
    'crm.contoso.test, evil.test',
    'crm.contoso.test:99999',
    'crm.contoso.test:0',
    'crm.contoso.test:443@evil.test',
    'crm.contoso.test/x',
    'crm.contoso.test\u0000.evil',
    'user@crm.contoso.test',
    'crm..contoso.test',
    '.contoso.test',
  ])
    t.test(`the host ${JSON.stringify(host)} is a bad request`, async (t) => {
      t.match(await ask({ host }), { status: 400, outcome: { decision: 'bad-request', code: 'host' } })
    })

  for (const host of [
    '127.0.0.1',
    '[::1]',
    'localhost',
    'internal-backend',
    'evil.test',
    'crm.contoso.test:8443',
    'xcrm.contoso.test',
    'contoso.test',
  ])
    t.test(`the host ${host} is nobody’s here`, async (t) => {
      const answer = await ask({ host })
      t.match(answer, { status: 421, outcome: { decision: 'unknown-host' } })
      t.equal(header(answer, 'location'), undefined)
    })

  for (const host of [
    'crm.contoso.test',
    'CRM.Contoso.Test',
    'crm.contoso.test.',
    'crm.contoso.test:443',
    'crm.contoso.test.:443',
  ])
    t.test(`the host ${host} is the application`, async (t) => {
      const answer = await ask({
        host,
        headers: { ...navigation, 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' },
      })
      t.match(answer, { status: 307 })
      t.notMatch(header(answer, 'location'), /evil/)
    })

  t.test('plain http at an application published with TLS is another origin', async (t) => {
    t.match(await ask({ scheme: 'http' }), { status: 421 })
  })

  t.test('a host that is ours without an application at the path has nothing', async (t) => {
    const answer = await preauthenticate(plainRequest('https://apps.contoso.test/other'))
    t.match(answer, { status: 404, outcome: { decision: 'unknown-application' } })
  })

  t.test('errors are documents for programs and pages for people, in either case kept nowhere', async (t) => {
    for (const [headers, type] of [
      [scriptFetch, 'application/problem+json'],
      [navigation, 'text/html; charset=utf-8'],
    ] as const) {
      const answer = await ask({ host: 'evil.test', headers })
      t.equal(header(answer, 'content-type'), type)
      t.equal(header(answer, 'cache-control'), 'no-store')
    }
  })
})

t.test('an application with EnableHTTPRedirect sends plain http on to https', async (t) => {
  const { preauthenticate } = await open({ enableHttpRedirect: true })
  const answer = await preauthenticate({
    ...plainRequest(`${crm}a?b=c`),
    scheme: 'http',
    host: 'crm.contoso.test:8080',
  })
  t.match(answer, { status: 307, outcome: { decision: 'to-https' } })
  t.equal(header(answer, 'location'), `${crm}a?b=c`)
})

t.test('robots.txt', async (t) => {
  const robots = 'User-agent: *\nDisallow: /\n'
  t.test('keeps crawlers out of every host, without sign-in', async (t) => {
    const { browser } = await open()
    for (const url of [`${crm}robots.txt`, `${crm}robots.txt?x`, 'https://apps.contoso.test/robots.txt'])
      t.match(
        await browser.visit(url),
        { status: 200, body: robots, headers: { 'Content-Type': 'text/plain; charset=utf-8' } },
        url,
      )
    t.match(await browser.visit(`${crm}robots.txt`, { method: 'HEAD' }), { status: 200, body: '' })
    t.match(await browser.visit(`${crm}robots.txt`, { method: 'POST' }), { status: 401 })
    t.match(await browser.visit(`${crm}x/robots.txt`), { status: 307 })
  })
  t.test('is the application’s where it is set so', async (t) => {
    const passing = await open({ robots: 'application', preauthentication: 'pass-through', trustId: undefined })
    t.match(await passing.browser.visit(`${crm}robots.txt`), { kind: 'allow' })
    const guarded = await open({ robots: 'application' })
    t.match(await guarded.browser.visit(`${crm}robots.txt`), { status: 307 }, 'and no way round the sign-in')
  })
  t.test('no path or User-Agent gets round the sign-in', async (t) => {
    const { browser } = await open()
    for (const path of ['favicon.ico', '.well-known/x', 'healthz', 'ping', 'readyz'])
      t.match(
        await browser.visit(crm + path, { headers: { ...navigation, 'user-agent': 'GoogleHC/1.0' } }),
        { status: 307 },
        path,
      )
  })
})
