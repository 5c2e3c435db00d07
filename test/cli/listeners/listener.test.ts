import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { addressList } from '../../../src/cli/listeners/address-list.ts'
import { attachFrontDoor } from '../../../src/cli/listeners/front-door.ts'
import { type ListenerConfig, openListeners } from '../../../src/cli/listeners/listener.ts'
import { serverCertificate, writePair } from './certificates.ts'
import { echoSite, exchange, get, keptLog, open, plain, status } from './lab.ts'

const http: ListenerConfig = { address: '127.0.0.1', port: 0, protocol: 'http' }
const host = 'crm.contoso.test'
const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`
/** Answers when it is told to. */
function slowSite() {
  const waiting = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const { site } = echoSite([host], {
    handle(_request, response) {
      response.on('close', gone.resolve)
      waiting.resolve()
      release.promise.then(() => response.end('done'))
    },
  })
  return { site, waiting: waiting.promise, release: release.resolve, gone: gone.promise }
}

t.test('a port in use is told in one line, and what was opened is closed again', async (t) => {
  const { site } = echoSite([host])
  const taken = await open(t, { listeners: [http], sites: [site] })
  const { log, lines } = keptLog()
  const opening = openListeners({ listeners: [http, { ...http, port: taken.port }], sites: [site], log })
  await t.rejects(opening, { name: 'ListenerError', code: 'port-in-use', message: `127.0.0.1:${taken.port} is in use` })
  const { port = 0 } = lines.find(({ message }) => message === 'listening') as { port?: number }
  const [error] = await once(plain(port), 'error')
  t.equal(error.code, 'ECONNREFUSED', 'the first listener is gone')
})

for (const { name, config, code } of [
  { name: 'plain http for everybody', config: { ...http, address: '0.0.0.0' }, code: 'plain-http' },
  { name: 'plain http for everybody by IPv6', config: { ...http, address: '::' }, code: 'plain-http' },
  { name: 'an address that is none', config: { ...http, address: 'localhost' }, code: 'address' },
  {
    name: 'an address of another machine',
    config: { ...http, address: '192.0.2.1', trustedProxies: ['192.0.2.2'] },
    code: 'address',
  },
  { name: 'a port that is none', config: { ...http, port: 65_536 }, code: 'address' },
  { name: 'https without a certificate', config: { ...http, protocol: 'https' as const }, code: 'configuration' },
  { name: 'http with a certificate', config: { ...http, certificates: [{}] }, code: 'configuration' },
  {
    name: 'https that redirects to https',
    config: { ...http, protocol: 'https' as const, redirectToHttps: true },
    code: 'configuration',
  },
  {
    name: 'a trusted proxy that is no address',
    config: { ...http, address: '192.0.2.1', trustedProxies: ['proxy'] },
    code: 'configuration',
  },
] as { name: string; config: ListenerConfig; code: string }[]) {
  t.test(`${name} is refused`, async (t) => {
    const opening = openListeners({ listeners: [config], sites: [echoSite([host]).site], log: keptLog().log })
    await t.rejects(opening, { name: 'ListenerError', code })
  })
}

t.test('plain http behind named proxies is for those proxies', async (t) => {
  const { site, reached } = echoSite([host])
  const server = createServer()
  const { log, refusals } = keptLog()
  let proxies = ['192.0.2.1']
  attachFrontDoor(server, { sites: [site], log, allowed: (address) => addressList(proxies)(address) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  t.equal(status(await exchange(plain(port), get(host))), 403)
  t.match(refusals(), [{ status: 403, from: '127.0.0.1' }])
  t.strictSame(reached, [])
  proxies = ['192.0.2.1', '127.0.0.0/8']
  t.equal(status(await exchange(plain(port), get(host))), 200)
})

t.test('closing finishes what is in flight and takes nothing new', async (t) => {
  const { site, waiting, release } = slowSite()
  const { listeners, port } = await open(t, { listeners: [http], sites: [site] })
  const idle = plain(port)
  await once(idle, 'connect')
  const answer = exchange(plain(port), request)
  await waiting
  const closing = listeners.close({ deadline: 60 })
  await once(idle.resume(), 'close')
  const [refused] = await once(plain(port), 'error')
  t.equal(refused.code, 'ECONNREFUSED')
  release()
  const text = await answer
  t.match(text, /^HTTP\/1\.1 200 OK[\s\S]*done$/)
  t.match(text, /^Connection: close\r$/m)
  await closing
  t.equal(listeners.close(), listeners.close(), 'more than once does no harm')
})

t.test('closing ends a connection whose response had begun before', async (t) => {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const { site } = echoSite([host], {
    handle(_request, response) {
      response.write('begun, ')
      begun.resolve()
      release.promise.then(() => response.end('done'))
    },
  })
  const { listeners, port } = await open(t, { listeners: [http], sites: [site] })
  const answer = exchange(plain(port), request)
  await begun.promise
  const closing = listeners.close({ deadline: 60 })
  release.resolve()
  t.match(await answer, /begun, [\s\S]*done/)
  await closing
})

t.test('closing cuts off what does not end in time', async (t) => {
  const { site, waiting, gone } = slowSite()
  let told = 0
  site.closing = () => {
    told += 1
  }
  const { listeners, port } = await open(t, { listeners: [http], sites: [site] })
  const hanging = exchange(plain(port), request)
  await waiting
  const socket = plain(port)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`)
  await once(socket, 'data')
  const upgraded = once(socket, 'close')
  await listeners.close({ deadline: 0.05 })
  await gone
  await upgraded
  t.equal(await hanging, '')
  t.equal(told, 1, 'the site was told to end what never ends by itself')
})

