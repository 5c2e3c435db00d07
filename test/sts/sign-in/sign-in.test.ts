import t from 'tap'
import { formsOf, signIn, signInForm, submit } from '../../lab/forms.ts'
import type { Answer } from '../../lab/http-client.ts'
import { alertOf, alice, bob, crmUrl, password, startFederationServer } from '../running-federation-server.ts'

const portal = (url: string) => `${url}/adfs/portal`

t.test('the page works without script, is labelled, and says what it is for', async (t) => {
  const { crm, edgeAddress, browser } = await startFederationServer(t)
  const { body, headers } = await browser().visit(edgeAddress(crm, crmUrl))
  t.match(body, /^<!DOCTYPE html>\n<html lang="en">/)
  t.notMatch(body, /<script|<style|style=|javascript:|\son[a-z]+=/i)
  t.match(body, '<label for="user-name">User name</label>')
  t.match(body, /<input type="text" id="user-name" name="UserName"[^>]* autocomplete="username"[^>]* autofocus>/)
  t.match(body, '<label for="password">Password</label>')
  t.match(body, /<input type="password" id="password" name="Password" autocomplete="current-password"/)
  t.match(body, 'to continue to Customer relations')
  t.notMatch(body, /role="alert"|aria-invalid/)
  t.notMatch(body, 'Keep me signed in')
  t.equal(headers['referrer-policy'], 'strict-origin')
})

t.test('German for a browser that asks for it', async (t) => {
  const { url, browser } = await startFederationServer(t)
  const client = browser({ 'accept-language': 'de-CH, de;q=0.9, en;q=0.5' })
  const page = await client.visit(portal(url))
  t.match(page.body, '<html lang="de">')
  t.match(page.body, 'Kennwort')
  t.equal(page.headers['content-language'], 'de')
  t.match(alertOf(await signIn(client, page, alice, 'wrong')), /stimmt nicht/)
})

t.test('unknown, disabled, locked, wrong and overlong passwords are answered alike', async (t) => {
  const { server, url, browser } = await startFederationServer(t, { lockout: { threshold: 2 } })
  const names = {
    unknown: 'who@contoso.test',
    disabled: 'off@contoso.test',
    locked: 'key@contoso.test',
    wrong: 'one@contoso.test',
    long: 'two@contoso.test',
    formless: 'no-one_contoso.t',
  }
  for (const upn of [names.disabled, names.locked, names.wrong, names.long]) await server.people.add({ upn, password })
  await server.accounts.disable(names.disabled, new Date())
  for (let attempt = 0; attempt < 3; attempt++) {
    const client = browser()
    await signIn(client, await client.visit(portal(url)), names.locked, 'wrong')
  }
  const answers: { name: string; answer: Answer; code: string | undefined }[] = []
  for (const [name, upn] of Object.entries(names)) {
    const client = browser()
    const given = name === 'disabled' || name === 'locked' ? password : name === 'long' ? 'x'.repeat(1025) : 'wrong'
    const answer = await signIn(client, await client.visit(portal(url)), upn, given)
    answers.push({ name, answer, code: server.audit.list({ who: upn, event: 'sign-in-refused' })[0]?.code })
  }
  t.equal(new Set(answers.map(({ code }) => code)).size, 6, 'the audit trail tells them apart')
  const comparable = ({ status, body, headers, setCookies }: Answer, upn: string) => ({
    status,
    body: body.replaceAll(upn, '').replace(/name="FormToken" value="[^"]*"/, ''),
    headers: { ...headers, date: '', 'client-request-id': '', 'set-cookie': '' },
    setCookies: setCookies.map((line) => line.replace(/=[^;]*/, '')),
  })
  const [first] = answers
  for (const { name, answer } of answers) {
    t.equal(answer.status, 200, name)
    t.equal(
      answer.setCookies.some((line) => line.includes('SsoSession')),
      false,
      name,
    )
    const typed = names[name as keyof typeof names]
    if (first) t.same(comparable(answer, typed), comparable(first.answer, names.unknown), name)
  }
  t.same(server.sessions.list(new Date()), [])
})

