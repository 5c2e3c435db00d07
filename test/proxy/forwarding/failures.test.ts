import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import t from 'tap'
import { ask, exchangeRaw, rawAnswer, startBackend, startProxy, startRawBackend, type Teardown } from './harness.ts'
import { selfSigned } from './test-certificate.ts'

const page = { accept: 'text/html' }

t.test(
  'a backend that is down gives a 502 that names the application and a request id, nothing from inside',
  async (t) => {
    const { port } = await startRawBackend(t, () => {})
    const free = net.createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const closed = (free.address() as net.AddressInfo).port
    free.close()
    await once(free, 'close')
    t.not(port, closed)
    const { port: proxy, logged } = await startProxy(t, closed)
    const answer = await ask(proxy, '/x?authToken=secret', { headers: page })
    t.equal(answer.status, 502)
    t.match(answer.headers, { 'cache-control': 'no-store', 'content-type': /html/ })
    t.match(answer.body, 'crm')
    const line = await logged()
    t.match(line, { status: 502, code: 'backend-unreachable', wapEvent: 13006, path: '/x', app: 'crm' })
    t.match(answer.body, String(line['requestId']))
    t.notMatch(answer.body, /127\.0\.0\.1|inner\.corp|ECONN|secret/)
    t.match(line['detail'], /ECONNREFUSED/)
    t.notMatch(JSON.stringify(line), /secret/)
  },
)

t.test('a program gets the same as a problem document', async (t) => {
  const backend = await startRawBackend(t, (socket) => socket.destroy())
  const { port } = await startProxy(t, backend.port)
  const answer = await ask(port, '/', { headers: { accept: 'application/json' } })
  t.equal(answer.status, 502)
  t.match(answer.headers, { 'content-type': 'application/problem+json' })
  t.match(JSON.parse(answer.body), { status: 502, code: 'backend-closed', application: 'crm', request_id: String })
})

t.test('a name that does not resolve gives a 502', async (t) => {
  const { port, logged } = await startProxy(t, 1, {
    application: { backendUrl: 'http://nowhere.invalid/' },
    resolve: {},
  })
  t.equal((await ask(port)).status, 502)
  t.match(await logged(), { code: 'backend-unreachable' })
})

t.test('a backend that takes too long gives a 504, with a body or without', async (t) => {
  const backend = await startRawBackend(t, (socket) => socket.resume())
  const { port, log } = await startProxy(t, backend.port, { application: { inactiveTransactionsTimeoutSec: 1 } })
  for (const options of [{}, { method: 'POST', body: 'x' }]) {
    const answer = await ask(port, '/', { ...options, headers: page })
    t.equal(answer.status, 504)
    t.match(answer.body, 'crm')
  }
  t.match(log, [{ code: 'backend-timeout', wapEvent: 13007 }, { code: 'backend-timeout' }])
})

t.test('a client that stops sending its body gives a 408', async (t) => {
  const backend = await startBackend(t, (request) => {
    request.on('error', () => {})
    request.resume()
  })
  const { port } = await startProxy(t, backend.port, { application: { inactiveTransactionsTimeoutSec: 1 } })
  const text = await exchangeRaw(port, 'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nContent-Length: 10\r\n\r\nhalf')
  t.match(text, /^HTTP\/1\.1 408 /)
  t.match(text, /connection: close/i)
})

t.test('a client that stops reading is cut off', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.on('error', () => {})
    response.end(Buffer.alloc(64 << 20))
  })
  const { port, logged } = await startProxy(t, backend.port, { application: { inactiveTransactionsTimeoutSec: 1 } })
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: app.contoso.test\r\n\r\n')
  t.match(await logged(), { status: 200, aborted: true })
  socket.destroy()
})

t.test('certificates of backends', async (t) => {
  const inner = selfSigned('inner.corp.test')
  const backend = await startBackend(t, (_request, response) => response.end('ok'), { tls: inner })
  const backendUrl = `https://inner.corp.test:${backend.port}/`
  const outcome = async (t: Teardown, options: Parameters<typeof startProxy>[2]) => {
    const { port, logged } = await startProxy(t, backend.port, options)
    const get = await ask(port, '/', { headers: page })
    const post = await ask(port, '/', { method: 'POST', body: 'x', headers: page })
    return { get, post, line: await logged() }
  }

  await t.test('one that nobody vouches for is a 502', async (t) => {
    const { get, post, line } = await outcome(t, { application: { backendUrl } })
    t.equal(get.status, 502)
    t.equal(post.status, 502)
    t.match(line, { code: 'backend-certificate', wapEvent: 13001 })
    t.notMatch(get.body, /inner\.corp/)
  })
  await t.test('one of an authority named in the configuration is taken', async (t) => {
    const { get, post } = await outcome(t, { application: { backendUrl }, backendCa: [inner.cert] })
    t.equal(get.body, 'ok')
    t.equal(post.body, 'ok')
  })
  await t.test('one for another name is a 502, whatever vouches for it', async (t) => {
    const other = selfSigned('other.corp.test')
    const wrong = await startBackend(t, () => t.fail('was sent to'), { tls: other })
    const { get, post, line } = await outcome(t, {
      application: { backendUrl: `https://inner.corp.test:${wrong.port}/` },
      backendCa: [other.cert],
    })
    t.equal(get.status, 502)
    t.equal(post.status, 502)
    t.match(line, { code: 'backend-certificate' })
  })
  await t.test('any is taken where the application says not to look', async (t) => {
    const { get, post } = await outcome(t, {
      application: { backendUrl, backendServerCertificateValidation: 'None' },
    })
    t.equal(get.body, 'ok')
    t.equal(post.body, 'ok')
  })
  await t.test('the name is the backend’s also where its Host is the external one', async (t) => {
    const { get } = await outcome(t, {
      application: { backendUrl, disableTranslateUrlInRequestHeaders: true },
      backendCa: [inner.cert],
    })
    t.equal(get.body, 'ok')
  })
  await t.test('plain http where TLS was expected is a 502', async (t) => {
    const plain = await startBackend(t, (_request, response) => response.end('ok'))
    const { get } = await outcome(t, { application: { backendUrl: `https://inner.corp.test:${plain.port}/` } })
    t.equal(get.status, 502)
  })
})

