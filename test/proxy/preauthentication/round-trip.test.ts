import t from 'tap'
import type { EdgeTokenClaims } from '../../../src/edge-token/index.ts'
import { createPreauthenticator } from '../../../src/proxy/preauthentication/preauthenticator.ts'
import { createFederationServiceLab, createKeyRing, crmTrust, trust, wikiTrust } from '../federation-service-lab.ts'
import { Browser, header, navigation, returnAddress, scriptFetch, setCookies } from './browser-lab.ts'

const crm = 'https://crm.contoso.test/'
const resource = crm

async function open(more: Record<string, unknown> = {}, options: { acceptanceWindow?: number } = {}) {
  const lab = await createFederationServiceLab()
  const preauthenticate = createPreauthenticator({
    applications: [
      { name: 'CRM', externalUrl: crm, backendUrl: 'http://crm.corp.test/', trustId: crmTrust, ...more },
      {
        name: 'Wiki',
        externalUrl: 'https://wiki.contoso.test/',
        backendUrl: 'http://wiki.corp.test/',
        trustId: wikiTrust,
      },
      {
        name: 'Notes',
        externalUrl: 'https://apps.contoso.test/notes/',
        backendUrl: 'http://a.corp.test/notes/',
        trustId: crmTrust,
      },
      {
        name: 'Tasks',
        externalUrl: 'https://apps.contoso.test/tasks/',
        backendUrl: 'http://a.corp.test/tasks/',
        trustId: crmTrust,
      },
    ],
    federationService: lab.service,
    cookieKeys: createKeyRing(),
    ...options,
  })
  return { lab, preauthenticate, browser: new Browser(preauthenticate) }
}

