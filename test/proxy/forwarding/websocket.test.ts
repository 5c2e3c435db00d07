import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { closeFrame } from '../../../src/proxy/forwarding/websocket-frames.ts'
import {
  type Backend,
  exchangeRaw,
  mirror,
  startBackend,
  startProxy,
  startRawBackend,
  type Teardown,
  valuesOf,
} from './harness.ts'

/** A backend that sends every message back. */
async function startEcho(
  t: Teardown,
): Promise<{ backend: Backend; requests: IncomingMessage[]; server: WebSocketServer }> {
  const server = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false })
  const requests: IncomingMessage[] = []
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }))
    socket.on('error', () => {})
  })
  const backend = await startBackend(t, mirror, {
    upgrade: (request, socket, head) => {
      requests.push(request)
      server.handleUpgrade(request, socket, head, (opened) => server.emit('connection', opened, request))
    },
  })
  return { backend, requests, server }
}

const connect = (port: number, headers: Record<string, string> = {}, protocols: string[] = []): WebSocket =>
  new WebSocket(`ws://127.0.0.1:${port}/chat?room=1`, protocols, { headers: { host: 'app.contoso.test', ...headers } })

const HANDSHAKE =
  'GET /chat HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

t.test('a WebSocket works through the proxy, with its subprotocol and its headers', async (t) => {
  const { backend, requests } = await startEcho(t)
  const { port, logged, proxy } = await startProxy(t, backend.port, {
    allow: () => ({
      identity: { sid: 's', upn: 'alice@contoso.test' },
      setHeaders: { 'X-Forwarded-User': 'alice@contoso.test' },
      setCookies: ['EdgeAccessCookie=renewed; Path=/'],
    }),
  })
  const socket = connect(port, { cookie: 'EdgeAccessCookie=x; a=b', origin: 'http://app.contoso.test' }, ['chat'])
  const opened = once(socket, 'open')
  const [answer] = (await once(socket, 'upgrade')) as [IncomingMessage]
  await opened
  t.equal(socket.protocol, 'chat')
  t.same(answer.headers['set-cookie'], ['EdgeAccessCookie=renewed; Path=/'])
  for (const message of ['hello', 'x'.repeat(70_000), 'y'.repeat(1 << 20)]) {
    socket.send(message)
    const [data] = (await once(socket, 'message')) as [Buffer]
    t.equal(data.toString(), message)
  }
  const seen = requests[0]?.rawHeaders ?? []
  t.equal(requests[0]?.url, '/chat?room=1')
  t.same(valuesOf(seen, 'x-forwarded-user'), ['alice@contoso.test'])
  t.same(valuesOf(seen, 'cookie'), ['a=b'])
  t.same(valuesOf(seen, 'origin'), [`http://inner.corp.test:${backend.port}`])
  t.match(await logged(), { status: 101, path: '/chat', upn: 'alice@contoso.test' })
  t.equal(proxy.stats.streams, 1)
  socket.close(4000, 'done')
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  t.same([code, reason.toString()], [4000, 'done'])
})

t.test('what either side sends along with its handshake arrives', async (t) => {
  const backend = await startRawBackend(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\nfrom backend;')
      socket.on('data', (chunk) => socket.end(`got ${chunk}`))
    })
  })
  const { port } = await startProxy(t, backend.port)
  const text = await exchangeRaw(port, `${HANDSHAKE}from client`)
  t.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  t.ok(text.endsWith('\r\n\r\nfrom backend;got from client'))
})

t.test('the end of one direction leaves the other open', async (t) => {
  const backend = await startRawBackend(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.on('end', () => socket.end('after the end'))
      socket.resume()
    })
  })
  const { port } = await startProxy(t, backend.port)
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write(HANDSHAKE)
  await once(socket, 'data')
  socket.end()
  const [last] = (await once(socket, 'data')) as [Buffer]
  t.equal(last.toString(), 'after the end')
  await once(socket, 'end')
})

