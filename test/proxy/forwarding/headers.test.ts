import t from 'tap'
import { ask, exchangeRaw, mirror, mirrored, startBackend, startProxy, valuesOf } from './harness.ts'

t.test('the backend gets its own host, and hears afresh where the request came from', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  const seen = mirrored(await ask(port, '/a/b?c=d', { headers: { 'user-agent': 'curl/8', accept: '*/*' } }))
  t.equal(seen.url, '/a/b?c=d')
  t.same(valuesOf(seen.headers, 'host'), [`inner.corp.test:${backend.port}`])
  t.same(valuesOf(seen.headers, 'x-forwarded-for'), ['127.0.0.1'])
  t.same(valuesOf(seen.headers, 'x-forwarded-proto'), ['http'])
  t.same(valuesOf(seen.headers, 'x-forwarded-host'), ['app.contoso.test'])
  t.same(valuesOf(seen.headers, 'x-forwarded-port'), ['80'])
  t.match(valuesOf(seen.headers, 'via'), [/^1\.1 gatehouse-[0-9a-f]{8}$/])
  t.same(valuesOf(seen.headers, 'user-agent'), ['curl/8'])
})

t.test('the external host reaches the backend when request headers are not translated', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port, { application: { disableTranslateUrlInRequestHeaders: true } })
  const headers = { origin: 'http://app.contoso.test', referer: 'http://app.contoso.test/x' }
  const seen = mirrored(await ask(port, '/', { headers }))
  t.same(valuesOf(seen.headers, 'host'), ['app.contoso.test'])
  t.same(valuesOf(seen.headers, 'origin'), ['http://app.contoso.test'])
  t.same(valuesOf(seen.headers, 'referer'), ['http://app.contoso.test/x'])
})

t.test('Origin and Referer are translated with the host, those of other sites are not', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  const inner = `http://inner.corp.test:${backend.port}`
  const own = mirrored(
    await ask(port, '/', { headers: { origin: 'http://app.contoso.test', referer: 'http://app.contoso.test/a?b' } }),
  )
  t.same(valuesOf(own.headers, 'origin'), [inner])
  t.same(valuesOf(own.headers, 'referer'), [`${inner}/a?b`])
  const foreign = mirrored(
    await ask(port, '/', { headers: { origin: 'https://mallory.test', referer: 'https://mallory.test/' } }),
  )
  t.same(valuesOf(foreign.headers, 'origin'), ['https://mallory.test'])
  t.same(valuesOf(foreign.headers, 'referer'), ['https://mallory.test/'])
})

t.test('nothing that a client says about itself, its hops or its connection reaches the backend', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port, {
    allow: () => ({ setHeaders: { 'X-Forwarded-User': 'alice@contoso.test' } }),
  })
  const forged = {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-User': 'mallory@contoso.test',
    'X-FORWARDED-PROTO': 'https',
    x_forwarded_host: 'evil.test',
    X_Forwarded_User: 'mallory@contoso.test',
    Forwarded: 'for=6.6.6.6',
    'X-Real-IP': '6.6.6.6',
    Via: '1.0 evil',
    'X-MS-Proxy': 'evil',
    'X-MS-Forwarded-Client-IP': '6.6.6.6',
    Proxy: 'http://evil.test',
    'Proxy-Authorization': 'Basic eDp5',
    'Proxy-Connection': 'keep-alive',
    'Keep-Alive': 'timeout=99',
    TE: 'trailers, deflate',
    Trailer: 'X-T',
    Upgrade: 'h2c',
    'HTTP2-Settings': 'AAMAAABkAARAAAAAAAIAAAAA',
    'X-Accel-Redirect': '/secret',
    'X-Sendfile': '/etc/passwd',
    Content_Length: '99',
    'Remote-User': 'mallory',
  }
  const lines = Object.entries(forged).map(([name, value]) => `${name}: ${value}\r\n`)
  const text = await exchangeRaw(
    port,
    `GET / HTTP/1.1\r\nHost: app.contoso.test\r\nX-Mine: 1\r\nX-Hop: 2\r\nConnection: close, X-Hop\r\n${lines.join('')}\r\n`,
  )
  const { headers } = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as { headers: string[] }
  t.notMatch(JSON.stringify(headers), /6\.6\.6\.6|evil|mallory|deflate|timeout=99|h2c|passwd|secret/)
  t.same(valuesOf(headers, 'x-mine'), ['1'])
  t.same(valuesOf(headers, 'x-hop'), [], 'named by Connection')
  t.same(valuesOf(headers, 'x-forwarded-user'), ['alice@contoso.test'])
  for (const name of ['te', 'trailer', 'keep-alive', 'proxy-connection', 'upgrade', 'content_length'])
    t.same(valuesOf(headers, name), [], name)
})

