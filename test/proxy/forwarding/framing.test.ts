import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import {
  ask,
  exchangeRaw,
  mirror,
  mirrored,
  rawAnswer,
  readAnswer,
  startBackend,
  startProxy,
  startRawBackend,
  valuesOf,
} from './harness.ts'

const request = (port: number, options: http.RequestOptions): http.ClientRequest => {
  const headers = { host: 'app.contoso.test', ...(options.headers as http.OutgoingHttpHeaders) }
  return http.request({ host: '127.0.0.1', port, agent: false, ...options, headers })
}

t.test('bodies reach the backend with the framing they have: a length, or chunks', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  const sized = mirrored(await ask(port, '/', { method: 'POST', body: 'hello' }))
  t.equal(sized.body, 'hello')
  t.same(valuesOf(sized.headers, 'content-length'), ['5'])
  t.same(valuesOf(sized.headers, 'transfer-encoding'), [])

  const chunked = request(port, { method: 'POST' })
  chunked.write('one')
  chunked.end('two')
  const [answer] = (await once(chunked, 'response')) as [IncomingMessage]
  const seen = mirrored(await readAnswer(answer))
  t.equal(seen.body, 'onetwo')
  t.same(valuesOf(seen.headers, 'transfer-encoding'), ['chunked'])
  t.same(valuesOf(seen.headers, 'content-length'), [])
})

t.test('methods without a body are sent with none, or with a length of 0', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST', 'PROPFIND', 'MKCOL', 'REPORT']) {
    const seen = mirrored(await ask(port, '/', { method }))
    t.equal(seen.method, method)
    t.equal(seen.body, '')
    t.same(valuesOf(seen.headers, 'transfer-encoding'), [], method)
  }
})

t.test('a GET whose body looks like a request stays one request', async (t) => {
  const urls: string[] = []
  const backend = await startBackend(t, (request, response) => {
    urls.push(request.url ?? '')
    mirror(request, response)
  })
  const { port } = await startProxy(t, backend.port)
  const smuggled = 'GET /admin HTTP/1.1\r\nHost: app.contoso.test\r\n\r\n'
  const head = `GET /app HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: close\r\nContent-Length: ${smuggled.length}\r\n\r\n`
  const text = await exchangeRaw(port, head + smuggled)
  t.match(text, /^HTTP\/1\.1 200 /)
  t.same(urls, ['/app'])
  t.equal((JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as { body: string }).body, smuggled)
})

for (const [name, bytes, status] of [
  [
    'Content-Length with Transfer-Encoding',
    'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
    400,
  ],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nAAAAAA',
    400,
  ],
  ['a list of lengths', 'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nContent-Length: 5, 6\r\n\r\nAAAAAA', 400],
  ['a length with a sign', 'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nContent-Length: +5\r\n\r\nAAAAA', 400],
  [
    'a length beyond 64 bits',
    'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nContent-Length: 18446744073709551621\r\n\r\nAAAAA',
    400,
  ],
  [
    'chunks in HTTP/1.0',
    'POST / HTTP/1.0\r\nHost: app.contoso.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'another transfer coding',
    'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
  [
    'a transfer coding that ends otherwise',
    'POST / HTTP/1.1\r\nHost: app.contoso.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    400,
  ],
] as const)
  t.test(`refuses a request with ${name} and closes`, async (t) => {
    const backend = await startBackend(t, () => t.fail('reached the backend'))
    const { port } = await startProxy(t, backend.port)
    t.match(await exchangeRaw(port, bytes), new RegExp(`^HTTP/1\\.1 ${status} `))
  })

t.test('a chunk that is none ends the request to the backend as well', async (t) => {
  const socket = new net.Socket()
  const backend = await startBackend(t, (request) => {
    request.on('error', () => {})
    request.once('data', () => socket.write('ZZ\r\n'))
    request.on('close', () => backend.server.emit('cut'))
  })
  const { port } = await startProxy(t, backend.port)
  const cut = once(backend.server, 'cut')
  socket.on('error', () => {})
  socket.resume()
  socket.connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: app.contoso.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
  await t.resolves(cut)
})

t.test('pipelined requests are answered each by itself and in order', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('slow'), 20)
    else response.end('fast')
  })
  const { port } = await startProxy(t, backend.port)
  const one = 'GET /slow HTTP/1.1\r\nHost: app.contoso.test\r\n\r\n'
  const two = 'GET /fast HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: close\r\n\r\n'
  const text = await exchangeRaw(port, one + two)
  t.equal(text.match(/HTTP\/1\.1 200 /g)?.length, 2)
  t.ok(text.indexOf('slow') < text.indexOf('fast'))
})

t.test('64 MB go up and come down unchanged', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    request.pipe(response)
  })
  const { port } = await startProxy(t, backend.port)
  const block = randomBytes(1 << 20)
  const sent = createHash('sha256')
  const got = createHash('sha256')
  const outgoing = request(port, { method: 'POST' })
  const response = once(outgoing, 'response') as Promise<[IncomingMessage]>
  const sending = (async () => {
    for (let n = 0; n < 64; n++) {
      sent.update(block)
      if (!outgoing.write(block)) await once(outgoing, 'drain')
    }
    outgoing.end()
  })()
  const [answer] = await response
  for await (const chunk of answer) got.update(chunk as Buffer)
  await sending
  t.equal(got.digest('hex'), sent.digest('hex'))
})

