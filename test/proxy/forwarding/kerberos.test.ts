import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { KerberosError } from '../../../src/kcd/index.ts'
import type { BackendDelegator } from '../../../src/proxy/backend-kerberos.ts'
import { spn, startKerberosProxy } from '../kerberos-proxy.ts'
import { ask, mirror, mirrored, startBackend, valuesOf } from './harness.ts'
import { selfSigned } from './test-certificate.ts'

type Asked = Parameters<BackendDelegator['begin']>[0]

/** Makes tokens that say for whom they are, and takes `proof-<token>` for a proof. */
function createNamingDelegator() {
  const asked: Asked[] = []
  const forgotten: string[] = []
  let made = 0
  const delegator: BackendDelegator = {
    realm: 'EXAMPLE.TEST',
    begin: async (request) => {
      asked.push(request)
      const value = Buffer.from(`${request.upn} ${++made}`).toString('base64')
      return {
        value,
        check: (answer) => {
          if (answer === undefined) return 'silent'
          if (answer === `proof-${value}`) return 'proved'
          throw new KerberosError('mutual-authentication', 'proves something else')
        },
      }
    },
    forget: (upn) => {
      forgotten.push(upn)
    },
  }
  return { delegator, asked, forgotten }
}

/** Whom a token of the naming delegator is for. */
const namedBy = (request: IncomingMessage): string | undefined => {
  const token = /^Negotiate (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
  return token === undefined ? undefined : Buffer.from(token, 'base64').toString().split(' ')[0]
}

const refuse = (response: ServerResponse, challenge = 'Negotiate'): void => {
  response.writeHead(401, { 'www-authenticate': challenge, 'content-length': 0 }).end()
}

const urlOf = ({ port }: { port: number }, scheme = 'http') => `${scheme}://backend.example.test:${port}/`

t.test('whatever the client sends to authenticate itself never reaches the backend', async (t) => {
  const { delegator } = createNamingDelegator()
  const proxy = await startKerberosProxy(t, urlOf(await startBackend(t, mirror)), { delegator })
  for (const sent of ['Negotiate YIIx', 'NTLM TlRM', 'Kerberos x', 'Basic YTpi', 'Bearer x.y.z', 'Unheard of', ''])
    for (const name of ['Authorization', 'AUTHORIZATION', 'authorization'])
      for (const method of ['GET', 'POST']) {
        const answer = await proxy.askAs('alice@example.test', '/', {
          method,
          headers: { [name]: sent, 'proxy-authorization': sent, connection: 'close, authorization' },
          ...(method === 'POST' ? { body: 'a=b' } : {}),
        })
        const values = valuesOf(mirrored(answer).headers, 'authorization')
        t.equal(values.length, 1, `${method} ${name}: ${sent}`)
        t.match(Buffer.from(values[0]?.slice(10) ?? '', 'base64').toString(), /^alice@example\.test \d+$/)
        t.strictSame(valuesOf(mirrored(answer).headers, 'proxy-authorization'), [])
      }
})

t.test('the service is the published one, whatever host the client names', async (t) => {
  const { delegator, asked } = createNamingDelegator()
  const proxy = await startKerberosProxy(t, urlOf(await startBackend(t, mirror)), { delegator })
  await proxy.askAs('alice@example.test', '/', { headers: { 'x-forwarded-host': 'other.example.test' } })
  await proxy.askAs('alice@example.test', 'http://app.contoso.test/', { headers: { host: 'other.example.test' } })
  t.ok(asked.length > 0)
  for (const request of asked) t.equal(request.spn, spn)
})

t.test('no connection is shared by two people, nor with requests of other applications', async (t) => {
  const seen = new Map<Socket, Set<string>>()
  const backend = await startBackend(t, (request, response) => {
    const people = seen.get(request.socket) ?? new Set()
    seen.set(request.socket, people.add(namedBy(request) ?? 'nobody'))
    response.end('ok')
  })
  const { delegator } = createNamingDelegator()
  const open = {
    name: 'open',
    externalUrl: 'http://open.contoso.test/',
    preauthentication: 'pass-through',
    trustId: undefined,
    backendServerAuthenticationSPN: undefined,
  }
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator, others: [open] })
  const requests = Array.from({ length: 60 }, (_, at) => {
    const options = at % 2 === 0 ? {} : { method: 'POST', body: 'x' }
    if (at % 3 === 0) return ask(proxy.port, '/', { ...options, headers: { host: 'open.contoso.test' } })
    return proxy.askAs(at % 3 === 1 ? 'alice@example.test' : 'bob@example.test', '/', options)
  })
  for (const { status } of await Promise.all(requests)) t.equal(status, 200)
  for (let round = 0; round < 5; round++)
    for (const who of ['alice@example.test', 'bob@example.test']) await proxy.askAs(who)
  t.strictSame(
    [...seen.values()].filter((people) => people.size > 1),
    [],
  )
  const everybody = new Set([...seen.values()].flatMap((people) => [...people]))
  t.strictSame([...everybody].sort(), ['alice@example.test', 'bob@example.test', 'nobody'])
})