for (const [name, bytes] of [
  ['nonsense', 'what?\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
  ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
  ['a transfer coding nobody asked for', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a bare line feed in a value', 'HTTP/1.1 200 OK\r\nX-A: b\nX-Injected: 1\r\nContent-Length: 0\r\n\r\n'],
  ['a carriage return in a value', 'HTTP/1.1 200 OK\r\nX-A: b\rX-Injected: 1\r\nContent-Length: 0\r\n\r\n'],
  ['a NUL in a value', 'HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n'],
  ['a control character in a value', 'HTTP/1.1 200 OK\r\nX-A: b\x01c\r\nContent-Length: 0\r\n\r\n'],
  ['a control character in a value of a 304', 'HTTP/1.1 304 Not Modified\r\nX-A: b\x01c\r\n\r\n'],
  ['a name that is none', 'HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n'],
  ['a header section of 40 kB', `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`],
  ['a protocol nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
  ['nothing', ''],
] as const)
  for (const method of ['GET', 'POST'])
    t.test(`an answer with ${name} to a ${method} is a 502 with nothing of it`, async (t) => {
      const backend = await startRawBackend(t, rawAnswer(bytes))
      const { port } = await startProxy(t, backend.port)
      const answer = await ask(port, '/', { method, headers: page, ...(method === 'POST' ? { body: 'x' } : {}) })
      t.equal(answer.status, 502)
      t.notOk('x-injected' in answer.headers)
      t.notOk('x-a' in answer.headers)
      t.match(answer.body, 'crm')
    })

for (const [name, bytes] of [
  ['a length that is not reached', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
  ['chunks without an end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['a chunk that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n'],
] as const)
  for (const method of ['GET', 'POST'])
    t.test(`half an answer to a ${method} (${name}) never looks whole`, async (t) => {
      const backend = await startRawBackend(t, rawAnswer(bytes))
      const { port, logged } = await startProxy(t, backend.port)
      await t.rejects(ask(port, '/', { method, ...(method === 'POST' ? { body: 'x' } : {}) }), { code: 'ECONNRESET' })
      t.match(await logged(), { aborted: true, code: /backend-(closed|answer)/ })
    })

t.test('half an answer to a client of HTTP/1.0 ends with a reset', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.write('half')
    setTimeout(() => response.destroy(), 20)
  })
  const { port } = await startProxy(t, backend.port)
  const socket = net.connect(port, '127.0.0.1')
  socket.resume()
  socket.write('GET / HTTP/1.0\r\nHost: app.contoso.test\r\n\r\n')
  await t.rejects(once(socket, 'end'), { code: 'ECONNRESET' })
})

t.test('a request whose kept connection was just closed is sent once more when it is safe to', async (t) => {
  let requests = 0
  const backend = await startRawBackend(t, (socket) => {
    let first = true
    socket.on('data', () => {
      requests++
      if (first) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else socket.resetAndDestroy()
      first = false
    })
  })
  const { port } = await startProxy(t, backend.port)
  for (let n = 0; n < 4; n++) t.equal((await ask(port)).body, 'ok')
  t.equal(requests, 6, 'two of the four met a closing connection')
})

t.test('a request that may have had an effect is never sent twice', async (t) => {
  let requests = 0
  const backend = await startRawBackend(t, (socket) => {
    socket.once('data', () => {
      requests++
      socket.resetAndDestroy()
    })
  })
  const { port } = await startProxy(t, backend.port)
  t.equal((await ask(port, '/', { method: 'POST', body: 'x' })).status, 502)
  t.equal((await ask(port, '/', { method: 'DELETE' })).status, 502)
  t.equal(requests, 2)
})

t.test('a client that goes away takes its request to the backend with it', async (t) => {
  for (const method of ['GET', 'POST']) {
    const backend = await startBackend(t, (request, response) => {
      request.on('error', () => {})
      response.write('begun')
      response.on('close', () => backend.server.emit('gone'))
    })
    const { port, logged } = await startProxy(t, backend.port)
    const gone = once(backend.server, 'gone')
    const outgoing = http.request({ host: '127.0.0.1', port, method, headers: { host: 'app.contoso.test' } })
    outgoing.on('error', () => {})
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    answer.on('error', () => {})
    outgoing.destroy()
    await t.resolves(gone, method)
    t.match(await logged(), { aborted: true, status: 200 })
  }
})

t.test('a fault of the preauthenticator is a 500 page, not a way in', async (t) => {
  const backend = await startBackend(t, () => t.fail('reached the backend'))
  for (const preauthenticate of [
    () => {
      throw new Error('inner detail')
    },
    () => Promise.reject(new Error('inner detail')),
  ]) {
    const { port } = await startProxy(t, backend.port, { preauthenticate })
    const answer = await ask(port, '/', { headers: page })
    t.equal(answer.status, 500)
    t.notMatch(answer.body, /inner detail/)
  }
})
