import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import t from 'tap'
import { type ExpressRequest, expressPreauth } from '../../src/proxy/express-preauth.ts'
import { createFederationServiceLab, createKeyRing, crmTrust } from './federation-service-lab.ts'

/** An application on Express, and a way to speak to it raw: names need no resolving, headers go as they are written. */
async function serve(t: { teardown(fn: () => unknown): unknown }, settings: { trustProxy?: boolean } = {}) {
  const lab = await createFederationServiceLab()
  const app = express()
  if (settings.trustProxy === true) app.set('trust proxy', 'loopback')
  const url = settings.trustProxy === true ? 'https://notes.contoso.test/' : 'http://notes.contoso.test/'
  app.use(
    expressPreauth({
      applications: [
        { name: 'Notes', externalUrl: url, trustId: crmTrust, identityHeaders: { 'X-Forwarded-User': 'upn' } },
      ],
      federationService: lab.service,
      cookieKeys: createKeyRing(),
    }),
  )
  app.all('/{*path}', (request: ExpressRequest & { hostname?: string }, response) => {
    const { headers, rawHeaders, url: target, preauthentication } = request
    response.json({
      headers,
      rawHeaders,
      url: target,
      upn: preauthentication?.identity?.upn,
      protocol: request.protocol,
    })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const ask = async (text: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.end(text.replaceAll('\n', '\r\n'))
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    const [head = '', body = ''] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n')
    return { status: Number(head.slice(9, 12)), head, body }
  }
  return { lab, ask, url }
}

async function signIn({ lab, ask, url }: Awaited<ReturnType<typeof serve>>, more = ''): Promise<string> {
  const begun = await ask(`GET /a?b=c HTTP/1.1\nHost: notes.contoso.test\nConnection: close\n${more}\n`)
  const { searchParams } = new URL(/^location: (.*)$/im.exec(begun.head)?.[1] ?? '')
  const [cookie = ''] = /EdgeSignIn_[^;]+/.exec(begun.head) ?? []
  const token = await lab.issue({ resource: url })
  const target = `/a?b=c&authToken=${token}&client-request-id=${searchParams.get('client-request-id')}`
  const back = await ask(
    `GET ${target} HTTP/1.1\nHost: notes.contoso.test\nCookie: ${cookie}\nConnection: close\n${more}\n`,
  )
  return /EdgeAccessCookie=[^;]+/.exec(back.head)?.[0] ?? ''
}

t.test('sends a person to sign in, and lets nobody else in', async (t) => {
  const { ask } = await serve(t)
  const answer = await ask('GET /a HTTP/1.1\nHost: notes.contoso.test\nConnection: close\n\n')
  t.equal(answer.status, 307)
  t.match(answer.head, /^location: https:\/\/sts\.contoso\.test\/adfs\/ls\?/im)
  t.equal(
    (await ask('GET /a HTTP/1.1\nHost: notes.contoso.test\nAccept: application/json\nConnection: close\n\n')).status,
    401,
  )
  t.equal(
    (await ask('POST /a HTTP/1.1\nHost: notes.contoso.test\nContent-Length: 5\nConnection: close\n\nhello')).status,
    401,
  )
  t.equal((await ask('GET /a HTTP/1.1\nHost: evil.test\nConnection: close\n\n')).status, 421)
  t.equal((await ask('GET /a HTTP/1.1\nHost: notes.contoso.test\nHost: evil.test\nConnection: close\n\n')).status, 400)
})

t.test('hands a request on with what a client could forge gone, and who it is in its place', async (t) => {
  const opened = await serve(t)
  const cookie = await signIn(opened)
  const { status, body } = await opened.ask(
    `GET /x/../y?z HTTP/1.1\nHost: notes.contoso.test\nCookie: a=b; ${cookie}\nX-Forwarded-User: admin@contoso.test\n` +
      'X_Forwarded_User: admin@contoso.test\nRemote-User: admin\nX-Forwarded-Proto: https\nX-Custom: kept\nConnection: close\n\n',
  )
  t.equal(status, 200)
  const seen = JSON.parse(body)
  t.equal(seen.upn, 'alice@contoso.test')
  t.equal(seen.url, '/y?z')
  t.equal(seen.protocol, 'http')
  t.match(seen.headers, { cookie: 'a=b', 'x-forwarded-user': 'alice@contoso.test', 'x-custom': 'kept' })
  for (const gone of ['x_forwarded_user', 'remote-user', 'x-forwarded-proto']) t.notOk(gone in seen.headers, gone)
  t.notMatch(seen.rawHeaders.join('\n'), /admin|EdgeAccessCookie/)
})

t.test('believes X-Forwarded-* where Express does: behind its trusted proxy', async (t) => {
  const opened = await serve(t, { trustProxy: true })
  const forwarded = 'X-Forwarded-Proto: https\nX-Forwarded-For: 203.0.113.7\n'
  const plain = await opened.ask('GET / HTTP/1.1\nHost: notes.contoso.test\nConnection: close\n\n')
  t.equal(plain.status, 421, 'plain http is another origin')
  const cookie = await signIn(opened, forwarded)
  t.match(cookie, /^EdgeAccessCookie=/)
  const { body } = await opened.ask(
    `GET / HTTP/1.1\nHost: notes.contoso.test\n${forwarded}X-Forwarded-User: admin\nCookie: ${cookie}\nConnection: close\n\n`,
  )
  t.match(JSON.parse(body), {
    protocol: 'https',
    headers: { 'x-forwarded-user': 'alice@contoso.test', 'x-forwarded-for': '203.0.113.7' },
  })
})

t.test('gives an error of the decision to Express and lets nothing through', async (t) => {
  const app = express()
  app.use(expressPreauth(() => Promise.reject(new Error('broken'))))
  app.use((_request, response) => response.end('let through'))
  app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    response.status(500).end('refused')
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  t.equal(answer.status, 500)
  t.equal(await answer.text(), 'refused')
})