t.test('a connection is trusted to keep its person only when the backend says so, or the publication', async (t) => {
  for (const { kerberosMode, says, tokens } of [
    { kerberosMode: 'auto', says: undefined, tokens: 4 },
    { kerberosMode: 'auto', says: 'true', tokens: 1 },
    { kerberosMode: 'auto', says: 'false', tokens: 4 },
    { kerberosMode: 'per-connection', says: undefined, tokens: 1 },
    { kerberosMode: 'per-connection', says: 'false', tokens: 4 },
    { kerberosMode: 'per-request', says: 'true', tokens: 4 },
  ]) {
    const { delegator, asked } = createNamingDelegator()
    const backend = await startBackend(t, (_request, response) => {
      if (says !== undefined) response.setHeader('Persistent-Auth', says)
      response.end('ok')
    })
    const proxy = await startKerberosProxy(t, urlOf(backend), { delegator, application: { kerberosMode } })
    for (let at = 0; at < 4; at++) {
      const answer = await proxy.askAs('alice@example.test')
      t.equal(answer.headers['persistent-auth'], undefined, 'it is nothing for the client')
    }
    t.equal(asked.length, tokens, `${kerberosMode}, ${says}`)
    t.equal(backend.connections.size, 1)
  }
})

t.test(
  'a backend that has forgotten whose connection it is gets a token, and nobody is let in without one',
  async (t) => {
    const { delegator, asked } = createNamingDelegator()
    let requests = 0
    const backend = await startBackend(t, (request, response) => {
      requests++
      if (namedBy(request) === undefined) refuse(response)
      else response.setHeader('Persistent-Auth', 'true').end(namedBy(request))
    })
    const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
    for (let at = 0; at < 3; at++)
      t.match(await proxy.askAs('alice@example.test'), { status: 200, body: 'alice@example.test' })
    t.equal(requests, 5, 'twice it was asked without')
    t.equal(asked.length, 3)
    t.notOk(
      asked.some(({ fresh }) => fresh),
      'no ticket was doubted',
    )
  },
)

t.test('a refused ticket is renewed once, with the body that was sent before', async (t) => {
  for (const options of [
    {},
    { method: 'POST', body: 'x'.repeat(60_000) },
    { method: 'DELETE' },
    { method: 'PUT', body: 'a=b', headers: { 'transfer-encoding': 'chunked' } },
    { method: 'POST', body: 'waited', headers: { expect: '100-continue' } },
  ]) {
    const { delegator, asked } = createNamingDelegator()
    let refused = false
    const backend = await startBackend(t, (request, response) => {
      if (refused) mirror(request, response)
      else {
        refused = true
        refuse(response)
      }
    })
    const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
    const answer = await proxy.askAs('alice@example.test', '/', options)
    t.equal(answer.status, 200)
    t.equal(mirrored(answer).body, options.body ?? '')
    t.strictSame(
      asked.map(({ fresh }) => fresh),
      [false, true],
    )
    t.equal(backend.connections.size, 2, 'on a connection of its own')
  }
})

t.test('a backend that takes no ticket is asked twice at most, and its challenge stays here', async (t) => {
  for (const challenge of ['Negotiate', 'Negotiate oQcwBaADCgEB', 'NTLM', 'Negotiate, NTLM']) {
    const { delegator, asked } = createNamingDelegator()
    const backend = await startBackend(t, (_request, response) => refuse(response, challenge))
    const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
    const answer = await proxy.askAs('alice@example.test')
    t.equal(answer.status, 502, challenge)
    t.equal(answer.headers['www-authenticate'], undefined)
    t.equal(asked.length, 2)
    t.match(proxy.log.at(-1), { code: 'kerberos-rejected', wapEvent: 13_022, upn: 'alice@example.test' })
    t.match(proxy.audit, [{ event: 'edge-delegation-refused', code: 'kerberos-rejected', who: 'alice@example.test' }])
  }
})