t.test('the round trip', async (t) => {
  t.test('begins with a 307 whose parameters are spelt and ordered as a Windows proxy spells them', async (t) => {
    const { browser } = await open()
    const answer = await browser.visit('https://crm.contoso.test/a%20b/?x=1&y=%2F')
    t.match(answer, { kind: 'respond', status: 307, body: '', outcome: { decision: 'sign-in-required' } })
    const location = header(answer, 'location') ?? ''
    t.match(
      location,
      new RegExp(
        `^https://sts\\.contoso\\.test/adfs/ls\\?version=1\\.0&action=signin&realm=urn%3AAppProxy%3Acom&appRealm=${crmTrust}` +
          '&returnUrl=https%3A%2F%2Fcrm\\.contoso\\.test%2Fa%2520b%2F%3Fx%3D1%26y%3D%252F' +
          '&client-request-id=[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$',
      ),
    )
    t.equal(header(answer, 'cache-control'), 'no-store')
    t.equal(header(answer, 'referrer-policy'), 'no-referrer')
    const [cookie = '', ...others] = setCookies(answer)
    t.strictSame(others, [])
    const requestId = new URL(location).searchParams.get('client-request-id') ?? ''
    t.ok(
      cookie.startsWith(`EdgeSignIn_${requestId.slice(0, 8).toLowerCase()}=`),
      'the cookie is named after the request id',
    )
    t.match(cookie, /; Path=\/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$/)
    t.ok((/^[^;]*/.exec(cookie)?.[0].length ?? 999) < 200, 'the cookie is under 200 bytes')
  })

  t.test('ends with an access cookie and a 307 to the very address that was asked for', async (t) => {
    const { browser, lab } = await open({ identityHeaders: { 'X-Forwarded-User': 'upn' } })
    const asked = 'https://crm.contoso.test/orders/a%20b?x=1&y=%2F&z'
    const { returnUrl, requestId } = await browser.beginAt(asked)
    t.equal(returnUrl, asked)
    const token = await lab.issue({ resource, sid: 'session-1', clientreqid: requestId })
    const back = await browser.visit(returnAddress(returnUrl, token, requestId))
    t.match(back, { status: 307, outcome: { decision: 'signed-in', audit: true, upn: 'alice@contoso.test' } })
    t.equal(header(back, 'location'), asked, 'nothing of the round trip is left in the address')
    t.equal(header(back, 'cache-control'), 'no-store')
    t.equal(header(back, 'referrer-policy'), 'no-referrer')
    t.notMatch(JSON.stringify(back.outcome), token.slice(0, 40), 'no token in what is logged')
    const [over = '', access = '', ...others] = setCookies(back)
    t.strictSame(others, [], 'no reply cookie for a trust that is not claims-aware')
    t.match(over, /^EdgeSignIn_[0-9a-f]{8}=; Path=\/; Max-Age=0; HttpOnly; Secure; SameSite=Lax$/)
    t.match(access, /^EdgeAccessCookie=1\.first\.[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    t.strictSame([...browser.cookies.keys()], ['EdgeAccessCookie'])

    const let_in = await browser.visit(asked)
    t.match(let_in, {
      kind: 'allow',
      identity: { upn: 'alice@contoso.test', sid: 'session-1', relyingPartyTrust: crmTrust },
      request: {
        target: '/orders/a%20b?x=1&y=%2F&z',
        cookie: undefined,
        setHeaders: { 'X-Forwarded-User': 'alice@contoso.test' },
      },
      outcome: { decision: 'access-cookie', upn: 'alice@contoso.test' },
    })
  })

  t.test('takes an address of 8 kB there and back', async (t) => {
    const { browser, lab } = await open()
    const asked = `https://crm.contoso.test/list?q=${'%C3%A4'.repeat(1300)}`
    t.ok(asked.length > 7_800)
    const { returnUrl, requestId } = await browser.beginAt(asked)
    const back = await browser.visit(returnAddress(returnUrl, await lab.issue({ resource }), requestId))
    t.equal(header(back, 'location'), asked)
  })

  t.test('refuses an address that could not come back', async (t) => {
    const { browser } = await open()
    const answer = await browser.visit(`https://crm.contoso.test/?q=${'%C3%A4'.repeat(3000)}`)
    t.match(answer, { status: 414 })
    t.equal(header(answer, 'location'), undefined)
    t.equal(browser.cookies.size, 0)
  })

  t.test('cuts the token out by text and leaves the rest of the query as it is', async (t) => {
    const { browser, lab } = await open()
    for (const query of [
      '?',
      '?a=%41&&b=+&c=%',
      '?x=1;y=2',
      '?client-request-id=mine&a',
      '?q=authToken',
      '?%61uthToken=x',
    ]) {
      const asked = `https://crm.contoso.test/p${query}`
      const { returnUrl, requestId } = await browser.beginAt(asked)
      browser.cookies.delete('EdgeAccessCookie')
      const back = await browser.visit(returnAddress(returnUrl, await lab.issue({ resource }), requestId))
      t.equal(header(back, 'location'), query === '?' ? 'https://crm.contoso.test/p' : asked, query)
      t.equal(back.outcome.decision, 'signed-in')
      browser.cookies.clear()
    }
  })

  t.test('gives applications below a path a cookie of their own, for the whole host', async (t) => {
    const { browser, lab } = await open()
    for (const name of ['notes', 'tasks']) {
      const { returnUrl, requestId } = await browser.beginAt(`https://apps.contoso.test/${name}/`)
      const token = await lab.issue({ resource: `https://apps.contoso.test/${name}/` })
      await browser.visit(returnAddress(returnUrl, token, requestId))
    }
    const names = [...browser.cookies.keys()]
    t.equal(names.length, 2)
    for (const name of names) t.match(name, /^EdgeAccessCookie_[0-9a-f]{12}$/)
    t.match(await browser.visit('https://apps.contoso.test/notes/x'), { kind: 'allow', application: { name: 'Notes' } })
    t.match(await browser.visit('https://apps.contoso.test/tasks'), { kind: 'allow', application: { name: 'Tasks' } })
  })

  t.test('makes a persistent cookie only as long as its token', async (t) => {
    for (const { setting, age } of [
      { setting: 600, age: 600 },
      { setting: 86_400, age: 3590 },
    ]) {
      const { browser, lab } = await open({ persistentAccessCookieExpirationTimeSec: setting })
      const { returnUrl, requestId } = await browser.beginAt(crm)
      const at = new Date(Math.floor(browser.now.getTime() / 1000) * 1000 - 10_000)
      browser.now = new Date(at.getTime() + 10_000)
      const back = await browser.visit(returnAddress(returnUrl, await lab.issue({ resource }, { at }), requestId))
      t.match(setCookies(back)[1], new RegExp(`; Max-Age=${age}; HttpOnly`), `setting ${setting}`)
    }
  })

  t.test('leaves HttpOnly out where the application is set so', async (t) => {
    const { browser, lab } = await open({ disableHttpOnlyCookieProtection: true })
    const { returnUrl, requestId } = await browser.beginAt(crm)
    const back = await browser.visit(returnAddress(returnUrl, await lab.issue({ resource }), requestId))
    t.match(setCookies(back)[1], /^EdgeAccessCookie=[^;]+; Path=\/; Secure; SameSite=Lax$/)
  })

  t.test('takes what a foreign AD FS sends: upper or lower case id, no resource, no sid, no clientreqid', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(`${crm}x?y=1`)
    const back = await browser.visit(returnAddress(returnUrl, await lab.issue({}), requestId.toLowerCase()))
    t.equal(back.outcome.decision, 'signed-in')
  })

  t.test('keeps at most eight sign-in cookies on a host and drops the oldest', async (t) => {
    const { browser } = await open()
    const names: string[] = []
    for (let at = 0; at < 30; at++) {
      browser.now = new Date(browser.now.getTime() + 1000)
      await browser.visit(`${crm}tab-${at}`)
      names.push([...browser.cookies.keys()].at(-1) ?? '')
      t.ok(browser.cookies.size <= 8)
    }
    t.strictSame([...browser.cookies.keys()].sort(), names.slice(-8).sort())
    t.ok(browser.cookieHeader.length < 2000)
  })

  t.test('throws out sign-in cookies that it cannot open before its own', async (t) => {
    const { browser } = await open()
    for (let at = 0; at < 9; at++) browser.cookies.set(`EdgeSignIn_0000000${at}`, 'junk')
    await browser.visit(crm)
    t.equal(browser.cookies.size, 8)
  })

  t.test('says that the address must be tried later while no keys are known', async (t) => {
    const { browser, lab } = await open()
    lab.isReady = false
    const answer = await browser.visit(crm)
    t.match(answer, { status: 503, outcome: { decision: 'not-ready', code: 'keys-unavailable' } })
    t.equal(header(answer, 'retry-after'), '5')
    t.equal(browser.cookies.size, 0)
    t.match(await browser.visit(crm, { headers: scriptFetch }), {
      status: 503,
      headers: { 'Content-Type': 'application/problem+json' },
    })
  })
})

t.test('a token without the sign-in cookie it belongs to', async (t) => {
  t.test('is not looked at: a GET begins a new round trip to the clean address', async (t) => {
    const { browser, lab } = await open()
    const token = await lab.issue({ resource })
    const answer = await browser.visit(`${crm}p?a=1&authToken=${token}&client-request-id=0`)
    t.match(answer, { status: 307, outcome: { decision: 'sign-in-required' } })
    t.equal(new URL(header(answer, 'location') ?? '').searchParams.get('returnUrl'), `${crm}p?a=1`)
    t.notOk(browser.cookies.has('EdgeAccessCookie'))
  })

  t.test('is cut out by a 307 where there is access already', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(`${crm}p`)
    const back = returnAddress(returnUrl, await lab.issue({ resource, clientreqid: requestId }), requestId)
    await browser.visit(back)
    const before = browser.cookieHeader
    for (const method of ['GET', 'HEAD', 'POST']) {
      const again = await browser.visit(back, { method })
      t.match(again, { status: 307, outcome: { decision: 'token-discarded' } }, `${method}: Back and bookmarks heal`)
      t.equal(header(again, 'location'), `${crm}p`)
      t.equal(browser.cookieHeader, before, 'no cookie changes')
    }
  })

  t.test('refuses a POST, of which nothing is passed on', async (t) => {
    const { browser, lab } = await open()
    const answer = await browser.visit(`${crm}p?authToken=${await lab.issue({ resource })}`, { method: 'POST' })
    t.match(answer, { status: 403, outcome: { decision: 'refused', code: 'stray-token' } })
  })

  t.test('gets a program a 401, not a redirect', async (t) => {
    const { browser, lab } = await open()
    const answer = await browser.visit(`${crm}p?authToken=${await lab.issue({ resource })}`, { headers: scriptFetch })
    t.match(answer, { status: 401 })
  })

  t.test('is not taken twice with the same cookie', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(`${crm}p`)
    const kept = new Map(browser.cookies)
    const back = returnAddress(returnUrl, await lab.issue({ resource }), requestId)
    t.equal((await browser.visit(back)).outcome.decision, 'signed-in')
    browser.cookies.clear()
    for (const [name, value] of kept) browser.cookies.set(name, value)
    t.equal((await browser.visit(back)).outcome.decision, 'sign-in-required')
    t.notOk(browser.cookies.has('EdgeAccessCookie'))
  })

  t.test('is not taken with the cookie of another browser, address, application or time', async (t) => {
    const { lab, preauthenticate, browser: victim } = await open()
    const attacker = new Browser(preauthenticate)
    const theirs = await attacker.beginAt(`${crm}p`)
    const token = await lab.issue({ resource, upn: 'mallory@contoso.test' })
    await victim.beginAt(`${crm}p`)
    const forged = returnAddress(theirs.returnUrl, token, theirs.requestId)
    t.equal((await victim.visit(forged)).outcome.decision, 'sign-in-required', 'another browser')
    const elsewhere = returnAddress(`${crm}other`, token, theirs.requestId)
    t.equal((await attacker.visit(elsewhere)).outcome.decision, 'sign-in-required', 'another address')
    const late = new Browser(preauthenticate)
    const slow = await late.beginAt(`${crm}p`)
    late.now = new Date(late.now.getTime() + 601_000)
    t.equal(
      (await late.visit(returnAddress(slow.returnUrl, token, slow.requestId))).outcome.decision,
      'sign-in-required',
      'too late',
    )
    t.notOk(
      victim.cookies.has('EdgeAccessCookie') ||
        attacker.cookies.has('EdgeAccessCookie') ||
        late.cookies.has('EdgeAccessCookie'),
    )
  })

  t.test('is not taken where there are two of them', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(`${crm}p`)
    const token = await lab.issue({ resource })
    const answer = await browser.visit(
      `${returnUrl}?authToken=${token}&authToken=${token}&client-request-id=${requestId}`,
    )
    t.equal(answer.outcome.decision, 'sign-in-required')
    t.equal(new URL(header(answer, 'location') ?? '').searchParams.get('returnUrl'), `${crm}p`, 'both are cut out')
  })

  t.test('under another spelling of the name is an application’s own parameter', async (t) => {
    const { browser, lab } = await open()
    const { requestId } = await browser.beginAt(`${crm}p`)
    const token = await lab.issue({ resource })
    for (const name of ['AuthToken', 'authtoken', 'auth%54oken']) {
      const answer = await browser.visit(`${crm}p?${name}=${token}&client-request-id=${requestId}`)
      t.equal(answer.outcome.decision, 'sign-in-required', name)
    }
  })
})