for (const name of [
  'X-Forwarded-User',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-Host',
  'Via',
  'Host',
  'Cookie',
])
  t.test(`Connection: close, ${name} does not take away what the proxy sets`, async (t) => {
    const backend = await startBackend(t, mirror)
    const { port } = await startProxy(t, backend.port, {
      allow: () => ({ setHeaders: { 'X-Forwarded-User': 'alice@contoso.test' } }),
    })
    const seen = mirrored(await ask(port, '/', { headers: { connection: `close, ${name}`, cookie: 'a=b' } }))
    t.equal(valuesOf(seen.headers, name.toLowerCase()).length, 1)
  })

t.test('our cookies stay here, the others pass', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  const cookie = 'a=1; EdgeAccessCookie=x; b=2; EdgeSignIn_01234567=y; EdgeReply=z'
  t.same(valuesOf(mirrored(await ask(port, '/', { headers: { cookie } })).headers, 'cookie'), ['a=1; b=2'])
})

t.test('headers that come twice go on twice, in their order and spelling', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  const seen = mirrored(await ask(port, '/', { headers: { 'X-lIST': ['one', 'two'], accept: 'a/b' } }))
  const at = seen.headers.indexOf('X-lIST')
  t.same(seen.headers.slice(at, at + 4), ['X-lIST', 'one', 'X-lIST', 'two'])
})

t.test('behind a trusted proxy X-Forwarded-For and Via are continued, X-Forwarded-Proto is believed', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port, logged } = await startProxy(t, backend.port, { trustedProxies: ['127.0.0.0/8'] })
  const headers = { 'x-forwarded-for': '6.6.6.6, 192.0.2.7', 'x-forwarded-proto': 'https', via: '1.1 front' }
  const seen = mirrored(await ask(port, '/', { headers }))
  t.same(valuesOf(seen.headers, 'x-forwarded-for'), ['6.6.6.6, 192.0.2.7, 127.0.0.1'])
  t.same(valuesOf(seen.headers, 'x-forwarded-proto'), ['https'])
  t.match(valuesOf(seen.headers, 'via'), [/^1\.1 front, 1\.1 gatehouse-/])
  t.match(await logged(), { from: '192.0.2.7' }, 'the client is the last one that no trusted proxy vouches away')
})

t.test('a request that comes back to the proxy is stopped', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port, { via: 'here' })
  const answer = await ask(port, '/', { headers: { via: '1.1 here' } })
  t.equal(answer.status, 508)
})

t.test('answers lose what belongs to the hop or orders a server about, and keep the rest', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.writeHead(200, 'Fine', [
      ...['X-Kept', 'yes', 'X-Hop', 'no', 'Connection', 'X-Hop, Content-Length', 'Keep-Alive', 'timeout=77'],
      ...['Proxy-Authenticate', 'Basic', 'X-Accel-Redirect', '/inner', 'X-Sendfile', '/inner', 'Alt-Svc', 'h3=":1"'],
      ...['Trailer', 'X-T', 'Upgrade', 'h2c', 'Cache-Control', 'private', 'X-Accel-Buffering', 'no'],
    ])
    response.end('body')
  })
  const { port } = await startProxy(t, backend.port)
  const answer = await ask(port)
  t.equal(answer.status, 200)
  t.equal(answer.body, 'body')
  t.match(answer.headers, { 'x-kept': 'yes', 'cache-control': 'private' })
  for (const name of [
    'x-hop',
    'proxy-authenticate',
    'x-accel-redirect',
    'x-sendfile',
    'alt-svc',
    'trailer',
    'upgrade',
    'x-accel-buffering',
  ])
    t.notOk(name in answer.headers, name)
  t.not(answer.headers['keep-alive'], 'timeout=77')
})

