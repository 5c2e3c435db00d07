import { createSecretKey, randomBytes } from 'node:crypto'
import t from 'tap'
import { type AccessCookieKey, type AccessSession, sealAccessCookie } from '../../../src/edge-token/index.ts'
import type { PlainRequest } from '../../../src/proxy/preauthentication/preauthentication.ts'
import { createPreauthenticator } from '../../../src/proxy/preauthentication/preauthenticator.ts'
import { createFederationServiceLab, createKeyRing, crmTrust, trust, wikiTrust } from '../federation-service-lab.ts'
import { Browser, header, navigation, plainRequest, returnAddress, scriptFetch, setCookies } from './browser-lab.ts'

const crm = 'https://crm.contoso.test/'
const wiki = 'https://wiki.contoso.test/'
const crmId = '11111111-1111-4111-8111-111111111111'
const wikiId = '22222222-2222-4222-8222-222222222222'

async function open(more: Record<string, unknown> = {}) {
  const lab = await createFederationServiceLab()
  let ring: readonly AccessCookieKey[] = createKeyRing()
  const preauthenticate = createPreauthenticator({
    applications: [
      { id: crmId, name: 'CRM', externalUrl: crm, trustId: crmTrust, ...more },
      { id: wikiId, name: 'Wiki', externalUrl: wiki, trustId: wikiTrust },
      { name: 'News', externalUrl: 'https://news.contoso.test/', preauthentication: 'pass-through' },
    ],
    federationService: lab.service,
    cookieKeys: () => ring,
  })
  const now = new Date(Math.floor(Date.now() / 1000) * 1000)
  const session: AccessSession = {
    upn: 'alice@contoso.test',
    relyingPartyTrust: crmTrust,
    sessionId: 'session-1',
    issuedAt: now,
    expiresAt: new Date(now.getTime() + 3_600_000),
  }
  const seal = (changes: Partial<AccessSession> = {}, context: { application?: string; host?: string } = {}) =>
    sealAccessCookie(
      { ...session, ...changes },
      { keys: ring, application: crmId, host: 'crm.contoso.test', ...context },
    )
  const ask = (cookie: string, changes: Partial<PlainRequest> = {}) =>
    preauthenticate(plainRequest(crm, { currentDate: now, headers: { ...navigation, cookie }, ...changes }))
  return {
    lab,
    now,
    seal,
    ask,
    preauthenticate,
    ring: () => ring,
    turn: (next: readonly AccessCookieKey[]) => {
      ring = next
    },
  }
}

t.test('a valid access cookie', async (t) => {
  t.test('lets in without waiting for anything', async (t) => {
    const { seal, ask } = await open()
    const answer = ask(`EdgeAccessCookie=${seal()}`)
    t.notOk(answer instanceof Promise)
    t.match(answer, { kind: 'allow', identity: { upn: 'alice@contoso.test' }, response: { setCookies: [] } })
  })

  t.test('never reaches the backend, and other cookies do, byte for byte', async (t) => {
    const { seal, ask } = await open()
    const value = seal()
    for (const [cookie, forwarded] of [
      [`EdgeAccessCookie=${value}`, undefined],
      [`a=b; EdgeAccessCookie=${value}; c="d e"`, 'a=b; c="d e"'],
      [`a=b;EdgeAccessCookie=${value};c=d`, 'a=b; c=d'],
      [`EdgeSignIn_00000001=x; EdgeAccessCookie=${value}; EdgeReply=y; EdgeReply_0123=z; FedAuth=1`, 'FedAuth=1'],
      [`EdgeAccessCookie=${value}; EdgeAccessCookie_0123456789ab=other; x=1`, 'x=1'],
      [`EdgeAccessCookie=${value}; edgeaccesscookie=${value}; x=1`, 'x=1'],
      [`EdgeAccessCookie=${value}; EdgeAccessCookie =${value}; x=1`, 'x=1'],
      [`EdgeAccessCookie=${value}; =EdgeAccessCookie=${value}; x=1`, 'x=1'],
      [`EdgeAccessCookie=${value}; "EdgeAccessCookie=${value}"; x=1`, 'x=1'],
      [`EdgeAccessCookie=${value}; __proto__=x; a==; ; b`, '__proto__=x; a==; b'],
    ] as const) {
      const answer = await ask(cookie)
      t.equal(answer.kind, 'allow', cookie)
      t.equal(answer.kind === 'allow' && answer.request.cookie, forwarded, cookie)
      t.equal(answer.kind === 'allow' && answer.request.removeHeaders('cookie'), true)
    }
  })

  t.test(
    'counts no more once it, its session, its person, its trust or its key is gone, also right after it counted',
    async (t) => {
      const { seal, ask, lab, now, turn, ring } = await open()
      const cookie = `EdgeAccessCookie=${seal()}`
      const isLetIn = async (at = now) => (await ask(cookie, { currentDate: at })).kind === 'allow'
      t.ok(await isLetIn())
      t.ok(await isLetIn(new Date(now.getTime() + 3_240_000)))
      const atItsEnd = await ask(cookie, { currentDate: new Date(now.getTime() + 3_600_000) })
      t.match(atItsEnd, { status: 307, outcome: { code: 'expired', wapEvent: 13_015 } })
      lab.ended.sids.add('session-1')
      t.match(await ask(cookie), { status: 307, outcome: { code: 'session-ended' } })
      lab.ended.sids.clear()
      t.ok(await isLetIn())
      lab.ended.people.add('alice@contoso.test')
      t.notOk(await isLetIn())
      lab.ended.people.clear()
      lab.trusts.set(crmTrust, trust(crmTrust, 'CRM', { enabled: false }))
      t.match(await ask(cookie), { status: 403, outcome: { code: 'trust-disabled' } })
      lab.trusts.delete(crmTrust)
      t.notOk(await isLetIn())
      lab.trusts.set(crmTrust, trust(crmTrust, 'CRM'))
      t.ok(await isLetIn())
      const before = ring()
      turn([...createKeyRing('second'), ...before])
      t.ok(await isLetIn(), 'an old key of the ring still opens')
      turn(createKeyRing('second'))
      t.match(await ask(cookie), { status: 307, outcome: { code: 'signature', wapEvent: 11_005 } })
    },
  )
})

