import t from 'tap'
import { type SampleBackend, startSampleBackend } from '../../../src/cli/demo/sample-backend.ts'
import { createHttpClient } from '../../lab/http-client.ts'
import { exchangeRaw } from '../../lab/raw-connection.ts'

const links = {
  applications: [
    { name: 'CRM', url: 'http://crm.contoso.localhost:8080/' },
    { name: 'Wiki', url: 'http://wiki.contoso.localhost:8080/?a=1&b=2' },
  ],
  portal: 'http://sts.contoso.localhost:8080/adfs/portal',
  signOut: 'http://sts.contoso.localhost:8080/adfs/ls/?wa=wsignout1.0',
}
const client = createHttpClient()
let backend: SampleBackend

t.before(async () => {
  backend = await startSampleBackend({ application: 'CRM', links })
})
t.after(() => backend.close())

for (const { method, path } of [
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/orders/17?show=%C3%A4&x=1' },
  { method: 'DELETE', path: '/a/%2e%2e/b' },
]) {
  t.test(`answers ${method} ${path} as JSON with what reached it`, async (t) => {
    const answer = await client.ask(backend.url, {
      method,
      target: path,
      headers: { accept: 'application/json', 'X-Forwarded-User': 'alice@contoso.test' },
    })
    t.equal(answer.status, 200)
    t.match(answer.headers['content-type'], /^application\/json/)
    t.match(answer.json(), {
      application: 'CRM',
      method,
      url: path,
      headers: { 'x-forwarded-user': 'alice@contoso.test', host: `127.0.0.1:${backend.port}` },
    })
  })
}

t.test('shows a person who they are, every header, and the way to the other application and out', async (t) => {
  const { body, headers, status } = await client.visit(`${backend.url}page`, {
    headers: { 'X-Forwarded-User': 'alice@contoso.test', 'X-Odd': '"><script>alert(1)</script>' },
  })
  t.equal(status, 200)
  t.match(headers['content-type'], /^text\/html/)
  t.match(body, '<span id="user">alice@contoso.test</span>')
  t.match(body, '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;')
  t.notMatch(body, /<script/)
  t.match(body, 'href="http://wiki.contoso.localhost:8080/?a=1&amp;b=2"')
  t.notMatch(body, 'href="http://crm.contoso.localhost:8080/"', 'not to itself')
  t.match(body, 'href="http://sts.contoso.localhost:8080/adfs/ls/?wa=wsignout1.0"')
})

t.test('says that nobody was named when no identity header came', async (t) => {
  const { body } = await client.visit(backend.url)
  t.match(body, /No identity came with this request/)
  t.notMatch(body, /id="user"/)
})

t.test('goes on with the same connection after a body that it had no use for', async (t) => {
  const body = 'x'.repeat(200_000)
  const head = `Host: crm\r\nAccept: application/json\r\n`
  const { answers } = await exchangeRaw(
    Buffer.from(
      `POST /first HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}GET /second HTTP/1.1\r\n${head}\r\n`,
    ),
    { port: backend.port, answers: 2 },
  )
  t.same(
    answers.map((answer) => JSON.parse(answer.body.toString('utf8')).url),
    ['/first', '/second'],
  )
})

t.test('says why when its port is taken', async (t) => {
  await t.rejects(startSampleBackend({ application: 'Wiki', port: backend.port, links }), { code: 'EADDRINUSE' })
})

t.end()