t.test('a client that does not read holds the backend back', async (t) => {
  let written = 0
  let blocked = (): void => {}
  const held = new Promise<void>((resolve) => {
    blocked = resolve
  })
  const block = Buffer.alloc(1 << 20)
  const backend = await startBackend(t, (_request, response) => {
    response.on('error', () => {})
    const write = (): void => {
      while (written < 512 << 20) {
        written += block.length
        if (!response.write(block)) {
          // nothing drains any more: everything between here and the client is full
          const full = setTimeout(blocked, 300)
          response.once('drain', () => {
            clearTimeout(full)
            write()
          })
          return
        }
      }
      response.end()
      blocked()
    }
    write()
  })
  const { port } = await startProxy(t, backend.port)
  const socket = net.connect(port, '127.0.0.1')
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: app.contoso.test\r\n\r\n')
  await held
  t.ok(written < 64 << 20, `${written >> 20} MB left the backend`)
  socket.destroy()
})

t.test('a backend that does not read holds the client back', async (t) => {
  const backend = await startBackend(t, (request) => {
    request.pause()
  })
  const { port } = await startProxy(t, backend.port)
  const outgoing = request(port, { method: 'POST' })
  outgoing.on('error', () => {})
  const block = Buffer.alloc(1 << 20)
  let written = 0
  for (;;) {
    written += block.length
    if (outgoing.write(block)) continue
    const drained = await Promise.race([
      once(outgoing, 'drain').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 300)),
    ])
    if (!drained || written > 512 << 20) break
  }
  t.ok(written < 64 << 20, `${written >> 20} MB left the client`)
  outgoing.destroy()
})

t.test('the head of an answer does not wait for its body, nor a piece for the next', async (t) => {
  let more: ((text: string) => void) | undefined
  const backend = await startBackend(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.flushHeaders()
    more = (text) => response.write(text)
  })
  const { port } = await startProxy(t, backend.port)
  const outgoing = request(port, {})
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  for (const text of ['one', 'two']) {
    more?.(text)
    const [chunk] = (await once(answer, 'data')) as [Buffer]
    t.equal(chunk.toString(), text)
  }
  outgoing.destroy()
})

t.test('compressed answers pass byte for byte, without being asked for or with', async (t) => {
  const packed = gzipSync('x'.repeat(10_000))
  const backend = await startBackend(t, (request, response) => {
    t.equal(request.headers['accept-encoding'], 'gzip, br')
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length, vary: 'Accept-Encoding' })
    response.end(packed)
  })
  const { port } = await startProxy(t, backend.port)
  const answer = await ask(port, '/', { headers: { 'accept-encoding': 'gzip, br' } })
  t.equal(answer.body, packed.toString('latin1'))
  t.match(answer.headers, { 'content-encoding': 'gzip', 'content-length': String(packed.length) })
})

t.test('answers without a body have none, and the connection stays in step', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 77 })
    else if (request.url === '/204') response.writeHead(204)
    else if (request.url === '/304') response.writeHead(304, { etag: '"x"', 'content-length': 5 })
    else response.writeHead(200, { 'content-length': 2 })
    response.end(request.url === '/' && request.method === 'GET' ? 'ok' : undefined)
  })
  const { port } = await startProxy(t, backend.port)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const head = await ask(port, '/', { method: 'HEAD', agent })
  t.same([head.status, head.body, head.headers['content-length']], [200, '', '77'])
  const none = await ask(port, '/204', { agent })
  t.same([none.status, none.body, none.headers['transfer-encoding']], [204, '', undefined])
  const same = await ask(port, '/304', { agent })
  t.same([same.status, same.body, same.headers.etag], [304, '', '"x"'])
  t.equal((await ask(port, '/', { agent })).body, 'ok')
})

t.test('an answer that ends with its connection gets framing of its own', async (t) => {
  const backend = await startRawBackend(t, rawAnswer('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold times'))
  const { port } = await startProxy(t, backend.port)
  const answer = await ask(port)
  t.equal(answer.body, 'old times')
  t.equal(answer.headers['transfer-encoding'], 'chunked')
})

t.test('a client of HTTP/1.0 gets an answer it can read', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.write('a')
    response.end('b')
  })
  const { port } = await startProxy(t, backend.port)
  const text = await exchangeRaw(port, 'GET / HTTP/1.0\r\nHost: app.contoso.test\r\n\r\n')
  t.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  t.notMatch(text, /transfer-encoding/i)
  t.ok(text.endsWith('\r\n\r\nab'))
})