t.test('addresses of the backend are translated in headers, those of others are not', async (t) => {
  let location = ''
  const backend = await startBackend(t, (_request, response) => {
    response.writeHead(302, { location, 'content-location': location, 'access-control-allow-origin': location })
    response.end()
  })
  const { port } = await startProxy(t, backend.port)
  for (const [from, to] of [
    [`http://inner.corp.test:${backend.port}/a?b#c`, 'http://app.contoso.test/a?b#c'],
    [`HTTPS://Inner.CORP.test:${backend.port}`, 'http://app.contoso.test'],
    [`http://inner.corp.test:${backend.port + 1}/`, `http://inner.corp.test:${backend.port + 1}/`],
    ['http://inner.corp.test/', 'http://inner.corp.test/'],
    ['https://login.fabrikam.test/x', 'https://login.fabrikam.test/x'],
    [`http://inner.corp.test:${backend.port}@mallory.test/`, `http://inner.corp.test:${backend.port}@mallory.test/`],
    [`http://inner.corp.test:${backend.port}.mallory.test/`, `http://inner.corp.test:${backend.port}.mallory.test/`],
    [
      `http://inner.corp.test:${backend.port}\\@mallory.test/`,
      `http://inner.corp.test:${backend.port}\\@mallory.test/`,
    ],
    ['/relative', '/relative'],
    ['//protocol.relative/x', '//protocol.relative/x'],
    ['file:///etc/passwd', 'file:///etc/passwd'],
  ] as const) {
    location = from
    const answer = await ask(port)
    t.equal(answer.status, 302, 'a redirect is the client’s to follow')
    t.equal(answer.headers.location, to)
    t.equal(answer.headers['content-location'], to)
    t.equal(answer.headers['access-control-allow-origin'], to)
  }
})

t.test('no address is translated when response headers are not to be', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.writeHead(302, { location: `http://inner.corp.test:${backend.port}/` }).end()
  })
  const { port } = await startProxy(t, backend.port, { application: { disableTranslateUrlInResponseHeaders: true } })
  t.equal((await ask(port)).headers.location, `http://inner.corp.test:${backend.port}/`)
})

t.test('the backend’s cookies pass, with their Domain translated; cookies under our names do not', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.setHeader('set-cookie', [
      'plain=1; Path=/x; HttpOnly; SameSite=Lax',
      'own=1; Domain=inner.corp.test; Secure',
      'dotted=1; domain = .Inner.Corp.Test',
      'parent=1; Domain=corp.test; Path=/',
      'other=1; Domain=fabrikam.test',
      'EdgeAccessCookie=stolen; Path=/',
      'edgeaccesscookie_ab12=stolen',
      'EdgeSignIn_01234567=',
      ' EdgeReply=stolen',
      '=EdgeAccessCookie=nameless',
      'EdgeAccessCookie',
      'MyEdgeAccessCookie=mine',
    ])
    response.end()
  })
  const { port } = await startProxy(t, backend.port, {
    allow: () => ({ setCookies: ['EdgeAccessCookie=ours; Path=/'] }),
  })
  t.same((await ask(port)).headers['set-cookie'], [
    'plain=1; Path=/x; HttpOnly; SameSite=Lax',
    'own=1; Domain=app.contoso.test; Secure',
    'dotted=1; Domain=app.contoso.test',
    'parent=1; Path=/',
    'other=1; Domain=fabrikam.test',
    'MyEdgeAccessCookie=mine',
    'EdgeAccessCookie=ours; Path=/',
  ])
})