t.test('closing does not wait for a TLS handshake that never comes', async (t) => {
  const certificates = [writePair(t.testdir(), 'crm', await serverCertificate([host]))]
  const config = { ...http, protocol: 'https', certificates } as const
  const { listeners, port } = await open(t, { listeners: [config], sites: [echoSite([host]).site] })
  const silent = plain(port)
  await once(silent, 'connect')
  await listeners.close({ deadline: 0.05 })
  t.pass('closed')
  silent.destroy()
})

t.test('a client that does not get to the end of its headers gets 408', async (t) => {
  const { site } = echoSite([host])
  const { port } = await open(t, { listeners: [http], sites: [site], timeouts: { headers: 0.1 } })
  t.equal(status(await exchange(plain(port), 'GET / HTTP/1.1\r\nHost: crm')), 408)
  t.equal(status(await exchange(plain(port), '')), 408, 'one that says nothing at all')
})

t.test('hundreds of clients that dawdle over their headers keep nobody else waiting', async (t) => {
  const { site } = echoSite([host])
  const { port } = await open(t, { listeners: [http], sites: [site], timeouts: { headers: 1 } })
  const dawdlers = Array.from({ length: 500 }, () => exchange(plain(port), `GET / HTTP/1.1\r\nHost: ${host}\r\nX: `))
  t.equal(status(await exchange(plain(port), get(host))), 200)
  t.strictSame(new Set((await Promise.all(dawdlers)).map(status)), new Set([408]))
})

t.test('a TLS handshake that stands still is ended', async (t) => {
  const certificates = [writePair(t.testdir(), 'crm', await serverCertificate([host]))]
  const config = { ...http, protocol: 'https', certificates } as const
  const options = { listeners: [config], sites: [echoSite([host]).site], timeouts: { handshake: 0.1 } }
  const { port } = await open(t, options)
  t.equal(await exchange(plain(port), Buffer.from('160301', 'hex')), '')
})

t.test('a body that stands still gets 408, one that keeps coming does not', async (t) => {
  const { site } = echoSite([host])
  const { port, refusals } = await open(t, { listeners: [http], sites: [site], timeouts: { standstill: 0.3 } })
  const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 20\r\nConnection: close\r\n\r\n`
  t.equal(status(await exchange(plain(port), `${head}ab`)), 408)
  t.match(refusals(), [{ status: 408, reason: 'the client stands still' }])
  const socket = plain(port)
  const answer = exchange(socket, head)
  for (let sent = 0; sent < 20; sent++) {
    socket.write('a')
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  t.equal(status(await answer), 200, 'it took twice as long as a standstill may')
})

t.test('a site may bound the time of a whole body', async (t) => {
  const { site } = echoSite([host], { requestTimeout: 0.1 })
  const { port } = await open(t, { listeners: [http], sites: [site] })
  const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`
  t.equal(status(await exchange(plain(port), `${head}a`)), 408)
  t.equal(status(await exchange(plain(port), `${head}ab`)), 200)
})

t.test('a site may take its time', async (t) => {
  const { site } = echoSite([host], {
    handle(_request, response) {
      setTimeout(() => response.end('at last'), 300)
    },
  })
  const { port } = await open(t, { listeners: [http], sites: [site], timeouts: { standstill: 0.05 } })
  t.match(await exchange(plain(port), get(host)), 'at last')
})

t.test('a client that does not read is let go, one that is idle too', async (t) => {
  const gone = Promise.withResolvers<void>()
  const { site } = echoSite([host], {
    handle(_request, response) {
      response.on('close', gone.resolve)
      response.write(Buffer.alloc(50_000_000))
    },
  })
  const timeouts = { standstill: 0.1, keepAlive: 0.1 }
  const { port } = await open(t, { listeners: [http], sites: [site, echoSite(['idle.test']).site], timeouts })
  const socket = plain(port).pause()
  socket.on('error', () => undefined)
  socket.write(request)
  await gone.promise
  t.pass('let go')
  socket.destroy()
  const idle = await exchange(plain(port), 'GET / HTTP/1.1\r\nHost: idle.test\r\n\r\n')
  t.equal(status(idle), 200, 'answered, and the connection ended by itself')
})