t.test('what is no valid access cookie gets a redirect, never through, and no error', async (t) => {
  const { seal, ask, now } = await open()
  const good = seal()
  const other = createSecretKey(randomBytes(32))
  const foreign = sealAccessCookie(
    {
      upn: 'mallory@contoso.test',
      relyingPartyTrust: crmTrust,
      issuedAt: now,
      expiresAt: new Date(now.getTime() + 3_600_000),
    },
    { keys: [{ id: 'first', secret: other }], application: crmId, host: 'crm.contoso.test' },
  )
  for (const [name, cookie, code] of [
    ['none', 'a=b', undefined],
    ['an empty one', 'EdgeAccessCookie=', 'malformed'],
    ['a name without a value', 'EdgeAccessCookie', 'malformed'],
    ['text', 'EdgeAccessCookie=good', 'malformed'],
    ['a good one with something behind it', `EdgeAccessCookie=${good},x`, 'malformed'],
    ['a good one, quoted', `EdgeAccessCookie="${good}"`, 'malformed'],
    ['a good one, percent-encoded', `EdgeAccessCookie=%31${good.slice(1)}`, 'malformed'],
    ['a good one with padding', `EdgeAccessCookie=${good}=`, 'malformed'],
    ['a good one under another name', `edgeaccesscookie=${good}`, undefined],
    ['a good one under a name with a blank', `EdgeAccessCookie =${good}`, undefined],
    ['a good one without a name', `=EdgeAccessCookie=${good}`, undefined],
    ['two of them', `EdgeAccessCookie=${good}; EdgeAccessCookie=${good}`, 'ambiguous'],
    ['a good one and junk', `EdgeAccessCookie=junk; EdgeAccessCookie=${good}`, 'ambiguous'],
    ['a changed one', `EdgeAccessCookie=${good.slice(0, -6)}AAAAAA`, 'signature'],
    ['a cut one', `EdgeAccessCookie=${good.slice(0, -32)}`, /^(?:malformed|signature)$/],
    ['16 kB', `EdgeAccessCookie=1.first.${'A'.repeat(16_000)}`, 'malformed'],
    ['one sealed with another key', `EdgeAccessCookie=${foreign}`, 'signature'],
    ['one of another application', `EdgeAccessCookie=${seal({}, { application: wikiId })}`, 'signature'],
    ['one of another host', `EdgeAccessCookie=${seal({}, { host: 'wiki.contoso.test' })}`, 'signature'],
    ['one of another trust', `EdgeAccessCookie=${seal({ relyingPartyTrust: wikiTrust })}`, 'relying-party'],
    ['an expired one', `EdgeAccessCookie=${seal({ expiresAt: new Date(now.getTime() - 1000) })}`, 'expired'],
    ['a sign-in cookie', `EdgeSignIn_00000001=${good}`, undefined],
    ['a reply cookie', `EdgeReply=${good}`, undefined],
  ] as const)
    t.test(name, async (t) => {
      const answer = await ask(cookie)
      t.match(answer, { kind: 'respond', status: 307, outcome: { decision: 'sign-in-required' } })
      if (code instanceof RegExp) t.match(answer.outcome.code, code)
      else t.equal(answer.outcome.code, code)
    })

  t.test('two of them are cleared away, wherever they were set', async (t) => {
    const answer = await ask(`EdgeAccessCookie=${good}; EdgeAccessCookie=junk`)
    const domains = setCookies(answer).flatMap((line) => /^EdgeAccessCookie=; .*Domain=([^;]+)/.exec(line)?.[1] ?? [])
    t.strictSame(domains, ['crm.contoso.test', 'contoso.test'])
  })

  t.test('the cookie of one application is none at another', async (t) => {
    const { preauthenticate, seal } = await open()
    const answer = await preauthenticate(
      plainRequest(wiki, { headers: { ...navigation, cookie: `EdgeAccessCookie=${seal()}` } }),
    )
    t.match(answer, { status: 307 })
  })
})

