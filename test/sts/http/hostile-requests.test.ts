import t from 'tap'
import { signInForm } from '../../lab/forms.ts'
import { exchangeRaw } from '../../lab/raw-connection.ts'
import { alice, password, startFederationServer } from '../running-federation-server.ts'

const formType = { 'content-type': 'application/x-www-form-urlencoded' }

t.test('oversized and broken forms get 400 at once and cost nothing', async (t) => {
  const { server, url, logged, browser } = await startFederationServer(t)
  const client = browser()
  const token = signInForm(await client.visit(`${url}/adfs/portal`))?.fields['FormToken'] ?? ''
  const fields = (more: string) => `FormToken=${token}&${more}`
  const cases = [
    { name: 'a password of 10 MB', body: fields(`UserName=${alice}&Password=${'x'.repeat(10_000_000)}`) },
    { name: 'a name of 64 kB', body: fields(`UserName=${'x'.repeat(65_536)}&Password=x`) },
    { name: 'a name of 2 kB', body: fields(`UserName=${'x'.repeat(2048)}&Password=x`) },
    { name: 'NUL in the name', body: fields(`UserName=alice%00@contoso.test&Password=x`) },
    { name: 'NUL in the password', body: fields(`UserName=${alice}&Password=x%00`) },
    { name: 'an unpaired surrogate', body: fields(`UserName=${alice}&Password=%ed%a0%80`) },
    { name: 'an escape of the old script kind', body: fields(`UserName=${alice}&Password=%ud800`) },
    { name: 'bytes that are not UTF-8', body: fields(`UserName=${alice}&Password=%ff`) },
    { name: 'raw bytes that are not UTF-8', body: Buffer.from(fields(`UserName=${alice}&Password=\xff`), 'latin1') },
    { name: 'a line feed in the name', body: fields(`UserName=alice%0d%0aX@contoso.test&Password=x`) },
    { name: 'a field twice', body: fields(`UserName=${alice}&username=bob@contoso.test&Password=x`) },
    { name: 'thousands of fields', body: 'a&'.repeat(5000) },
    { name: 'JSON', body: '{"UserName":"a"}', headers: { 'content-type': 'application/json' } },
    { name: 'plain text', body: 'UserName=a&Password=b', headers: { 'content-type': 'text/plain' } },
    { name: 'several parts', body: '--x\r\n', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
  ]
  for (const { name, body, headers = formType } of cases) {
    const began = performance.now()
    const answer = await client.ask(`${url}/adfs/portal`, { method: 'POST', body, headers })
    t.equal(answer.status, 400, name)
    t.match(answer.headers['content-type'], 'text/html', name)
    t.notMatch(answer.body, /password of|Error|at .*\.ts|node_modules/, name)
    t.ok(performance.now() - began < 2000, name)
  }
  t.equal((await client.ask(`${url}/adfs/portal`, { method: 'POST', body: '' })).status, 400, 'no type at all')
  t.same(server.audit.list({ event: 'sign-in' }), [])
  t.equal(server.audit.list({ limit: 100 }).length, logged.length, 'one audit event and one line for each')
  t.equal(logged.length, cases.length + 1)
})

t.test('a password of 1,025 bytes is refused like a wrong one, before hashing', async (t) => {
  const { server, url, browser } = await startFederationServer(t)
  const client = browser()
  const token = signInForm(await client.visit(`${url}/adfs/portal`))?.fields['FormToken'] ?? ''
  const answer = await client.ask(`${url}/adfs/portal`, {
    form: { FormToken: token, UserName: alice, Password: 'ü'.repeat(513) },
  })
  t.equal(answer.status, 200)
  t.match(server.audit.list()[0], { event: 'sign-in-refused', code: 'password-too-long' })
})

t.test('a body that grows without end is cut off', async (t) => {
  const { port } = await startFederationServer(t)
  const head =
    'POST /adfs/portal HTTP/1.1\r\nHost: sts\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n'
  const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`
  const { answers, milliseconds } = await exchangeRaw(Buffer.from(head + chunk.repeat(4)), { port })
  t.equal(answers[0]?.status, 400)
  t.ok(milliseconds < 2000)
})

t.test('a client that goes away in the middle of a form harms nobody', async (t) => {
  const { port, url, browser, logged } = await startFederationServer(t)
  const head =
    'POST /adfs/portal HTTP/1.1\r\nHost: sts\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nUserName='
  await exchangeRaw(Buffer.from(head), { port, patience: 100 })
  t.equal((await browser().visit(`${url}/adfs/portal`)).status, 200)
  t.same(logged, [])
})

t.test('targets and cookies that nobody sends by accident', async (t) => {
  const { port, url, browser } = await startFederationServer(t)
  for (const target of [
    '/adfs/ls/../../etc/passwd',
    '/%2e%2e/etc/passwd',
    '//evil.test/adfs/portal',
    '/adfs/%00',
    '/adfs/portal/%ff',
    '*',
    '/adfs/portal;a=b',
    `/${'x'.repeat(8000)}`,
  ]) {
    const { answers } = await exchangeRaw(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: sts\r\n\r\n`), { port })
    const status = answers[0]?.status ?? 0
    t.ok([400, 404, 405].includes(status), `${target.slice(0, 40)} → ${status}`)
    t.equal(answers[0]?.header('location'), undefined)
  }
  for (const cookie of [
    `SsoSession=${'A'.repeat(12_000)}`,
    'SsoSession=\u00ff; =; ;;;',
    '__proto__=1; SsoSession',
    `SsoSession="${'a'.repeat(43)}"`,
  ]) {
    const answer = await browser().ask(`${url}/adfs/portal`, { headers: { cookie } })
    t.equal(answer.status, 200)
    t.ok(signInForm(answer))
  }
})

t.test('names reach the audit trail as text of one line', async (t) => {
  const { server, url, browser } = await startFederationServer(t)
  const client = browser()
  const token = signInForm(await client.visit(`${url}/adfs/portal`))?.fields['FormToken'] ?? ''
  const name = '\u2028"}{"event":"sign-in"} <b>@contoso.test'
  await client.ask(`${url}/adfs/portal`, { form: { FormToken: token, UserName: name, Password: password } })
  t.match(server.audit.list()[0], { event: 'sign-in-refused', result: 'failure' })
})