t.test('a refused sign-in keeps the name, forgets the password, and ties the text to the fields', async (t) => {
  const { url, browser } = await startFederationServer(t)
  const client = browser()
  const { body } = await signIn(
    client,
    await client.visit(portal(url)),
    '"><script>alert(1)</script>@contoso.test',
    'wrong&secret',
  )
  t.notMatch(body, /<script>|wrong&/)
  t.match(body, '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;@contoso.test')
  t.match(body, /<p class="alert" role="alert" id="problem">/)
  t.match(body, /id="user-name"[^>]* aria-invalid="true" aria-describedby="problem user-name-hint"/)
  t.match(body, /id="password"[^>]* aria-invalid="true" aria-describedby="problem" autofocus>/)
})

t.test('an empty field is asked for where it is', async (t) => {
  const { server, url, browser } = await startFederationServer(t)
  const client = browser()
  const page = await client.visit(portal(url))
  const noName = await signIn(client, page, ' ', 'x')
  t.match(noName.body, /aria-describedby="user-name-problem user-name-hint"/)
  t.equal(alertOf(noName), 'Enter your user name.')
  t.equal(alertOf(await signIn(client, page, alice, '')), 'Enter your password.')
  t.same(server.audit.list(), [], 'nothing was tried')
})

t.test('what a sign-in sets: a session cookie, a new pre-login cookie, a familiar device', async (t) => {
  const { url, browser } = await startFederationServer(t)
  const client = browser()
  const page = await client.visit(portal(url))
  const before = client.jar.all(new URL(url))
  t.same(Object.keys(before), ['SignInForm'])
  const answer = await signIn(client, page, alice, password)
  t.same([answer.status, answer.headers.location], [303, '/adfs/portal'])
  const after = client.jar.all(new URL(url))
  t.match(after['SsoSession'], /^[\w-]{43}$/)
  t.ok(after['SignInForm'])
  t.not(after['SignInForm'], before['SignInForm'], 'the value before the sign-in is worth nothing after it')
  t.match(client.jar.attributes(new URL(url), 'SsoSession'), /^; Path=\/; HttpOnly; SameSite=Lax$/)
  t.match(client.jar.attributes(new URL(url), 'FamiliarDevice'), /; HttpOnly; SameSite=Lax; Max-Age=2592000$/)
})

t.test('nobody is signed in when the audit trail cannot be written', async (t) => {
  const { server, url, browser } = await startFederationServer(t)
  const { within } = server.audit
  const { record } = within
  within.record = (transaction, event) => {
    if (event.event === 'sign-in') throw new Error('disk full')
    record(transaction, event)
  }
  const client = browser()
  const answer = await signIn(client, await client.visit(portal(url)), alice, password)
  t.equal(answer.status, 500)
  t.notMatch(answer.body, 'disk full')
  t.notOk(answer.setCookies.some((line) => line.includes('SsoSession')))
  t.same(server.sessions.list(new Date()), [])
})

t.test('a session cookie that was planted before is not taken over', async (t) => {
  const { url, browser, signedIn } = await startFederationServer(t)
  const mallory = await signedIn(bob)
  const planted = mallory.jar.all(new URL(url))['SsoSession'] ?? ''
  await mallory.ask(`${url}/adfs/ls?wa=wsignout1.0`)
  const client = browser()
  const page = await client.visit(portal(url))
  client.jar.put(new URL(url), 'SsoSession', planted)
  t.equal((await signIn(client, page, alice, password)).status, 303)
  t.not(client.jar.all(new URL(url))['SsoSession'], planted)
})

t.test('a form that does not come from our page signs nobody in', async (t) => {
  const { server, url, browser } = await startFederationServer(t)
  const fields = { UserName: alice, Password: password }
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' },
    { origin: 'null' },
    { origin: url, 'sec-fetch-site': 'cross-site' },
    { origin: url.replace('sts.', 'app.'), 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of foreign) {
    const client = browser()
    const form = signInForm(await client.visit(portal(url)))
    const answer = await client.ask(portal(url), { form: { ...form?.fields, ...fields }, headers })
    t.equal(answer.status, 403, JSON.stringify(headers))
    t.same(answer.setCookies, [])
    t.notOk(signInForm(answer))
  }
  const without = browser()
  await without.visit(portal(url))
  const noToken = await without.ask(portal(url), { form: fields })
  t.equal(noToken.status, 400, 'no token')
  const mallory = browser()
  const mallorysToken = signInForm(await mallory.visit(portal(url)))?.fields['FormToken'] ?? ''
  const victim = browser()
  await victim.visit(portal(url))
  const planted = await victim.ask(portal(url), { form: { ...fields, FormToken: mallorysToken } })
  t.equal(planted.status, 400, "another browser's token")
  for (const answer of [noToken, planted]) t.ok(signInForm(answer), 'the form is shown again')
  t.same(server.sessions.list(new Date()), [])
  t.same(
    new Set(server.audit.list({ event: 'sign-in-refused' }).map(({ code }) => code)),
    new Set(['foreign-form', 'stale']),
  )
})