t.test('what a client could forge', async (t) => {
  const forged = (
    'X-MS-Proxy X-MS-Forwarded-Client-IP X-MS-Endpoint-Absolute-Path X-MS-Target-Role X-MS-ADFS-Proxy-Client-IP X-MS-ProxyAuth-Token ' +
    'X-MS-Client-Application X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups X-Forwarded-Preferred-Username X-Forwarded-For ' +
    'X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Real-IP Forwarded X-Remote-User Remote-User REMOTE_USER ' +
    'X-Authenticated-User X-ClientCert X-ARR-ClientCert X-SSL-Client-Cert X-SSL-Client-Verify X-SSL-Client-DN SSL-Client-Cert ' +
    'X-Forwarded-Client-Cert X-Forwarded-Tls-Client-Cert Client-Cert Client-Cert-Chain Via Proxy Proxy-Authorization Sec-Token-Binding ' +
    'X-User X-UPN X-Forwarded-Access-Token X-Auth-Request-User X-Accel-Redirect X-Sendfile X-Original-URL X-Rewrite-URL Cookie'
  ).split(' ')
  const { seal, ask, preauthenticate } = await open({ identityHeaders: { 'X-Person': 'upn' } })
  const guarded = await ask(`EdgeAccessCookie=${seal()}`)
  const open_ = await preauthenticate(plainRequest('https://news.contoso.test/'))
  for (const [name, answer] of [
    ['with a session', guarded],
    ['at a pass-through application', open_],
  ] as const) {
    if (answer.kind !== 'allow') throw new Error('expected to be let in')
    t.test(`is stripped ${name}, in every spelling that CGI makes one`, async (t) => {
      for (const header of forged)
        for (const spelling of [
          header,
          header.replaceAll('-', '_'),
          header.replaceAll('-', '.'),
          header.replace(/[-_]/, '_'),
        ])
          t.ok(answer.request.removeHeaders(spelling.toLowerCase()), spelling)
    })
    t.test(`and nothing else is stripped ${name}`, async (t) => {
      for (const header of [
        'accept',
        'authorization',
        'content-type',
        'user-agent',
        'x-requested-with',
        'x-http-method-override',
        'origin',
        'x-csrf-token',
        'if-none-match',
        'x-users',
        'x-amz-date',
        'soapaction',
        'range',
        '__proto__',
        'constructor',
      ])
        t.notOk(answer.request.removeHeaders(header), header)
    })
  }
  t.test('under the names of the application’s own identity headers goes as well', async (t) => {
    if (guarded.kind !== 'allow' || open_.kind !== 'allow') throw new Error('expected to be let in')
    t.ok(guarded.request.removeHeaders('x-person'))
    t.ok(guarded.request.removeHeaders('x_person'))
    t.notOk(open_.request.removeHeaders('x-person'))
  })
  t.test('as X-HTTP-Method-Override goes on only where it names a method, in its one spelling', async (t) => {
    for (const [value, removed] of [
      ['PUT', false],
      ['patch', false],
      ['administrator@contoso.test', true],
      ['PUT, DELETE', true],
      ['', true],
    ] as const) {
      const headers = { ...navigation, cookie: `EdgeAccessCookie=${seal()}`, 'x-http-method-override': value }
      for (const url of [crm, 'https://news.contoso.test/']) {
        const answer = await preauthenticate(plainRequest(url, { headers }))
        if (answer.kind !== 'allow') throw new Error('expected to be let in')
        t.equal(answer.request.removeHeaders('x-http-method-override'), removed, `${value} at ${url}`)
        t.ok(answer.request.removeHeaders('x_http_method_override'))
        t.ok(answer.request.removeHeaders('x-forwarded-for'))
      }
    }
  })
  t.test('does not fill the memory with names', async (t) => {
    if (guarded.kind !== 'allow') throw new Error('expected to be let in')
    for (let at = 0; at < 2000; at++) guarded.request.removeHeaders(`x-invented-${at}`)
    t.ok(guarded.request.removeHeaders('x-forwarded-for'))
    t.notOk(guarded.request.removeHeaders('x-invented-1999'))
  })
})