t.test('a browser that does not keep our cookie', async (t) => {
  t.test('is told so at the second attempt, instead of being sent round for ever', async (t) => {
    const { lab, preauthenticate } = await open()
    const forgetful = () => new Browser(preauthenticate)
    let { returnUrl, requestId } = await forgetful().beginAt(`${crm}p`)
    const token = await lab.issue({ resource })
    const first = await forgetful().beginAt(returnAddress(returnUrl, token, requestId))
    t.equal(first.returnUrl, `${crm}p`, 'the first time a new round trip, silent for who is signed in')
    ;({ returnUrl, requestId } = first)
    const second = await forgetful().visit(returnAddress(returnUrl, token, requestId))
    t.match(second, { status: 403, outcome: { decision: 'refused', code: 'cookie-not-kept' } })
    t.match(second.kind === 'respond' && second.body, 'Your browser does not keep our cookie')
  })

  t.test('is not suspected where it sent another sign-in cookie, or came back after ten minutes', async (t) => {
    const { lab, preauthenticate } = await open()
    const token = await lab.issue({ resource })
    const twice = async () => {
      const first = await new Browser(preauthenticate).beginAt(`${crm}p`)
      return new Browser(preauthenticate).beginAt(returnAddress(first.returnUrl, token, first.requestId))
    }
    const second = await twice()
    const keeper = new Browser(preauthenticate)
    await keeper.beginAt(`${crm}elsewhere`)
    t.equal(
      (await keeper.visit(returnAddress(second.returnUrl, token, second.requestId))).outcome.decision,
      'sign-in-required',
    )
    const late = new Browser(preauthenticate, new Date(Date.now() + 601_000))
    t.equal(
      (await late.visit(returnAddress(second.returnUrl, token, second.requestId))).outcome.decision,
      'sign-in-required',
    )
  })

  t.test('is not suspected because of a request id that we did not make', async (t) => {
    const { browser, lab } = await open()
    const token = await lab.issue({ resource })
    const answer = await browser.visit(
      `${crm}p?authToken=${token}&client-request-id=00000002-0000-0000-0000-000000000000`,
    )
    t.equal(answer.outcome.decision, 'sign-in-required')
  })
})