t.test('a side that does not read holds the other back', async (t) => {
  let written = 0
  let full = (): void => {}
  const held = new Promise<void>((resolve) => {
    full = resolve
  })
  const block = Buffer.alloc(1 << 20)
  const backend = await startRawBackend(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      const write = (): void => {
        for (;;) {
          written += block.length
          if (!socket.write(block)) break
        }
        const timer = setTimeout(full, 300)
        socket.once('drain', () => {
          clearTimeout(timer)
          if (written < 512 << 20) write()
          else full()
        })
      }
      write()
    })
  })
  const { port } = await startProxy(t, backend.port)
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write(HANDSHAKE)
  await held
  t.ok(written < 64 << 20, `${written >> 20} MB left the backend`)
  socket.destroy()
})

t.test('the backend’s refusal of a WebSocket reaches the client whole', async (t) => {
  const backend = await startBackend(t, mirror, {
    upgrade: (_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nX-Why: no\r\n\r\nno')
    },
  })
  const { port, logged } = await startProxy(t, backend.port)
  const text = await exchangeRaw(port, HANDSHAKE)
  t.match(text, /^HTTP\/1\.1 403 Forbidden\r\n/)
  t.match(text, /X-Why: no\r\n/)
  t.ok(text.endsWith('\r\n\r\nno'))
  t.match(await logged(), { status: 403 })
})

t.test('a handshake that preauthentication does not let in gets its answer and nothing of it a backend', async (t) => {
  const backend = await startBackend(t, () => t.fail('reached the backend'), {
    upgrade: () => t.fail('reached the backend'),
  })
  const seen: (string | undefined)[] = []
  const { port } = await startProxy(t, backend.port, {
    preauthenticate: (request) => {
      seen.push(request.upgrade)
      return { kind: 'respond', status: 401, headers: { 'X-Own': '1' }, body: 'no', outcome: { decision: 'refused' } }
    },
  })
  const text = await exchangeRaw(port, HANDSHAKE)
  t.match(text, /^HTTP\/1\.1 401 Unauthorized\r\nX-Own: 1\r\n/)
  t.ok(text.endsWith('\r\n\r\nno'))
  t.same(seen, ['websocket'])
})

for (const protocol of ['h2c', 'TLS/1.0', 'websocket, h2c', 'h2c, websocket', 'WebSocket/13', 'x'])
  t.test(`an upgrade to ${protocol} is an ordinary request: no tunnel, no Upgrade at the backend`, async (t) => {
    const backend = await startBackend(t, mirror, { upgrade: () => t.fail('Upgrade reached the backend') })
    const { port } = await startProxy(t, backend.port)
    const text = await exchangeRaw(
      port,
      `GET / HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n`,
    )
    t.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    t.notMatch(text, /h2c|HTTP2-Settings|"upgrade"/i)
  })