t.test('identity headers', async (t) => {
  const identityHeaders = { 'X-Forwarded-User': 'upn', 'X-Login': 'user-part', 'X-Mail': 'email', 'X-Groups': 'group' }
  const setHeadersOf = async (changes: Partial<AccessSession>, encoding: string) => {
    const { seal, ask } = await open({ identityHeaders, identityHeaderEncoding: encoding })
    const answer = await ask(`EdgeAccessCookie=${seal(changes)}`)
    return answer.kind === 'allow' ? answer.request.setHeaders : undefined
  }

  t.test('say who it is; a claim that is not there makes no header', async (t) => {
    t.strictSame(await setHeadersOf({}, 'percent-encode'), {
      'X-Forwarded-User': 'alice@contoso.test',
      'X-Login': 'alice',
    })
    t.strictSame(await setHeadersOf({ upn: undefined }, 'percent-encode'), {})
    t.strictSame(await setHeadersOf({ headers: { email: 'a@b', group: 'x,y' } }, 'percent-encode'), {
      'X-Forwarded-User': 'alice@contoso.test',
      'X-Login': 'alice',
      'X-Mail': 'a@b',
      'X-Groups': 'x,y',
    })
  })

  t.test('outside visible ASCII go as percent-encoded UTF-8, one person one value', async (t) => {
    const upn = async (text: string) => (await setHeadersOf({ upn: text }, 'percent-encode'))?.['X-Forwarded-User']
    t.equal(await upn('Jürgen@contoso.test'), 'J%C3%BCrgen@contoso.test')
    t.equal(await upn('a b@contoso.test'), 'a%20b@contoso.test')
    t.equal(await upn('J%C3%BCrgen@contoso.test'), 'J%25C3%25BCrgen@contoso.test')
    t.equal(decodeURIComponent((await upn('王\u{1f600}@contoso.test')) ?? ''), '王\u{1f600}@contoso.test')
    t.equal(await upn('a\r\nX: y@contoso.test'), 'a%0D%0AX:%20y@contoso.test')
  })

  t.test('outside visible ASCII are left out where the application is set so', async (t) => {
    t.strictSame(await setHeadersOf({ upn: 'Jürgen@contoso.test' }, 'omit'), {})
    t.strictSame(await setHeadersOf({ upn: 'a%b@contoso.test' }, 'omit'), {
      'X-Forwarded-User': 'a%b@contoso.test',
      'X-Login': 'a%b',
    })
  })

  t.test('come from the claims of the token, and the cookie keeps no other claim', async (t) => {
    const lab = await createFederationServiceLab()
    const preauthenticate = createPreauthenticator({
      applications: [{ name: 'CRM', externalUrl: crm, trustId: crmTrust, identityHeaders }],
      federationService: lab.service,
      cookieKeys: createKeyRing(),
    })
    const browser = new Browser(preauthenticate)
    const { returnUrl, requestId } = await browser.beginAt(crm)
    const token = await lab.issue({
      email: 'alice@mail.test',
      group: ['Staff', 'A, B'],
      secret: 'x'.repeat(4000),
      resource: crm,
    })
    t.equal((await browser.visit(returnAddress(returnUrl, token, requestId))).outcome.decision, 'signed-in')
    t.match(await browser.visit(crm), {
      request: { setHeaders: { 'X-Mail': 'alice@mail.test', 'X-Groups': 'Staff,A%252C%20B' } },
    })
  })
})