t.test('a round trip of its own that fails', async (t) => {
  const now = new Date()
  const rows: {
    name: string
    claims?: Partial<EdgeTokenClaims>
    issued?: { at?: Date; lifetime?: number }
    change?: (token: string) => string
    code: string
    event?: number
    says: RegExp
  }[] = [
    {
      name: 'with a token signed by somebody else',
      change: (token) => `${token.slice(0, -8)}AAAAAAAA`,
      code: 'signature',
      event: 13_012,
      says: /does not carry a valid signature/,
    },
    {
      name: 'with something that is no token',
      change: () => 'nonsense',
      code: 'malformed',
      event: 13_014,
      says: /could not be read/,
    },
    { name: 'with an empty token', change: () => '', code: 'malformed', event: 13_014, says: /could not be read/ },
    {
      name: 'with an expired token',
      issued: { at: new Date(now.getTime() - 4000_000) },
      code: 'expired',
      event: 13_013,
      says: /no longer accepted/,
    },
    {
      name: 'with a token older than the acceptance window',
      issued: { at: new Date(now.getTime() - 123_000) },
      code: 'acceptance-window',
      event: 13_013,
      says: /took too long/,
    },
    {
      name: 'with a token from the future',
      issued: { at: new Date(now.getTime() + 200_000) },
      code: 'not-yet-valid',
      event: 13_028,
      says: /not valid yet, by (?:199|200) seconds/,
    },
    {
      name: 'with a token of another application',
      claims: { relyingpartytrustid: wikiTrust },
      code: 'relying-party',
      says: /for another application/,
    },
    {
      name: 'with a token for another address',
      claims: { resource: 'https://wiki.contoso.test/' },
      code: 'resource',
      says: /for another application/,
    },
    {
      name: 'with a token of another federation service',
      claims: { iss: 'http://sts.fabrikam.test/adfs/services/trust' },
      code: 'issuer',
      says: /another federation service/,
    },
    {
      name: 'with a token for another proxy',
      claims: { aud: 'urn:other' },
      code: 'audience',
      says: /another federation service/,
    },
    {
      name: 'with a token of another round trip',
      claims: { clientreqid: '00000000-0000-0000-0000-000000000001' },
      code: 'request-id',
      says: /another request/,
    },
    {
      name: 'with half of a combo token',
      claims: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' },
      code: 'combo',
      event: 13_014,
      says: /could not be read/,
    },
    {
      name: 'with a token of an ended session',
      claims: { sid: 'ended' },
      code: 'session-ended',
      says: /has been ended/,
    },
  ]
  for (const { name, claims = {}, issued = {}, change, code, event, says } of rows) {
    t.test(`${name} shows the step in plain words, once, and redirects nowhere`, async (t) => {
      const { browser, lab } = await open()
      browser.now = now
      lab.ended.sids.add('ended')
      const { returnUrl, requestId } = await browser.beginAt(`${crm}p?a=1`)
      const token = await lab.issue({ resource, ...claims }, { at: now, ...issued })
      const address = returnAddress(returnUrl, change?.(token) ?? token, requestId)
      const answer = await browser.visit(address, { requestId: 'req-42' })
      t.match(answer, { status: 403, outcome: { decision: 'refused', audit: true, code } })
      t.equal(answer.outcome.wapEvent, event)
      t.equal(header(answer, 'location'), undefined)
      t.equal(header(answer, 'cache-control'), 'no-store')
      const body = answer.kind === 'respond' ? answer.body : ''
      t.match(body, says)
      for (const part of ['CRM', 'req-42', 'Sign in again', 'href="https://crm.contoso.test/p?a=1"'])
        t.ok(body.includes(part), part)
      t.notOk(body.includes('authToken'), 'the page shows no token')
      t.equal(browser.cookies.size, 0, 'the sign-in cookie is gone, and no access cookie came')
      t.equal((await browser.visit(address)).outcome.decision, 'sign-in-required', 'a reload begins anew')
    })
  }

  t.test('because its trust was disabled meanwhile says so', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(crm)
    lab.trusts.set(crmTrust, trust(crmTrust, 'CRM', { enabled: false }))
    const answer = await browser.visit(returnAddress(returnUrl, await lab.issue({ resource }), requestId))
    t.match(answer, { status: 403, outcome: { code: 'trust-disabled' } })
    t.match(
      await browser.visit(crm),
      { status: 403, outcome: { code: 'trust-disabled' } },
      'and no new round trip begins',
    )
  })

  t.test('because the identity headers need more than a cookie holds says so', async (t) => {
    const { browser, lab } = await open({ identityHeaders: { 'X-Groups-Of-Person': 'group' } })
    const { returnUrl, requestId } = await browser.beginAt(crm)
    const token = await lab.issue({ resource, group: Array.from({ length: 300 }, (_, at) => `group number ${at}`) })
    const answer = await browser.visit(returnAddress(returnUrl, token, requestId))
    t.match(answer, { status: 403, outcome: { code: 'cookie-too-large' } })
  })

  t.test('is told to a program as a problem document', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(crm)
    const token = await lab.issue({ resource, sid: 'ended' })
    lab.ended.sids.add('ended')
    const answer = await browser.visit(returnAddress(returnUrl, token, requestId), { headers: scriptFetch })
    t.match(answer, { status: 403 })
    t.match(JSON.parse(answer.kind === 'respond' ? answer.body : ''), {
      status: 403,
      code: 'session-ended',
      application: 'CRM',
    })
  })

  t.test('in German for who prefers it', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(crm)
    const token = await lab.issue({ resource: 'https://wiki.contoso.test/' })
    const answer = await browser.visit(returnAddress(returnUrl, token, requestId), {
      headers: { ...navigation, 'accept-language': 'de-AT,de;q=0.9,en;q=0.5' },
    })
    t.match(answer.kind === 'respond' && answer.body, /lang="de"[\s\S]*andere Anwendung/)
    t.equal(header(answer, 'vary'), 'Accept-Language')
  })

  t.test('without keys to judge it is a 503, and can be begun again', async (t) => {
    const { browser, lab } = await open()
    const { returnUrl, requestId } = await browser.beginAt(crm)
    const { EdgeTokenError } = await import('../../../src/edge-token/index.ts')
    const verify = lab.service.verifier.verify
    lab.service.verifier.verify = async () => {
      throw new EdgeTokenError('keys-unavailable', 'no keys')
    }
    const answer = await browser.visit(returnAddress(returnUrl, await lab.issue({ resource }), requestId))
    t.match(answer, { status: 503, outcome: { decision: 'not-ready' } })
    t.equal(browser.cookies.size, 0)
    lab.service.verifier.verify = verify
    t.equal((await browser.visit(crm)).outcome.decision, 'sign-in-required')
  })
})

t.test('the acceptance window is what the options say', async (t) => {
  const { browser, lab } = await open({}, { acceptanceWindow: 10 })
  const { returnUrl, requestId } = await browser.beginAt(crm)
  const token = await lab.issue({ resource }, { at: new Date(browser.now.getTime() - 12_000) })
  t.match(await browser.visit(returnAddress(returnUrl, token, requestId)), { outcome: { code: 'acceptance-window' } })
  for (const acceptanceWindow of [0, -1, Number.NaN, 3601])
    await t.rejects(open({}, { acceptanceWindow }), TypeError, String(acceptanceWindow))
})