t.test('Expect: 100-continue', async (t) => {
  await t.test('is the backend’s to answer: no body leaves the client before it says so', async (t) => {
    const said: string[] = []
    const backend = await startBackend(t, mirror)
    backend.server.on('checkContinue', (request, response) => {
      said.push('asked')
      t.equal(request.headers.expect, '100-continue')
      response.writeContinue()
      mirror(request, response)
    })
    const { port } = await startProxy(t, backend.port)
    const outgoing = request(port, { method: 'POST', headers: { expect: '100-continue', 'content-length': 5 } })
    outgoing.on('continue', () => {
      said.push('continue')
      outgoing.end('hello')
    })
    outgoing.flushHeaders()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    t.equal(mirrored(await readAnswer(answer)).body, 'hello')
    t.same(said, ['asked', 'continue'])
  })

  await t.test('is answered with the backend’s refusal, without a 100', async (t) => {
    const backend = await startBackend(t, () => t.fail('sent without being asked'))
    backend.server.on('checkContinue', (_request, response) => {
      response.writeHead(413, { connection: 'close' })
      response.end('too large')
    })
    const { port } = await startProxy(t, backend.port)
    const outgoing = request(port, { method: 'PUT', headers: { expect: '100-continue', 'content-length': 1 << 30 } })
    outgoing.on('continue', () => t.fail('100 was sent'))
    outgoing.flushHeaders()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    t.equal(answer.statusCode, 413)
    t.equal((await readAnswer(answer)).body, 'too large')
  })

  await t.test('is no obstacle before a backend that knows nothing of it', async (t) => {
    const backend = await startRawBackend(t, (socket) => {
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        if (text.endsWith('\r\n\r\nhello')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    const { port } = await startProxy(t, backend.port)
    const outgoing = request(port, { method: 'POST', headers: { expect: '100-continue', 'content-length': 5 } })
    outgoing.flushHeaders()
    // as curl after its second of patience
    outgoing.end('hello')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    t.equal((await readAnswer(answer)).body, 'ok')
  })
})

t.test('a backend that says 100 without being asked is understood', async (t) => {
  const backend = await startRawBackend(
    t,
    rawAnswer('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  )
  const { port } = await startProxy(t, backend.port)
  t.equal((await ask(port, '/', { method: 'POST', body: 'x' })).body, 'ok')
})

t.test('103 Early Hints pass with their links, and with nothing else', async (t) => {
  const backend = await startRawBackend(
    t,
    rawAnswer(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\nSet-Cookie: a=b\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
    ),
  )
  const { port } = await startProxy(t, backend.port)
  for (const method of ['GET', 'POST']) {
    const outgoing = request(port, { method })
    const hints: http.InformationEvent[] = []
    outgoing.on('information', (information) => hints.push(information))
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    t.equal((await readAnswer(answer)).body, 'ok')
    t.equal(hints.length, 1)
    t.equal(hints[0]?.statusCode, 103)
    t.match(String(hints[0]?.headers['link']), /a\.css.*b\.js/)
    t.notOk('set-cookie' in (hints[0]?.headers ?? {}))
  }
  const old = await exchangeRaw(port, 'GET / HTTP/1.0\r\nHost: app.contoso.test\r\n\r\n')
  t.match(old, /^HTTP\/1\.1 200 /, 'a client of HTTP/1.0 gets the final answer alone')
})

t.test('response trailers pass to a client that asked for them, to no other', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    response.writeHead(200, { trailer: 'X-Checksum, Set-Cookie', 'x-te': request.headers['te'] ?? 'none' })
    response.write('body')
    response.addTrailers({ 'X-Checksum': 'abc', 'Set-Cookie': 'EdgeAccessCookie=x', 'Cache-Control': 'public' })
    response.end()
  })
  const { port } = await startProxy(t, backend.port)
  const asked = await ask(port, '/', { headers: { te: 'trailers', connection: 'TE' } })
  t.match(asked.headers, { trailer: 'X-Checksum', 'x-te': 'trailers' })
  t.same({ ...asked.trailers }, { 'x-checksum': 'abc' })
  const offered = await ask(port, '/', { headers: { te: 'deflate, trailers;q=0.5' } })
  t.match(offered.headers, { 'x-te': 'none' })
  t.same({ ...offered.trailers }, { 'x-checksum': 'abc' })
  const silent = await ask(port)
  t.notOk('trailer' in silent.headers)
  t.same({ ...silent.trailers }, {})
})

t.test('request trailers end here', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  const outgoing = request(port, { method: 'POST', headers: { trailer: 'X-Forwarded-User' } })
  outgoing.write('x')
  outgoing.addTrailers({ 'X-Forwarded-User': 'mallory@contoso.test' })
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const seen = mirrored(await readAnswer(answer))
  t.equal(seen.body, 'x')
  t.same(seen.trailers, [])
})

t.test('an answer that comes before the end of the body reaches the client', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.writeHead(413, { 'content-length': 9 })
    response.end('too large')
  })
  const { port } = await startProxy(t, backend.port)
  const outgoing = request(port, { method: 'POST', headers: { 'content-length': 8 << 20 } })
  outgoing.on('error', () => {})
  outgoing.write(Buffer.alloc(1 << 20))
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  t.equal(answer.statusCode, 413)
  t.equal((await readAnswer(answer)).body, 'too large')
  outgoing.destroy()
})
