import { createSecretKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { sealAccessCookie } from '../../src/edge-token/index.ts'
import { openProxyStore } from '../../src/proxy/proxy-store.ts'
import {
  createWebApplicationProxy,
  type ProxyAuditEvent,
  type WebApplicationProxyOptions,
} from '../../src/proxy/web-application-proxy.ts'
import { createFederationServiceLab, crmTrust } from './federation-service-lab.ts'
import {
  ask,
  exchangeRaw,
  mirror,
  mirrored,
  publishedApplication,
  readAnswer,
  startBackend,
  startProxy,
  valuesOf,
} from './forwarding/harness.ts'

/** The proxy over a real store, with the preauthenticator that it makes itself. */
async function startWhole(t: Test, backendPort: number, options: Partial<WebApplicationProxyOptions> = {}) {
  const store = await openProxyStore({
    file: join(t.testdir({}), 'proxy.json'),
    masterKey: createSecretKey(randomBytes(32)),
  })
  const lab = await createFederationServiceLab()
  const lines: Record<string, unknown>[] = []
  const note = (fields: object): void => {
    lines.push(fields as Record<string, unknown>)
  }
  const proxy = createWebApplicationProxy({
    store,
    federationService: lab.service,
    log: { info: note, warn: note, error: note },
    resolve: { '*.corp.test': '127.0.0.1' },
    ...options,
  })
  const server = http.createServer(proxy.handle).on('upgrade', proxy.upgrade).on('checkContinue', proxy.checkContinue)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await proxy.close({ graceful: false })
    await store.close()
  })
  const { port } = server.address() as AddressInfo
  const publish = (settings: Record<string, unknown> = {}) => store.publish(publishedApplication(backendPort, settings))
  return { port, proxy, store, lab, lines, publish, server }
}

const adfs = {
  preauthentication: 'adfs',
  trustId: crmTrust,
  identityHeaders: { 'X-Forwarded-User': 'upn' },
}

t.test('a person with an access cookie reaches the backend as that person, others do not reach it', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port, store, publish, lines } = await startWhole(t, backend.port)
  await publish(adfs)
  const application = store.application('crm')?.id ?? ''
  const session = {
    upn: 'alice@contoso.test',
    relyingPartyTrust: crmTrust,
    sessionId: 'sid-1',
    issuedAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
    headers: { upn: 'alice@contoso.test' },
  }
  const value = sealAccessCookie(session, { keys: store.cookieKeys(), application, host: 'app.contoso.test' })
  const signedIn = await ask(port, '/x?y', {
    headers: { cookie: `EdgeAccessCookie=${value}; own=1`, accept: 'application/json', 'x-forwarded-user': 'mallory' },
  })
  t.equal(signedIn.status, 200)
  const seen = mirrored(signedIn)
  t.same(valuesOf(seen.headers, 'x-forwarded-user'), ['alice@contoso.test'])
  t.same(valuesOf(seen.headers, 'cookie'), ['own=1'])

  const stranger = await ask(port, '/x?authToken=abc', { headers: { accept: 'text/html' } })
  t.equal(stranger.status, 307)
  t.match(stranger.headers, { 'cache-control': 'no-store' })
  const program = await ask(port, '/x', { headers: { accept: 'application/json' } })
  t.equal(program.status, 401)
  t.equal(backend.connections.size, 1, 'only the first request went on')
  t.match(lines[0], { status: 200, app: 'crm', upn: 'alice@contoso.test', decision: 'access-cookie', path: '/x' })
  t.notMatch(JSON.stringify(lines), /authToken|abc|EdgeAccess/)
})

t.test('one line per request says who asked what and what came of it', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port, log } = await startProxy(t, backend.port)
  await ask(port, '/secret/path?authToken=xyz&password=1', { method: 'POST', body: 'x' })
  t.equal(log.length, 1)
  t.match(log[0], {
    requestId: /^[0-9a-f-]{36}$/,
    from: '127.0.0.1',
    method: 'POST',
    host: 'app.contoso.test',
    path: '/secret/path',
    status: 200,
    ms: Number,
    decision: 'pass-through',
    app: 'crm',
  })
  t.notMatch(JSON.stringify(log), /xyz|password/)
  await ask(port, `/${'x'.repeat(5_000)}`)
  t.ok(String(log[1]?.['path']).length < 1_100)
})

t.test('hosts follow the store', async (t) => {
  const { proxy, store, publish, port } = await startWhole(t, 1)
  t.same(proxy.hosts(), [])
  t.equal((await ask(port)).status, 421)
  await publish()
  t.same(proxy.hosts(), ['app.contoso.test'])
  t.equal(proxy.serves('app.contoso.test'), true)
  t.equal(proxy.serves('other.contoso.test'), false)
  t.equal((await ask(port)).status, 502, 'published, though its backend is down')
  await store.remove(store.application('crm')?.id ?? '')
  t.same(proxy.hosts(), [])
  t.equal((await ask(port)).status, 421)
})