t.test('a body too large to be sent again is not: the client is told', async (t) => {
  const { delegator, asked } = createNamingDelegator()
  const backend = await startBackend(t, (request, response) => {
    request.resume().on('end', () => refuse(response))
  })
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
  const answer = await proxy.askAs('alice@example.test', '/', { method: 'POST', body: 'x'.repeat(200_000) })
  t.equal(answer.status, 502)
  t.equal(asked.length, 1)
})

t.test('a 401 of the application’s own, without Negotiate, is passed on', async (t) => {
  const { delegator, asked } = createNamingDelegator()
  const backend = await startBackend(t, (_request, response) => refuse(response, 'Bearer realm="api"'))
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
  t.match(await proxy.askAs('alice@example.test'), {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="api"' },
  })
  t.equal(asked.length, 1)
})

t.test('a backend that knows the person and refuses is not asked again', async (t) => {
  const { delegator, asked } = createNamingDelegator()
  const backend = await startBackend(t, (request, response) =>
    refuse(response, `Negotiate proof-${request.headers.authorization?.slice(10)}`),
  )
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
  const answer = await proxy.askAs('alice@example.test', '/', { headers: { accept: 'text/html' } })
  t.equal(answer.status, 403)
  t.match(answer.body, /does not let you in/)
  t.equal(asked.length, 1)
})

t.test('what a backend says that proves to be another is dropped', async (t) => {
  for (const options of [{}, { method: 'POST', body: 'x' }]) {
    const { delegator } = createNamingDelegator()
    const backend = await startBackend(t, (request, response) => {
      const proves = request.url === '/honest'
      const proof = proves ? `proof-${request.headers.authorization?.slice(10)}` : 'forged'
      response.writeHead(200, { 'www-authenticate': `Negotiate ${proof}` }).end('secret of another')
    })
    const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
    const honest = await proxy.askAs('alice@example.test', '/honest', options)
    t.match(honest, { status: 200, body: 'secret of another' })
    t.equal(honest.headers['www-authenticate'], undefined)
    const forged = await proxy.askAs('alice@example.test', '/forged', options)
    t.equal(forged.status, 502)
    t.notMatch(forged.body, /secret/)
    t.match(proxy.log.at(-1), { code: 'kerberos-unproved', detail: /^mutual-authentication: / })
  }
})

t.test('behind TLS every token is bound to the certificate that the backend showed', async (t) => {
  const tls = selfSigned('backend.example.test')
  const { raw } = new X509Certificate(tls.cert)
  const expected = `tls-server-end-point:${createHash('sha256').update(raw).digest().toString('latin1')}`
  const { delegator, asked } = createNamingDelegator()
  const backend = await startBackend(
    t,
    (request, response) => {
      request.resume()
      response.setHeader('connection', 'close').end(namedBy(request))
    },
    { tls },
  )
  const proxy = await startKerberosProxy(t, urlOf(backend, 'https'), { delegator, backendCa: [tls.cert] })
  for (const options of [{}, {}, { method: 'POST', body: 'x' }, {}])
    t.match(await proxy.askAs('alice@example.test', '/', options), { status: 200, body: 'alice@example.test' })
  t.equal(asked.length, 4)
  for (const { channelBinding } of asked) t.equal(Buffer.from(channelBinding ?? []).toString('latin1'), expected)
  const unknown = await startKerberosProxy(t, urlOf(backend, 'https'), { delegator })
  t.equal((await unknown.askAs('alice@example.test')).status, 502)
  t.equal(asked.length, 4, 'nothing is made for a backend whose certificate nobody vouches for')
})