t.test('silent renewal', async (t) => {
  const inLastTenth = 3_250_000
  const asked = async (changes: { heard?: number | undefined; at?: number; headers?: object; method?: string }) => {
    const { seal, ask, lab, now } = await open()
    const currentDate = new Date(now.getTime() + (changes.at ?? inLastTenth))
    const { heard = 1000 } = changes
    lab.heardFrom =
      'heard' in changes && changes.heard === undefined ? undefined : new Date(currentDate.getTime() - heard)
    const headers = { ...navigation, cookie: `EdgeAccessCookie=${seal()}`, ...changes.headers }
    return ask('', { currentDate, headers, method: changes.method ?? 'GET' })
  }

  t.test('of a navigation in the last tenth is a round trip, while the federation service is heard from', async (t) => {
    const answer = await asked({})
    t.match(answer, { status: 307, outcome: { decision: 'renewal' } })
    t.match(header(answer, 'location'), /^https:\/\/sts\.contoso\.test\/adfs\/ls\?/)
    t.match(setCookies(answer)[0], /^EdgeSignIn_/)
  })

  for (const [name, changes] of [
    ['before the last tenth', { at: 3_200_000 }],
    ['for a frame', { headers: { 'sec-fetch-dest': 'iframe' } }],
    ['for a fetch', { headers: { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' } }],
    ['for a client that does not say', { headers: { 'sec-fetch-dest': undefined } }],
    ['for a prefetch', { headers: { 'sec-purpose': 'prefetch' } }],
    ['for another method', { method: 'POST' }],
    ['when the federation service was last heard from 30 s ago', { heard: 30_000 }],
    ['when it was never heard from', { heard: undefined }],
  ] as const)
    t.test(`is not tried ${name}: the cookie is used to its end`, async (t) => {
      t.match(await asked(changes), { kind: 'allow', identity: { upn: 'alice@contoso.test' } })
    })
})

t.test('a claims-aware trust', async (t) => {
  const reply = `${wiki}signin-wsfed`
  const signIn = async (applications?: object[]) => {
    const opened = await open()
    const preauthenticate =
      applications === undefined
        ? opened.preauthenticate
        : createPreauthenticator({
            applications: applications as Record<string, unknown>[],
            federationService: opened.lab.service,
            cookieKeys: createKeyRing(),
          })
    const browser = new Browser(preauthenticate)
    const { returnUrl, requestId } = await browser.beginAt(wiki)
    const token = await opened.lab.issue({ relyingpartytrustid: wikiTrust, resource: wiki, sid: 'session-9' })
    const back = await browser.visit(returnAddress(returnUrl, token, requestId))
    return { ...opened, browser, back }
  }
  /** What arrives of our cookies when another site posts: those that are SameSite=None. */
  const crossSitePost = (browser: Browser, changes: Partial<PlainRequest> & { origin?: string } = {}) => {
    const { origin = 'https://sts.contoso.test', ...more } = changes
    const cookie = `EdgeReply=${browser.cookies.get('EdgeReply')}; app=1`
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', origin, cookie }
    return browser.preauthenticate(plainRequest(reply, { method: 'POST', headers, currentDate: browser.now, ...more }))
  }

  t.test('gets a twin of the access cookie that other sites’ posts bring along', async (t) => {
    const { back } = await signIn()
    t.match(setCookies(back)[1], /^EdgeAccessCookie=.*SameSite=Lax$/)
    t.match(setCookies(back)[2], /^EdgeReply=first\.[\w-]+; Path=\/; HttpOnly; Secure; SameSite=None$/)
  })

  t.test('lets the federation service post to a registered address, as nobody', async (t) => {
    const { browser } = await signIn()
    const answer = await crossSitePost(browser)
    t.match(answer, { kind: 'allow', application: { name: 'Wiki' }, outcome: { decision: 'federation-reply' } })
    if (answer.kind !== 'allow') return
    t.equal(answer.identity, undefined)
    t.strictSame(answer.request.setHeaders, {})
    t.equal(answer.request.cookie, 'app=1')
    t.match(
      await crossSitePost(browser, { target: '/Signin-WsFed' }),
      { kind: 'allow' },
      'paths match without regard to case',
    )
  })

  t.test('lets the twin do nothing else', async (t) => {
    const { browser, lab, now } = await signIn()
    for (const [name, changes] of [
      ['a GET', { method: 'GET' }],
      ['a PUT', { method: 'PUT' }],
      ['another path', { target: '/' }],
      ['a path below', { target: '/signin-wsfed/x' }],
      ['a query', { target: '/signin-wsfed?x=1' }],
      ['another origin', { origin: 'https://evil.test' }],
      ['no origin worth the name', { origin: 'null' }],
      ['the end of its token', { currentDate: new Date(now.getTime() + 3_700_000) }],
    ] as const) {
      const answer = await crossSitePost(browser, changes)
      t.equal(answer.kind, 'respond', name)
      t.match(answer, { outcome: { decision: 'sign-in-required' } }, name)
    }
    lab.ended.sids.add('session-9')
    t.match(await crossSitePost(browser), { kind: 'respond' }, 'an ended session')
    lab.ended.sids.clear()
    lab.trusts.set(wikiTrust, trust(wikiTrust, 'Wiki', { claimsAware: true, replyAddresses: [] }))
    t.match(await crossSitePost(browser), { kind: 'respond' }, 'an address that is no longer registered')
  })

  t.test('takes no access cookie for the twin and no twin for the access cookie', async (t) => {
    const { browser } = await signIn()
    const [access = '', twin = ''] = [browser.cookies.get('EdgeAccessCookie'), browser.cookies.get('EdgeReply')]
    browser.cookies.set('EdgeReply', access)
    t.match(await crossSitePost(browser), { kind: 'respond' })
    browser.cookies.set('EdgeAccessCookie', twin)
    t.match(await browser.visit(wiki), { status: 307 })
    browser.cookies.set('EdgeAccessCookie', `1.${twin}`)
    t.match(await browser.visit(wiki), { status: 307 })
  })

  t.test('without TLS gets no twin, but does on a name that never leaves the machine', async (t) => {
    const { lab } = await open()
    for (const [host, twins] of [
      ['wiki.contoso.localhost', 1],
      ['wiki.contoso.test', 0],
    ] as const) {
      Object.assign(lab.service, { signInUrl: () => `http://sts.${host.slice(5)}/adfs/ls` })
      const url = `http://${host}/`
      const preauthenticate = createPreauthenticator({
        applications: [{ name: 'Wiki', externalUrl: url, trustId: wikiTrust }],
        federationService: lab.service,
        cookieKeys: createKeyRing(),
      })
      const browser = new Browser(preauthenticate)
      const { returnUrl, requestId } = await browser.beginAt(url)
      const token = await lab.issue({ relyingpartytrustid: wikiTrust, resource: url })
      const lines = setCookies(await browser.visit(returnAddress(returnUrl, token, requestId)))
      t.equal(lines.filter((line) => line.startsWith('EdgeReply=')).length, twins, host)
      t.ok(
        lines.filter((line) => !line.startsWith('EdgeReply=')).every((line) => !line.includes('Secure')),
        'others are not Secure on http',
      )
    }
  })
})

t.test('a pass-through application', async (t) => {
  const { preauthenticate } = await open()
  const news = 'https://news.contoso.test/'
  t.test('is open to everybody and every program, without our cookies', async (t) => {
    for (const changes of [{}, { method: 'POST' }, { method: 'OPTIONS' }, { headers: scriptFetch }])
      t.match(await preauthenticate(plainRequest(`${news}x?authToken=its-own`, changes)), {
        kind: 'allow',
        identity: undefined,
        request: { target: '/x?authToken=its-own', setHeaders: {} },
        outcome: { decision: 'pass-through' },
      })
    const headers = { cookie: 'EdgeAccessCookie=1.a.b; a=b', authorization: 'Bearer x' }
    const answer = await preauthenticate(plainRequest(news, { headers }))
    t.match(answer, { kind: 'allow', request: { cookie: 'a=b' } })
    t.equal(answer.kind === 'allow' && answer.request.removeHeaders('authorization'), false)
  })
  t.test('forwards the normalised target', async (t) => {
    t.match(await preauthenticate({ ...plainRequest(news), target: '/a/../b/%2e/c%20d' }), {
      request: { target: '/b/c%20d' },
    })
  })
})

t.test('a wrong option is a TypeError when the decision is made, not at the first request', async (t) => {
  const lab = await createFederationServiceLab()
  t.throws(
    () => createPreauthenticator({ applications: [], federationService: lab.service, cookieKeys: [] }),
    TypeError,
  )
  const two = [
    { name: 'A', externalUrl: crm, trustId: crmTrust },
    { name: 'B', externalUrl: crm.toUpperCase().replace('HTTPS', 'https'), trustId: crmTrust },
  ]
  t.throws(
    () => createPreauthenticator({ applications: two, federationService: lab.service, cookieKeys: createKeyRing() }),
    { code: 'overlap' },
  )
})
