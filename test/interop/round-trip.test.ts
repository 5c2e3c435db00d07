/**
 * The main path from end to end, the same walk in two arrangements: federation server and proxy in one process, and in
 * two that share nothing but public addresses.
 */
import t, { type Test } from 'tap'
import { type Arrangement, inOneProcess, inTwoProcesses } from '../lab/arrangements.ts'
import { formsOf, signIn, signInForm, submit } from '../lab/forms.ts'
import { createHttpClient, type HttpClient } from '../lab/http-client.ts'
import { demoPassword, enter, lastOf, seenBy, signedIn } from '../lab/round-trip.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

const accessCookie = /^EdgeAccessCookie/

function cookieNamed(client: HttpClient, url: string, pattern: RegExp): string | undefined {
  return Object.keys(client.jar.all(new URL(url))).find((name) => pattern.test(name))
}

async function signOut(client: HttpClient, at: Arrangement): Promise<void> {
  const page = lastOf(await client.follow(await client.visit(`${at.sts}/adfs/ls/?wa=wsignout1.0`)))
  if (page.status !== 200) throw new Error(`sign-out answered ${page.status}`)
}

for (const [name, arrange] of [
  ['in one process', inOneProcess],
  ['as two processes', inTwoProcesses],
] as const) {
  t.test(`federation server and proxy ${name}`, async (t) => {
    const at = await arrange(temporaryFolder(t))
    t.teardown(() => at.close())

    await t.test('a person is sent to the sign-in page, signs in, and reaches the application', async (t) => {
      const alice = createHttpClient()
      const wanted = `${at.crm}orders/17?show=all&name=J%C3%B6rg`
      const sent = await alice.visit(wanted)
      t.equal(sent.status, 307)
      const signInUrl = sent.location()
      t.equal(`${signInUrl.origin}${signInUrl.pathname}`, `${at.sts}/adfs/ls`)
      const { searchParams } = signInUrl
      t.equal(searchParams.get('version'), '1.0')
      t.equal(searchParams.get('action'), 'signin')
      t.equal(searchParams.get('realm'), 'urn:AppProxy:com')
      t.match(searchParams.get('appRealm'), /^[0-9a-f-]{36}$/)
      t.equal(searchParams.get('returnUrl'), wanted)
      t.match(searchParams.get('client-request-id'), /^[0-9A-Fa-f-]{36}$/)
      t.equal(sent.headers['cache-control'], 'no-store')

      const page = lastOf(await alice.follow(await alice.visit(signInUrl)))
      t.equal(page.status, 200)
      t.ok(signInForm(page))
      const posted = await signIn(alice, page, 'alice@contoso.test', demoPassword)
      t.equal(posted.status, 303, 'never 307, which would post the password on')
      const back = posted.location()
      t.equal(back.origin, new URL(at.crm).origin)
      t.match(back.searchParams.get('authToken'), /^[\w-]+\.[\w-]+\.[\w-]+$/)
      t.equal(back.searchParams.get('client-request-id'), searchParams.get('client-request-id'))

      const clean = await alice.visit(back)
      t.equal(clean.status, 307)
      t.equal(clean.location().href, wanted, 'the token is out of the address, the rest is as it was')
      t.match(alice.jar.attributes(new URL(at.crm), 'EdgeAccessCookie'), /HttpOnly/i)
      t.match(alice.jar.attributes(new URL(at.crm), 'EdgeAccessCookie'), /SameSite=Lax/i)
      t.notOk(cookieNamed(alice, at.crm, /^EdgeSignIn_/), 'the cookie of the round trip is gone')

      const seen = await seenBy(alice, clean.location())
      t.match(seen, { application: 'CRM', method: 'GET', url: '/orders/17?show=all&name=J%C3%B6rg' })
      t.equal(seen.headers['x-forwarded-user'], 'alice@contoso.test')
      t.notMatch(JSON.stringify(seen), /EdgeAccessCookie|EdgeSignIn|authToken/i, 'nothing of ours reaches the backend')
    })

    await t.test('the second application asks nothing', async (t) => {
      const alice = await signedIn(at.crm, 'alice@contoso.test')
      const way = await alice.follow(await alice.visit(at.wiki))
      t.equal(lastOf(way).status, 200)
      t.notOk(
        way.some((answer) => signInForm(answer)),
        'no page asked for a password',
      )
      t.match(await seenBy(alice, at.wiki), {
        application: 'Wiki',
        headers: { 'x-forwarded-user': 'alice@contoso.test' },
      })
    })

    await t.test('the access cookie of one application is none of the other', async (t) => {
      const alice = await signedIn(at.crm, 'alice@contoso.test')
      const { EdgeAccessCookie = '' } = alice.jar.all(new URL(at.crm))
      const thief = createHttpClient()
      thief.jar.put(new URL(at.wiki), 'EdgeAccessCookie', EdgeAccessCookie)
      t.equal((await thief.visit(at.wiki)).status, 307)
    })

    await t.test('a wrong password and an unknown name are told nothing but that it was not right', async (t) => {
      const bodies = []
      for (const [upn, password] of [
        ['bob@contoso.test', 'wrong'],
        ['nobody@contoso.test', 'wrong'],
      ] as const) {
        const client = createHttpClient()
        const page = lastOf(await client.follow(await client.visit(at.crm)))
        const again = await signIn(client, page, upn, password)
        t.ok(signInForm(again), 'the form is shown again')
        t.notOk(cookieNamed(client, at.sts, /MSISAuth|sso/i), 'no session')
        bodies.push(again.body.replaceAll(upn, 'NAME').replaceAll(/value="[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}/gi, ''))
      }
      t.equal(bodies[0], bodies[1])
    })

    await t.test('a person who is not permitted is told so by the proxy, with a way on', async (t) => {
      const bob = createHttpClient()
      const way = await enter(bob, at.wiki, 'bob@contoso.test')
      const refusal = lastOf(way)
      t.equal(refusal.status, 403)
      t.match(refusal.headers['content-type'], /^text\/html/)
      t.notOk(cookieNamed(bob, at.wiki, accessCookie))
      t.notMatch(refusal.body, /\bat .*\.ts:\d+/)
      const crm = lastOf(await bob.follow(await bob.visit(at.crm)))
      t.equal(crm.status, 200, 'what he may open, he may')
      t.equal((await seenBy(bob, at.crm)).headers['x-forwarded-user'], 'bob@contoso.test')
    })

    await t.test('an application that is passed through asks nobody', async (t) => {
      const anybody = createHttpClient()
      const seen = await seenBy(anybody, `${at.news}today`)
      t.match(seen, { application: 'News', url: '/today' })
      t.notOk('x-forwarded-user' in seen.headers)
    })

    await t.test('a program is answered 401 with an address to sign in at, not sent to a page', async (t) => {
      const program = createHttpClient()
      const answer = await program.ask(at.crm, { headers: { accept: 'application/json' } })
      t.equal(answer.status, 401)
      t.match(answer.headers['content-type'], /^application\/problem\+json/)
      t.match(answer.headers['www-authenticate'], /^Bearer\b/)
      t.equal(answer.headers['cache-control'], 'no-store')
      const problem = answer.json<{ sign_in: string }>()
      t.equal(new URL(problem.sign_in).origin, new URL(at.crm).origin)
      const way = await enter(program, problem.sign_in, 'alice@contoso.test')
      t.equal(lastOf(way).status, 200)
      t.match(lastOf(way).body, /signed in/i)
      t.equal((await seenBy(program, at.crm)).headers['x-forwarded-user'], 'alice@contoso.test')
    })

    await t.test('a posted form without a session is told that it was not sent, and goes nowhere', async (t) => {
      const person = createHttpClient()
      const answer = await person.visit(`${at.crm}orders`, { form: { amount: '<script>alert(1)</script>' } })
      t.equal(answer.status, 401)
      t.match(answer.headers['content-type'], /^text\/html/)
      t.match(answer.headers['www-authenticate'], /^Bearer\b/)
      t.notMatch(answer.body, /alert\(1\)/)
      t.notOk(answer.headers.location)
    })

    await t.test('robots are told to stay away, without sign-in, at every application', async (t) => {
      for (const url of [at.crm, at.wiki, at.news]) {
        const answer = await createHttpClient().ask(`${url}robots.txt`)
        t.equal(answer.status, 200)
        t.equal(answer.body, 'User-agent: *\nDisallow: /\n')
      }
    })

    await t.test('an address of 8 kB survives the round trip byte for byte', async (t) => {
      const alice = createHttpClient()
      const query = `q=${'%C3%A4b+c~'.repeat(790)}`
      const target = `/long?${query}&end=1`
      t.ok(target.length > 7_900 && target.length < 8_192)
      const way = await enter(alice, `${at.crm}${target.slice(1)}`, 'alice@contoso.test')
      t.equal(lastOf(way).status, 200)
      t.equal((await seenBy(alice, lastOf(way).url)).url, target)
    })

    await t.test('a token that comes back without its sign-in cookie is cut out and heals by itself', async (t) => {
      const alice = createHttpClient()
      const page = lastOf(await alice.follow(await alice.visit(`${at.crm}a?b=1`)))
      const back = (await signIn(alice, page, 'alice@contoso.test', demoPassword)).location()
      const other = createHttpClient()
      const stolen = await other.visit(back)
      t.notOk(cookieNamed(other, at.crm, accessCookie), 'a stolen link signs nobody in')
      t.equal(stolen.status, 307)
      t.equal(stolen.location().origin, at.sts, 'and starts a round trip of its own')
      t.equal(stolen.location().searchParams.get('returnUrl'), `${at.crm}a?b=1`)
      const healed = await alice.follow(await alice.visit(back))
      t.equal(lastOf(healed).status, 200)
      const bookmarked = await alice.visit(back)
      t.equal(bookmarked.status, 307)
      t.equal(bookmarked.location().href, `${at.crm}a?b=1`, 'signed in by now: only the address is cleaned')
    })

    await t.test('after sign-out the federation service asks again', async (t) => {
      const alice = await signedIn(at.crm, 'alice@contoso.test')
      await signOut(alice, at)
      alice.jar.forget(new URL(at.crm))
      const page = lastOf(await alice.follow(await alice.visit(at.crm)))
      t.ok(signInForm(page))
    })

    await t.test('what was acknowledged is there after a kill, without repair', async (t) => {
      const alice = await signedIn(at.crm, 'alice@contoso.test')
      await at.administer(['user', 'add', 'carol@contoso.test', '--group', 'Staff', '--password-stdin'], demoPassword)
      await at.administerProxy([
        ...['app', 'publish', '--name', 'Late', '--external-url', at.news.replace('news', 'late')],
        ...['--backend-url', 'http://late.backend.localhost:9/', '--preauthentication', 'pass-through'],
      ])
      await at.killAndRestart()
      t.equal(
        (await seenBy(alice, at.crm)).headers['x-forwarded-user'],
        'alice@contoso.test',
        'the access cookie holds',
      )
      const wiki = await alice.follow(await alice.visit(at.wiki))
      t.equal(lastOf(wiki).status, 200)
      t.notOk(
        wiki.some((answer) => signInForm(answer)),
        'and so does the session',
      )
      await signedIn(at.crm, 'carol@contoso.test')
      const applications = JSON.parse(await at.administerProxy(['app', 'list', '--json'])) as { name: string }[]
      t.ok(applications.some(({ name }) => name === 'Late'))
    })

    if (at.oneProcess) await endsAtOnce(t, at)
  })
}

async function endsAtOnce(t: Test, at: Arrangement): Promise<void> {
  await t.test('sign-out kills the access cookies of every application at once', async (t) => {
    const alice = await signedIn(at.crm, 'alice@contoso.test')
    await alice.follow(await alice.visit(at.wiki))
    const elsewhere = await signedIn(at.crm, 'alice@contoso.test')
    await signOut(alice, at)
    for (const url of [at.crm, at.wiki]) t.equal((await alice.visit(url)).status, 307, url)
    t.equal((await elsewhere.visit(at.crm)).status, 200, 'another sign-in of the same person goes on')
  })

  await t.test('a person who is disabled is out at once, and back only by a new sign-in', async (t) => {
    const bob = await signedIn(at.crm, 'bob@contoso.test')
    await at.administer(['user', 'disable', 'bob@contoso.test'])
    t.equal((await bob.visit(at.crm)).status, 307)
    const page = lastOf(await bob.follow(await bob.visit(at.crm)))
    t.ok(signInForm(page), 'the session is gone as well')
    t.ok(signInForm(await signIn(bob, page, 'bob@contoso.test', demoPassword)), 'and no new one is to be had')
    await at.administer(['user', 'enable', 'bob@contoso.test'])
    t.equal((await bob.visit(at.crm)).status, 307, 'what was issued before stays dead')
    await signedIn(at.crm, 'bob@contoso.test')
  })

  await t.test('a changed password ends what was signed in with the old one', async (t) => {
    const bob = await signedIn(at.crm, 'bob@contoso.test')
    await at.administer(['user', 'password', 'bob@contoso.test', '--password-stdin'], 'another-password')
    t.equal((await bob.visit(at.crm)).status, 307)
    await at.administer(['user', 'password', 'bob@contoso.test', '--password-stdin'], demoPassword)
  })

  await t.test('the portal lists what a person may open, and nothing else', async (t) => {
    const alice = await signedIn(at.crm, 'alice@contoso.test')
    const bob = await signedIn(at.crm, 'bob@contoso.test')
    const [hers, his] = [await alice.visit(`${at.sts}/adfs/portal`), await bob.visit(`${at.sts}/adfs/portal`)]
    t.match(hers.body, at.crm)
    t.match(hers.body, at.wiki)
    t.match(his.body, at.crm)
    t.notMatch(his.body, at.wiki)
    const [form] = formsOf(hers).filter(({ action }) => /sign-?out|signout/i.test(action.href))
    t.ok(form, 'it has a way out')
    if (form !== undefined) await alice.follow(await submit(alice, hers, form))
    t.equal((await alice.visit(at.crm)).status, 307, 'which ends the access cookies as well')
  })
}
t.end()
