import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import t from 'tap'
import { ask, readAnswer, startBackend, startProxy, type Teardown } from './harness.ts'

/** A backend that streams events for as long as somebody listens. */
async function startEvents(t: Teardown) {
  const open = new Set<ServerResponse>()
  const backend = await startBackend(t, (request, response) => {
    request.on('error', () => {})
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    response.flushHeaders()
    open.add(response)
    response.on('close', () => {
      open.delete(response)
      backend.server.emit('left')
    })
  })
  return { backend, open }
}

async function listen(port: number): Promise<IncomingMessage> {
  const request = http.get({
    host: '127.0.0.1',
    port,
    agent: false,
    headers: { host: 'app.contoso.test', accept: 'text/event-stream' },
  })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}

t.test('events are passed on one by one, and silence does not end the stream', async (t) => {
  const { backend, open } = await startEvents(t)
  const { port } = await startProxy(t, backend.port, { application: { inactiveTransactionsTimeoutSec: 1 } })
  const answer = await listen(port)
  t.match(answer.headers, { 'content-type': 'text/event-stream; charset=utf-8' })
  for (const text of ['data: one\n\n', 'data: two\n\n']) {
    for (const response of open) response.write(text)
    t.equal(String(((await once(answer, 'data')) as [Buffer])[0]), text)
  }
  // what is no event stream and keeps as silent is cut off meanwhile
  const silent = await startBackend(t, (_request, response) => {
    response.on('error', () => {}).write('begun')
  })
  const other = await startProxy(t, silent.port, { application: { inactiveTransactionsTimeoutSec: 1 } })
  await t.rejects(ask(other.port), { code: 'ECONNRESET' })
  for (const response of open) response.end('data: late\n\n')
  t.equal((await readAnswer(answer)).body, 'data: late\n\n')
})

t.test('the stream ends, whole, when its session is ended, and the backend is let go', async (t) => {
  const { backend } = await startEvents(t)
  const sids = ['alice', 'bob']
  const { port, sessions, proxy, log } = await startProxy(t, backend.port, {
    allow: () => ({ identity: { sid: sids.shift() ?? '', upn: 'alice@contoso.test' } }),
  })
  const alice = await listen(port)
  const bob = await listen(port)
  t.equal(proxy.stats.streams, 2)
  const left = once(backend.server, 'left')
  sessions.end({ sid: 'alice' })
  const { body } = await readAnswer(alice)
  t.equal(body, '')
  t.equal(alice.complete, true, 'not cut off')
  await left
  t.equal(proxy.stats.streams, 1)
  t.match(log, [{ status: 200, upn: 'alice@contoso.test' }])
  bob.destroy()
})

t.test('a stream of an application that asks nobody to sign in belongs to no session', async (t) => {
  const { backend, open } = await startEvents(t)
  const { port, sessions, proxy } = await startProxy(t, backend.port)
  const answer = await listen(port)
  sessions.end({ sid: 'alice' })
  sessions.end({ upn: 'alice@contoso.test', before: new Date(Date.now() + 1_000) })
  t.equal(proxy.stats.streams, 1)
  for (const response of open) response.end('data: end\n\n')
  t.equal((await readAnswer(answer)).body, 'data: end\n\n')
  t.equal(proxy.stats.streams, 0)
})

t.test('a client that leaves takes its stream along', async (t) => {
  const { backend } = await startEvents(t)
  const { port, proxy, logged } = await startProxy(t, backend.port)
  const answer = await listen(port)
  answer.on('error', () => {})
  const left = once(backend.server, 'left')
  answer.destroy()
  await left
  await logged()
  t.equal(proxy.stats.streams, 0)
})