t.test('a browser that keeps no cookie is told so', async (t) => {
  const { url, browser } = await startFederationServer(t)
  const client = browser()
  const page = await client.visit(portal(url))
  client.jar.forget(new URL(url))
  const answer = await signIn(client, page, alice, password)
  t.equal(answer.status, 400)
  t.match(alertOf(answer), /does not keep our cookie/)
  t.match(answer.body, `value="${alice}"`, 'the name stays')
  t.equal((await signIn(client, answer, alice, password)).status, 303, 'and a second try is enough once it does')
})

t.test('an old form goes on by itself when the person is signed in by now', async (t) => {
  const { crm, edgeAddress, browser, server } = await startFederationServer(t)
  const client = browser()
  const [first, second] = [await client.visit(edgeAddress(crm, crmUrl)), await client.visit(edgeAddress(crm, crmUrl))]
  t.equal((await signIn(client, second, alice, password)).status, 303)
  const answer = await signIn(client, first, alice, 'typed before, whatever it is')
  t.equal(answer.status, 303)
  t.match(answer.headers.location, 'authToken=')
  t.equal(server.sessions.list(new Date()).length, 1)
})

t.test('an old form is shown again after a sign-out', async (t) => {
  const { url, browser } = await startFederationServer(t)
  const client = browser()
  const old = await client.visit(portal(url))
  await signIn(client, old, alice, password)
  await client.visit(`${url}/adfs/ls?wa=wsignout1.0`)
  await client.visit(portal(url))
  const answer = await signIn(client, old, alice, password)
  t.equal(answer.status, 400)
  t.match(alertOf(answer), /open for too long/)
  t.equal((await signIn(client, answer, alice, password)).status, 303)
})

t.test('two tabs share one form cookie', async (t) => {
  const { url, browser } = await startFederationServer(t)
  const client = browser()
  const [first] = [await client.visit(portal(url)), await client.visit(portal(url))]
  t.equal((await signIn(client, first, alice, password)).status, 303)
})

t.test('keep me signed in: offered and granted only where it is configured', async (t) => {
  await t.test('not configured', async (t) => {
    const { url, browser } = await startFederationServer(t)
    const client = browser()
    const form = signInForm(await client.visit(portal(url)))
    const page = await client.visit(portal(url))
    t.ok(form)
    if (form) await submit(client, page, form, { UserName: alice, Password: password, Kmsi: 'true' })
    t.match(client.jar.attributes(new URL(url), 'SsoSession'), /SameSite=Lax$/)
  })
  await t.test('configured', async (t) => {
    const { server, url, browser } = await startFederationServer(t, { keepMeSignedIn: true })
    for (const { ticked, maxAge } of [
      { ticked: false, maxAge: false },
      { ticked: true, maxAge: true },
    ]) {
      const client = browser()
      const page = await client.visit(portal(url))
      const form = formsOf(page)[0]
      if (form === undefined) throw new Error('no form')
      await submit(client, page, form, { UserName: alice, Password: password, ...(ticked && { Kmsi: 'true' }) })
      t.equal(/Max-Age=604800$/.test(client.jar.attributes(new URL(url), 'SsoSession') ?? ''), maxAge)
    }
    t.same(
      server.sessions
        .list(new Date())
        .map(({ persistent }) => persistent)
        .sort(),
      [false, true],
    )
  })
})

t.test('a disabled person and a changed password end the sessions at once', async (t) => {
  const { server, url, crm, edgeAddress, signedIn } = await startFederationServer(t)
  const client = await signedIn(alice)
  t.equal((await client.visit(edgeAddress(crm, crmUrl))).status, 302)
  await server.accounts.setPassword(alice, 'another-password', new Date())
  t.ok(signInForm(await client.visit(edgeAddress(crm, crmUrl))))
  const again = await signIn(client, await client.visit(portal(url)), alice, 'another-password')
  t.equal(again.status, 303)
  await server.accounts.disable(alice, new Date())
  t.ok(signInForm(await client.visit(edgeAddress(crm, crmUrl))))
})