t.test('plain http is redirected only where an application asks for it', async (t) => {
  const { proxy, publish } = await startWhole(t, 1)
  await publish({
    externalUrl: 'https://app.contoso.test:8443/',
    backendUrl: 'http://inner.corp.test:1/',
    enableHttpRedirect: true,
  })
  await publish({ name: 'wiki', externalUrl: 'https://wiki.contoso.test/', backendUrl: 'http://inner.corp.test:1/' })
  t.equal(proxy.httpsOrigin('app.contoso.test'), 'https://app.contoso.test:8443')
  t.equal(proxy.httpsOrigin('wiki.contoso.test'), undefined)
  t.equal(proxy.httpsOrigin('nobody.test'), undefined)
})

for (const [name, raw, status] of [
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: close\r\n\r\n', 405],
  [
    'an address of another host',
    'GET http://evil.test/ HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: close\r\n\r\n',
    400,
  ],
  ['an asterisk', 'GET * HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: close\r\n\r\n', 400],
  ['a backslash', 'GET /a\\..\\b HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: close\r\n\r\n', 400],
  ['another host', 'GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n', 421],
  [
    'a foreign WebSocket',
    'GET / HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://mallory.test\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    403,
  ],
] as const)
  t.test(`${name} is answered here`, async (t) => {
    const backend = await startBackend(t, () => t.fail('reached the backend'), {
      upgrade: () => t.fail('reached the backend'),
    })
    const { port, publish } = await startWhole(t, backend.port)
    await publish()
    t.match(await exchangeRaw(port, raw), new RegExp(`^HTTP/1\\.1 ${status} `))
  })

t.test('a security event is on record before anything leaves', async (t) => {
  const backend = await startBackend(t, mirror)
  const events: ProxyAuditEvent[] = []
  let written = (): void => {}
  const { port } = await startProxy(t, backend.port, {
    preauthenticate: () => ({
      kind: 'respond',
      status: 403,
      headers: {},
      body: 'no',
      outcome: { decision: 'refused', code: 'signature', wapEvent: 13012, audit: true, upn: 'mallory@contoso.test' },
    }),
    audit: (event) => {
      events.push(event)
      return new Promise((resolve) => {
        written = resolve
      })
    },
  })
  let answered = false
  const answer = ask(port).finally(() => {
    answered = true
  })
  while (events.length === 0) await new Promise((resolve) => setImmediate(resolve))
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  t.equal(answered, false)
  written()
  t.equal((await answer).status, 403)
  t.match(events, [
    {
      event: 'edge-refused',
      who: 'mallory@contoso.test',
      from: '127.0.0.1',
      result: 'failure',
      code: 'signature',
      requestId: String,
      detail: { wapEvent: 13012 },
    },
  ])
})

t.test('a security event that cannot be recorded stops the request', async (t) => {
  const backend = await startBackend(t, () => t.fail('reached the backend'))
  const { port } = await startProxy(t, backend.port, {
    preauthenticate: (request) => ({
      kind: 'respond',
      status: 307,
      headers: { Location: '/', 'Set-Cookie': `EdgeAccessCookie=${request.requestId}` },
      body: '',
      outcome: { decision: 'signed-in', audit: true },
    }),
    audit: () => Promise.reject(new Error('disk full')),
  })
  const answer = await ask(port)
  t.equal(answer.status, 503)
  t.notOk('set-cookie' in answer.headers)
  t.notMatch(answer.body, /disk full/)
})

t.test(
  'close finishes what is in flight, turns nobody new away silently, and says goodbye to WebSockets',
  async (t) => {
    const sockets = new WebSocketServer({ noServer: true })
    let finish = (): void => {}
    const backend = await startBackend(
      t,
      (_request, response) => {
        response.write('first')
        finish = () => response.end('last')
      },
      { upgrade: (request, socket, head) => sockets.handleUpgrade(request, socket, head, () => {}) },
    )
    const { port, proxy } = await startProxy(t, backend.port)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: 'app.contoso.test' } })
    await once(socket, 'open')
    const request = http.get({ host: '127.0.0.1', port, agent: false, headers: { host: 'app.contoso.test' } })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    t.equal(proxy.stats.inFlight, 1)
    const goodbye = once(socket, 'close')
    let closed = false
    const closing = proxy.close().then(() => {
      closed = true
    })
    t.equal(((await goodbye) as [number])[0], 1001)
    t.equal(closed, false)
    finish()
    t.equal((await readAnswer(answer)).body, 'firstlast')
    await closing
    t.same(proxy.stats, { inFlight: 0, streams: 0, backends: 0, boundClients: 0, delegated: 0 })
    const late = await ask(port)
    t.equal(late.status, 503)
    t.equal(late.headers.connection, 'close')
    await proxy.close()
  },
)

t.test('close does not wait for ever', async (t) => {
  const backend = await startBackend(t, (_request, response) => void response.write('for ever'))
  const { port, proxy } = await startProxy(t, backend.port)
  const request = http.get({ host: '127.0.0.1', port, agent: false, headers: { host: 'app.contoso.test' } })
  request.on('error', () => {})
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  const cut = once(answer, 'error')
  answer.resume()
  await proxy.close({ timeout: 10 })
  await t.resolves(cut)
})

t.test('wrong options are refused at once', async (t) => {
  const backend = await startBackend(t, mirror)
  await t.rejects(startProxy(t, backend.port, { trustedProxies: ['nobody'] }), TypeError)
  await t.rejects(startProxy(t, backend.port, { resolve: { 'a.test': 'nowhere' } }), TypeError)
  await t.rejects(startProxy(t, backend.port, { streamLimits: { total: 0 } }), TypeError)
})
