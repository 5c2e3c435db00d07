/**
 * Hostile queries, forms, cookies and headers, sent to the federation service and to the proxy of a running demo. Each
 * gets its documented status: nothing of ours falls over (no 5xx, no stack, one line in the log), and afterwards
 * everything works as before.
 */
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { type Form, signInForm } from '../lab/forms.ts'
import { type RunningDemo, startDemo } from '../lab/gatehouse.ts'
import { type Answer, type Ask, createHttpClient, navigation } from '../lab/http-client.ts'
import { lastOf, seenBy, signedIn } from '../lab/round-trip.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

let demo: RunningDemo
let sts: string
let crm: string
let trust: string
t.before(async () => {
  demo = await startDemo(temporaryFolder(t))
  sts = demo.file.sts.url
  crm = demo.url('CRM')
  trust = demo.file.applications[0]?.trust ?? ''
})
t.after(() => demo?.program.stop())

interface Line {
  readonly msg: string
  readonly level: string
  readonly status?: number
}

const log = (): Line[] =>
  readFileSync(`${demo.folder}/gatehouse.log`, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
    // The audit trail's own stream goes to the same file.
    .filter(({ msg }) => msg !== 'audit')

/** Waits for the line that belongs to the answer: it is written when the answer is on its way. */
async function linesSince(before: number): Promise<Line[]> {
  for (let looks = 0; looks < 500; looks++) {
    // The line of a request before, which was answered well, may come after that answer was read.
    const lines = log()
      .slice(before)
      .filter(({ status }) => typeof status !== 'number' || status >= 400)
    if (lines.length > 0) return lines
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return []
}

async function check(t: Test, url: string, ask: Ask, status: number | readonly number[]): Promise<Answer> {
  const before = log().length
  const answer = await createHttpClient().ask(url, { ...ask, headers: { ...navigation, ...ask.headers } })
  t.ok([status].flat().includes(answer.status), `status ${answer.status}, expected ${status}`)
  t.notMatch(answer.body, /\bat .*(\.ts|node:internal)/, 'no stack')
  t.notMatch(answer.body, /node_modules|\/src\//, 'no path')
  t.notMatch(answer.body, /<script>alert/, 'nothing that came is shown as it came')
  if (answer.status >= 400) {
    const lines = await linesSince(before)
    t.equal(lines.length, 1, `one line in the log: ${JSON.stringify(lines)}`)
    t.notMatch(lines, [{ level: 'error' }])
  }
  t.equal(demo.program.stderr(), '')
  return answer
}

/** The parameters of a proxy's redirect, as text; values are put in as they stand. */
function query(changes: Readonly<Record<string, string | undefined>> = {}, more = ''): string {
  const good: Record<string, string | undefined> = {
    version: '1.0',
    action: 'signin',
    realm: 'urn%3AAppProxy%3Acom',
    appRealm: trust,
    returnUrl: encodeURIComponent(`${crm}orders`),
    'client-request-id': '6F9619FF-8B86-D011-B42D-00C04FC964FF',
    ...changes,
  }
  const pairs = Object.entries(good).filter(([, value]) => value !== undefined)
  return `/adfs/ls?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}${more}`
}

t.test('the edge sign-in of the federation service', async (t) => {
  const wiki = () => encodeURIComponent(demo.url('Wiki'))
  const returning = (address: string) => () => query({ returnUrl: encodeURIComponent(address) })
  const at = (suffix: string) => () => query({ returnUrl: encodeURIComponent(`${crm}${suffix}`) })
  const hostOfCrm = () => new URL(crm).host
  for (const [name, target, status] of [
    ['the request of a real proxy', () => query(), 200],
    ['names in another case', () => query({}).replace('appRealm', 'APPREALM').replace('returnUrl', 'ReturnURL'), 200],
    ['a parameter that nobody knows', () => query({}, '&username=%3Cscript%3Ealert(1)%3C/script%3E'), 200],
    ['no parameters', () => '/adfs/ls', 400],
    ['no version', () => query({ version: undefined }), 400],
    ['version 2.0', () => query({ version: '2.0' }), 400],
    ['an unknown action', () => query({ action: 'signout' }), 400],
    ['no realm', () => query({ realm: undefined }), 400],
    ['the realm of another proxy', () => query({ realm: 'urn%3Aother' }), 400],
    ['an unknown trust', () => query({ appRealm: '00000000-0000-4000-8000-000000000000' }), 400],
    ['a trust that is no GUID', () => query({ appRealm: '%3Cscript%3Ealert(1)%3C/script%3E' }), 400],
    ['a trust with a NUL', () => query({ appRealm: `${trust}%00` }), 400],
    ['the trust given twice', () => query({}, `&apprealm=${trust}`), 400],
    ['the return address given twice', () => query({}, `&returnurl=${wiki()}`), 400],
    ['the return address as a list', () => query({ returnUrl: undefined }, `&returnUrl[]=${wiki()}`), 400],
    ['no return address', () => query({ returnUrl: undefined }), 400],
    ['an empty return address', () => query({ returnUrl: '' }), 400],
    ['the return address of another application', () => query({ returnUrl: wiki() }), 400],
    ['a foreign return address', returning('http://evil.example.test/'), 400],
    ['a foreign one that begins like ours', () => returning(`http://${hostOfCrm()}.evil.example.test/`)(), 400],
    ['ours as user info', () => returning(`http://${hostOfCrm()}@evil.example.test/`)(), 400],
    ['user info in ours', () => returning(`http://evil@${hostOfCrm()}/`)(), 400],
    ['another port', () => returning('http://crm.contoso.localhost:1/')(), 400],
    ['another scheme', () => returning(`https://${hostOfCrm()}/`)(), 400],
    ['a script', returning('javascript:alert(1)'), 400],
    ['a data address', returning('data:text/html,<script>alert(1)</script>'), 400],
    ['a path alone', returning('//evil.example.test/'), 400],
    ['a backslash', at('\\evil.example.test'), 400],
    ['a tab inside', at('a\tb'), 400],
    ['a line break', at('a\r\nSet-Cookie: a=b'), 400],
    ['a fragment', at('a#b'), 400],
    ['a broken percent sign', () => query({ returnUrl: '%zz' }), 400],
    ['bytes that are not UTF-8', () => query({ returnUrl: '%ff%fe' }), 400],
    ['half a surrogate pair', () => query({ returnUrl: '%ed%a0%80' }), 400],
    ['a request id with a line break', () => query({ 'client-request-id': 'a%0d%0aSet-Cookie:%20a=b' }), 200],
    ['a request id of 4 kB', () => query({ 'client-request-id': 'a'.repeat(4096) }), 200],
    ['a name of the prototype', () => query({}, '&__proto__=a&constructor=b'), 200],
    ['1,000 parameters', () => query({}, Array.from({ length: 1000 }, (_, i) => `&p${i}=a`).join('')), 400],
    ['brackets 2,000 deep', () => query({}, `&a${'[b]'.repeat(2000)}=c`), 200],
    ['two protocols in one request', () => query({}, '&wa=wsignin1.0'), 400],
    ['sign-out and sign-in in one request', () => query({}, '&wa=wsignout1.0'), 400],
    ['a protocol that is not served', () => '/adfs/ls?wa=wsignin1.0&wtrealm=urn:x', 400],
    ['a sign-out with nonsense behind it', () => '/adfs/ls/?wa=wsignout1.0&wreply=http://evil.example.test/', 200],
  ] as const) {
    await t.test(name, async (t) => {
      const answer = await check(t, `${sts}/`, { target: target() }, status)
      t.notOk(answer.headers.location, 'nobody is sent anywhere')
      t.match(answer.headers['content-security-policy'], /frame-ancestors 'none'/)
      t.equal(answer.headers['x-content-type-options'], 'nosniff')
      t.match(answer.headers['cache-control'], /no-store/)
      t.notMatch(answer.setCookies, [/^a=b/])
    })
  }
})

const tokenOf = ({ fields: { FormToken = '' } }: Form) => ({ FormToken })

t.test('the sign-in form', async (t) => {
  const open = async () => {
    const client = createHttpClient()
    const page = lastOf(await client.follow(await client.visit(crm)))
    const form = signInForm(page)
    if (form === undefined) throw new Error('no form')
    return { client, page, form }
  }
  const typed = { UserName: 'alice@contoso.test', Password: 'demo-password' }
  for (const [name, change, status] of [
    ['with a field twice', { append: '&UserName=bob%40contoso.test' }, 400],
    ['with a password of 10 MB', { fields: { ...typed, Password: 'x'.repeat(10_000_000) } }, 400],
    ['with a password of 1,025 bytes', { fields: { ...typed, Password: 'x'.repeat(1_025) } }, 200],
    ['with a user name of 40 kB', { fields: { ...typed, UserName: `${'x'.repeat(40_000)}@contoso.test` } }, 400],
    ['with a NUL in the user name', { fields: { ...typed, UserName: 'alice\0@contoso.test' } }, 400],
    ['with a line break in the user name', { fields: { ...typed, UserName: 'alice\r\nINFO: fine' } }, 400],
    ['with markup in the user name', { fields: { ...typed, UserName: '"><script>alert(1)</script>' } }, 200],
    ['with SQL in the user name', { fields: { ...typed, UserName: "' or 1=1 --" } }, 200],
    ['with bytes that are not UTF-8', { append: '&x=%ff' }, 400],
    ['with half a surrogate pair', { append: '&x=%ed%a0%80' }, 400],
    ['as JSON', { headers: { 'content-type': 'application/json' }, body: '{"UserName":["a"]}' }, 400],
    ['as multipart', { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' }, 400],
    ['without a type', { headers: { 'content-type': '' }, body: 'UserName=a' }, 400],
    ['empty', { body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, [200, 400]],
    ['from another site', { headers: { origin: 'http://evil.example.test' } }, 403],
    ['from a sandbox', { headers: { origin: 'null' } }, 403],
    ['without the token of the form', { fields: { ...typed, FormToken: '' } }, 400],
    ['with the token of another browser', { foreignToken: true }, 400],
    ['by another method', { method: 'PUT' }, 405],
    ['to be deleted', { method: 'DELETE' }, 405],
  ] as const) {
    await t.test(name, async (t) => {
      const { client, page, form } = await open()
      const given: {
        fields?: Record<string, string>
        append?: string
        headers?: Record<string, string>
        body?: string
        method?: string
        foreignToken?: boolean
      } = change
      const foreign = given.foreignToken ? tokenOf((await open()).form) : {}
      const body =
        given.body ?? new URLSearchParams({ ...form.fields, ...typed, ...given.fields, ...foreign }).toString()
      const answer = await check(
        t,
        form.action.href,
        {
          method: given.method ?? 'POST',
          body: `${body}${given.append ?? ''}`,
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            origin: page.url.origin,
            cookie: client.jar.header(form.action) ?? '',
            ...given.headers,
          },
        },
        status,
      )
      t.notOk(answer.headers.location)
      t.notMatch(answer.setCookies, [/SsoSession|MSISAuth/], 'no session')
    })
  }
})

t.test('cookies at the federation service and at an application', async (t) => {
  const many = Array.from({ length: 500 }, (_, i) => `c${i}=${'v'.repeat(20)}`).join('; ')
  for (const [name, cookie] of [
    ['garbage', 'EdgeAccessCookie=@@@; MSISAuth=%%%; EdgeSignIn_00000000=!!!'],
    ['no name', '=; ==; ;;;'],
    ['names of the prototype', '__proto__=a; constructor=b; toString=c'],
    ['500 of them', many],
    ['one of 16 kB', `EdgeAccessCookie=${'A'.repeat(16_000)}`],
    ['one of every kind, cut short', 'EdgeAccessCookie=AQ; EdgeSignIn_12345678=AQ; EdgeReply=AQ; MSISAuth=AQ'],
    ['the same one many times', Array.from({ length: 50 }, () => 'EdgeAccessCookie=AAAA').join('; ')],
    ['bytes above ASCII', 'EdgeAccessCookie=\u00e4\u00f6\u00fc'],
  ] as const) {
    await t.test(name, async (t) => {
      t.equal((await check(t, crm, { headers: { cookie } }, 307)).location().origin, sts)
      t.ok(signInForm(await check(t, `${sts}${query()}`, { headers: { cookie } }, 200)))
    })
  }
})

t.test('tokens in the address of an application', async (t) => {
  const alice = await signedIn(crm, 'alice@contoso.test')
  const real = await alice.visit(`${sts}${query()}`)
  const token = real.location().searchParams.get('authToken') ?? ''
  t.ok(token)
  const [header = '', claims = ''] = token.split('.')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`
  for (const [name, target] of [
    ['without the cookie of its round trip', `/?authToken=${token}`],
    ['unsigned', `/?authToken=${unsigned}`],
    ['cut short', `/?authToken=${header}.${claims}`],
    ['empty', '/?authToken='],
    ['twice', `/?authToken=${token}&authToken=${token}`],
    ['as a list', `/?authToken[]=${token}`],
    ['of 7 kB of dots', `/?authToken=${'.'.repeat(7_000)}`],
    ['percent-encoded', `/?authToken=${encodeURIComponent(encodeURIComponent(token))}%25`],
    ['with a broken percent sign', `/?authToken=%zz`],
    ['in another case', `/?AuthToken=${token}`],
    ['with a NUL', `/?authToken=${token}%00`],
  ] as const) {
    await t.test(name, async (t) => {
      const answer = await check(t, crm, { target }, [307, 400])
      t.notMatch(answer.setCookies, [/EdgeAccessCookie[^=]*=[^;]/], 'nobody is signed in')
      if (answer.status === 307) t.equal(answer.location().origin, sts)
    })
  }
  await t.test('posted in a body', async (t) => {
    const answer = await check(t, crm, { form: { authToken: token } }, 401)
    t.notMatch(answer.setCookies, [/EdgeAccessCookie[^=]*=[^;]/])
  })
  const log = readFileSync(`${demo.folder}/gatehouse.log`, 'utf8')
  t.notOk(log.includes(token), 'no line of the log has a token in it')
  t.notMatch(log, /eyJ[\w-]{20}/)
  t.notMatch(log, /demo-password/)
})

t.test('targets and headers at an application', async (t) => {
  for (const [name, ask, status] of [
    ['an encoded slash that hides dots', { target: '/a/..%2f..%2fadmin' }, 400],
    ['an encoded backslash', { target: '/a%5c..%5cadmin' }, 400],
    ['doubly encoded dots', { target: '/a/%252e%252e%252fadmin' }, 400],
    ['an encoded NUL', { target: '/a%00' }, 400],
    ['an encoded line break', { target: '/a%0d%0aSet-Cookie:a=b' }, 307],
    ['bytes that are not UTF-8', { target: '/%ff%fe' }, 307],
    ['a fragment', { target: '/a#b' }, 400],
    ['a host with user info', { headers: { host: 'evil@crm.contoso.localhost' } }, 400],
    ['an unknown host', { headers: { host: 'unknown.contoso.localhost' } }, 421],
    ['an address for a host', { headers: { host: '127.0.0.1' } }, 421],
    ['an Accept of 8 kB', { headers: { accept: 'text/html,'.repeat(800) } }, 307],
    ['a language of 8 kB', { headers: { 'accept-language': 'de;q=0.1,'.repeat(900) } }, 307],
  ] as const) {
    await t.test(name, async (t) => {
      const answer = await check(t, crm, ask, status)
      t.notMatch(answer.setCookies, [/^a=b/])
      if (answer.status === 307) t.equal(answer.location().origin, sts)
    })
  }
})

t.test('after all that everything works as before', async (t) => {
  const alice = await signedIn(crm, 'alice@contoso.test')
  t.equal((await seenBy(alice, crm)).headers['x-forwarded-user'], 'alice@contoso.test')
  t.equal((await createHttpClient().ask(`${sts}/readyz`)).status, 200)
  t.equal(demo.program.stderr(), '')
})
t.end()