t.test(
  'an account that is disabled or gets another password during the sign-in is refused like any other',
  async (t) => {
    const { server, url, browser } = await startFederationServer(t)
    const { passwords, accounts } = server
    const { authenticate } = passwords
    for (const change of [
      () => accounts.setPassword(alice, 'another-password', new Date()),
      () => accounts.disable(alice, new Date()),
    ]) {
      const client = browser()
      const page = await client.visit(portal(url))
      // the moment after the check and before the session: as late as it can be
      passwords.authenticate = async (attempt) => {
        const result = await authenticate(attempt)
        await change()
        return result
      }
      const answer = await signIn(client, page, alice, password)
      passwords.authenticate = authenticate
      t.equal(answer.status, 200)
      t.match(alertOf(answer), /not right/)
      t.notOk(answer.setCookies.some((line) => /SsoSession|FamiliarDevice/.test(line)))
      t.match(server.audit.list({ who: alice })[0], { event: 'sign-in-refused', code: 'session-ended' })
      await accounts.enable(alice)
      await server.people.setPassword(alice, password)
    }
    t.same(server.sessions.list(new Date()), [])
    t.same(server.audit.list({ event: 'sign-in' }), [])
  },
)

t.test('a trust that is switched off during the sign-in leads nowhere; the person is signed in', async (t) => {
  const { server, crm, url, edgeAddress, browser } = await startFederationServer(t)
  const { passwords, trusts } = server
  const { authenticate } = passwords
  passwords.authenticate = async (attempt) => {
    const result = await authenticate(attempt)
    await trusts.update(crm.id, { enabled: false })
    return result
  }
  const client = browser()
  const answer = await signIn(client, await client.visit(edgeAddress(crm, crmUrl)), alice, password)
  t.equal(answer.status, 400)
  t.match(answer.body, /switched off/)
  t.equal(answer.headers.location, undefined)
  t.notOk(signInForm(await client.visit(portal(url))))
  t.same(server.audit.list({ event: 'edge-token-issued' }), [])
  t.match(server.audit.list({ event: 'edge-refused' }), [{ code: 'trust-disabled', who: alice, what: crm.name }])
})

t.test('too many at once: 503 with Retry-After, and the form stays', async (t) => {
  const { server, url, browser } = await startFederationServer(t)
  const clients = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const client = browser()
      return { client, page: await client.visit(portal(url)) }
    }),
  )
  const answers = await Promise.all(clients.map(({ client, page }) => signIn(client, page, alice, password)))
  const busy = answers.filter(({ status }) => status === 503)
  t.ok(busy.length > 0)
  t.ok(answers.some(({ status }) => status === 303))
  for (const answer of busy) {
    t.match(answer.headers['retry-after'], /^[1-9]\d*$/)
    t.match(alertOf(answer), /Too many people/)
    t.ok(signInForm(answer))
  }
  t.match(server.audit.list({ event: 'sign-in-refused' })[0], { code: 'busy' })
})

t.test('lockout counts the socket, not what a client says of itself', async (t) => {
  const { server, url, browser } = await startFederationServer(t, { lockout: { threshold: 3 } })
  for (let attempt = 0; attempt < 4; attempt++) {
    const client = browser({ 'x-forwarded-for': `10.0.0.${attempt}`, 'x-ms-forwarded-client-ip': `10.1.0.${attempt}` })
    await signIn(client, await client.visit(portal(url)), alice, 'wrong')
  }
  const client = browser()
  const answer = await signIn(client, await client.visit(portal(url)), alice, password)
  t.equal(answer.status, 200)
  t.match(server.audit.list({ who: alice })[0], { code: 'locked-out', from: '127.0.0.1' })
  t.match(server.audit.list({ event: 'lockout' }), [{ who: alice }])
})

t.test('behind a trusted proxy the address is the one that the proxy says', async (t) => {
  const { server, url, browser } = await startFederationServer(t, { trustedProxies: ['127.0.0.1'] })
  const client = browser({ 'x-forwarded-for': '198.51.100.7, 203.0.113.9' })
  await signIn(client, await client.visit(portal(url)), alice, password)
  t.equal(server.audit.list({ event: 'sign-in' })[0]?.from, '203.0.113.9')
  const strange = browser({ 'x-forwarded-for': '<script>' })
  await signIn(strange, await strange.visit(portal(url)), alice, password)
  t.equal(server.audit.list({ event: 'sign-in' })[0]?.from, '127.0.0.1')
})