t.test('an upgrade with a body is refused', async (t) => {
  const backend = await startBackend(t, () => t.fail('reached the backend'))
  const { port } = await startProxy(t, backend.port)
  const text = await exchangeRaw(port, HANDSHAKE.replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\nhello'))
  t.match(text, /^HTTP\/1\.1 400 /)
})

t.test('a backend that changes to something else than a WebSocket is a 502', async (t) => {
  const backend = await startRawBackend(t, (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 101 Hi\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'))
  })
  const { port } = await startProxy(t, backend.port)
  t.match(await exchangeRaw(port, HANDSHAKE), /^HTTP\/1\.1 502 /)
})

t.test('a backend that is down, or silent, is a 502 and a 504', async (t) => {
  const { port } = await startProxy(t, 1)
  t.match(await exchangeRaw(port, HANDSHAKE), /^HTTP\/1\.1 502 /)
  const silent = await startRawBackend(t, (socket) => socket.resume())
  const slow = await startProxy(t, silent.port, { application: { inactiveTransactionsTimeoutSec: 1 } })
  t.match(await exchangeRaw(slow.port, HANDSHAKE), /^HTTP\/1\.1 504 /)
})

t.test('a session that ends closes its WebSockets with 1008, at both sides, and no others', async (t) => {
  const { backend, server } = await startEcho(t)
  const sids = ['alice', 'alice', 'bob']
  const { port, proxy, sessions } = await startProxy(t, backend.port, {
    allow: () => ({ identity: { sid: sids.shift() ?? '', upn: 'x@contoso.test' } }),
  })
  const sockets: WebSocket[] = []
  for (let n = 0; n < 3; n++) {
    const socket = connect(port)
    await once(socket, 'open')
    sockets.push(socket)
  }
  const [one, two, bob] = sockets as [WebSocket, WebSocket, WebSocket]
  const inner = [...server.clients]
  const closes = Promise.all([one, two].map((socket) => once(socket, 'close')))
  const innerCloses = Promise.all(inner.slice(0, 2).map((socket) => once(socket, 'close')))
  sessions.end({ sid: 'alice' })
  for (const [code, reason] of (await closes) as [number, Buffer][])
    t.same([code, reason.toString()], [1008, 'session ended'])
  for (const [code] of (await innerCloses) as [number][]) t.equal(code, 1008)
  t.equal(bob.readyState, WebSocket.OPEN)
  bob.send('still here')
  t.equal(String(((await once(bob, 'message')) as [Buffer])[0]), 'still here')
  t.equal(proxy.stats.streams, 1)
  const bobCloses = once(bob, 'close')
  sessions.end({ upn: 'x@contoso.test', before: new Date(Date.now() + 1_000) })
  t.equal(((await bobCloses) as [number])[0], 1008)
})

t.test('a close frame of ours never falls into a frame of the backend', async (t) => {
  let backendSocket: Duplex | undefined
  const backend = await startRawBackend(t, (socket) => {
    socket.once('data', () => {
      backendSocket = socket
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.write(Buffer.concat([Buffer.of(0x82, 126, 0, 200), Buffer.alloc(100, 'a')]))
    })
  })
  const { port, sessions } = await startProxy(t, backend.port, { allow: () => ({ identity: { sid: 's' } }) })
  const socket = net.connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let half = (): void => {}
  const halfCame = new Promise<void>((resolve) => {
    half = resolve
  })
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    if (Buffer.concat(chunks).includes(Buffer.alloc(100, 'a'))) half()
  })
  socket.write(HANDSHAKE)
  await halfCame
  sessions.end({ sid: 's' })
  backendSocket?.write(Buffer.concat([Buffer.alloc(100, 'b'), Buffer.of(0x81, 1, 0x21)]))
  await once(socket, 'end')
  const all = Buffer.concat(chunks)
  const frames = all.subarray(all.indexOf('\r\n\r\n') + 4)
  t.same(
    frames,
    Buffer.concat([
      Buffer.of(0x82, 126, 0, 200),
      Buffer.alloc(100, 'a'),
      Buffer.alloc(100, 'b'),
      closeFrame(1008, 'session ended', false),
    ]),
  )
})

t.test('a WebSocket whose session ended while it was being opened is closed at once', async (t) => {
  const { backend } = await startEcho(t)
  const { port, sessions } = await startProxy(t, backend.port, { allow: () => ({ identity: { sid: 'gone' } }) })
  sessions.end({ sid: 'gone' })
  const socket = connect(port)
  const [code] = (await once(socket, 'close')) as [number]
  t.equal(code, 1008)
})

t.test('more open WebSockets than allowed are turned away with 503', async (t) => {
  const { backend } = await startEcho(t)
  const { port } = await startProxy(t, backend.port, {
    allow: () => ({ identity: { sid: 's' } }),
    streamLimits: { total: 10, perSession: 1 },
  })
  const first = connect(port)
  await once(first, 'open')
  const second = connect(port)
  second.on('error', () => {})
  const [, refusal] = (await once(second, 'unexpected-response')) as [http.ClientRequest, IncomingMessage]
  t.equal(refusal.statusCode, 503)
  t.ok(refusal.headers['retry-after'])
  first.close()
  await once(first, 'close')
})

t.test('a client that goes away during the handshake takes it along', async (t) => {
  const backend = await startRawBackend(t, (socket) => {
    socket.resume()
    socket.on('close', () => events.emit('gone'))
    socket.once('data', () => client.destroy())
  })
  const events = new http.Agent()
  const { port } = await startProxy(t, backend.port)
  const gone = once(events, 'gone')
  const client = net.connect(port, '127.0.0.1')
  client.write(HANDSHAKE)
  await t.resolves(gone)
})