t.test('a WebSocket is opened in the person’s name', async (t) => {
  const { delegator, asked } = createNamingDelegator()
  let refused = false
  const backend = await startBackend(t, (_request, response) => refuse(response), {
    upgrade: (request, socket) => {
      if (!refused) {
        refused = true
        socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n')
        return
      }
      const proof = `proof-${request.headers.authorization?.slice(10)}`
      const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
      socket.write(`${head}WWW-Authenticate: Negotiate ${proof}\r\nX-Saw: ${namedBy(request)}\r\n\r\n`)
    },
  })
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
  const socket = connect(proxy.port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(
    'GET / HTTP/1.1\r\nHost: app.contoso.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Authorization: Negotiate YIIx\r\nCookie: ${proxy.cookieOf('alice@example.test')}\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const [head] = (await once(socket, 'data')) as [Buffer]
  t.match(head.toString(), /^HTTP\/1\.1 101 /)
  t.match(head.toString(), /X-Saw: alice@example\.test/)
  t.notMatch(head.toString(), /www-authenticate/i)
  t.equal(asked.length, 2)
  t.equal(proxy.proxy.stats.streams, 1)
})

t.test('when a person is ended, so are the connections in their name and their tickets', async (t) => {
  for (const { kerberosName, forgets } of [
    { kerberosName: 'upn', forgets: ['alice@example.test'] },
    { kerberosName: 'userPart', forgets: ['alice@contoso.test', 'alice@EXAMPLE.TEST'] },
  ]) {
    const { delegator, forgotten } = createNamingDelegator()
    const backend = await startBackend(t, (_request, response) => response.end('ok'))
    const proxy = await startKerberosProxy(t, urlOf(backend), { delegator, application: { kerberosName } })
    const [upn] = forgets as [string]
    await proxy.askAs(upn)
    await proxy.askAs('bob@example.test')
    const [first] = backend.connections
    proxy.end({ sid: 'one of several' })
    t.strictSame(forgotten, [])
    const closed = once(first as Socket, 'close')
    proxy.end({ upn: upn.toUpperCase(), before: new Date() })
    await closed
    t.strictSame(
      forgotten.map((name) => name.toLowerCase()),
      forgets.map((name) => name.toLowerCase()),
    )
    t.equal(proxy.proxy.stats.delegated, 1, 'bob’s goes on')
  }
})

t.test('a connection that the backend closed while it was idle costs nobody a request', async (t) => {
  const { delegator } = createNamingDelegator()
  const backend = await startBackend(t, (request, response) => {
    response.setHeader('Persistent-Auth', 'true').end('ok', () => {
      if (request.url === '/last') request.socket.destroy()
    })
  })
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
  for (const target of ['/', '/last', '/', '/last', '/'])
    t.equal((await proxy.askAs('alice@example.test', target)).status, 200)
})

t.test('nobody is served without a delegator, or by a decision that names no person', async (t) => {
  const backend = await startBackend(t, mirror)
  const without = await startKerberosProxy(t, urlOf(backend))
  t.equal((await without.askAs('alice@example.test')).status, 502)
  t.match(without.log.at(-1), { code: 'kerberos-unavailable', wapEvent: 13_019 })
  const { delegator, asked } = createNamingDelegator()
  const foreign = await startKerberosProxy(t, urlOf(backend), {
    delegator,
    preauthenticate: ({ target }) => ({
      kind: 'allow',
      application: foreign.applications[0] as (typeof foreign.applications)[0],
      request: { target, cookie: undefined, setHeaders: {}, removeHeaders: () => false },
      response: { setCookies: [] },
      outcome: { decision: 'access-cookie' },
    }),
  })
  t.equal((await foreign.askAs('alice@example.test')).status, 403)
  t.equal(asked.length, 0)
  t.equal(backend.connections.size, 0, 'the backend hears nothing of it')
})

t.test('a client that goes away while its ticket is fetched leaves nothing behind', async (t) => {
  const { delegator } = createNamingDelegator()
  const fetching = Promise.withResolvers<void>()
  const { promise: gone, resolve: go } = Promise.withResolvers<void>()
  const slow: BackendDelegator = {
    ...delegator,
    begin: async (request) => {
      fetching.resolve()
      await gone
      return delegator.begin(request)
    },
  }
  let requests = 0
  const backend = await startBackend(t, (_request, response) => {
    requests++
    response.end()
  })
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator: slow })
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(`GET / HTTP/1.1\r\nHost: app.contoso.test\r\nCookie: ${proxy.cookieOf('alice@example.test')}\r\n\r\n`)
  await fetching.promise
  const [connection] = backend.connections
  const closed = once(connection as Socket, 'close')
  socket.destroy()
  while (proxy.proxy.stats.inFlight > 0) await new Promise(setImmediate)
  go()
  await closed
  t.equal(requests, 0)
  t.equal(proxy.proxy.stats.delegated, 0)
})

t.test('an event stream goes through as it comes', async (t) => {
  const { delegator } = createNamingDelegator()
  const { promise: first, resolve: sent } = Promise.withResolvers<ServerResponse>()
  const backend = await startBackend(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    sent(response)
  })
  const proxy = await startKerberosProxy(t, urlOf(backend), { delegator })
  const asking = proxy.askAs('alice@example.test', '/', { headers: { accept: 'text/event-stream' } })
  const stream = await first
  while (proxy.proxy.stats.streams === 0) await new Promise(setImmediate)
  stream.end('data: 2\n\n')
  t.match(await asking, { status: 200, body: 'data: 1\n\ndata: 2\n\n' })
})
