import http, { type IncomingMessage } from 'node:http'
import t from 'tap'
import { isConnectionBound } from '../../../src/proxy/forwarding/connection-bound.ts'
import { ask, type Backend, startBackend, startProxy, type Teardown } from './harness.ts'

/**
 * A backend that authenticates connections as IIS does with NTLM: three messages on one connection, and from then on
 * whatever comes on that connection speaks for the person.
 */
async function startNtlm(t: Teardown): Promise<Backend> {
  const people = new WeakMap<object, string>()
  const numbers = new WeakMap<object, number>()
  let connections = 0
  const backend = await startBackend(t, (request, response) => {
    const { socket } = request
    if (!numbers.has(socket)) numbers.set(socket, ++connections)
    const authorization = request.headers.authorization ?? ''
    request.resume()
    request.on('end', () => {
      const third = /^NTLM three-(.*)$/.exec(authorization)?.[1]
      if (third !== undefined && people.get(socket) === 'pending') people.set(socket, third)
      const person = people.get(socket)
      if (authorization === 'NTLM one') {
        people.set(socket, 'pending')
        response.writeHead(401, { 'www-authenticate': 'NTLM two' })
      } else if (person === undefined || person === 'pending')
        response.writeHead(401, { 'www-authenticate': ['Negotiate', 'NTLM'] })
      response.end(
        JSON.stringify({ connection: numbers.get(socket), person: response.statusCode === 200 ? person : null }),
      )
    })
  })
  return backend
}

interface Said {
  status: number
  connection: number
  person: string | null
  challenge: string | undefined
}

function clientOf(t: Teardown, port: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const say = async (authorization?: string, method = 'GET'): Promise<Said> => {
    const headers = authorization === undefined ? {} : { authorization }
    const answer = await ask(port, '/', { method, agent, headers, ...(method === 'POST' ? { body: 'x' } : {}) })
    return { status: answer.status, challenge: answer.headers['www-authenticate'], ...JSON.parse(answer.body) }
  }
  const signIn = async (person: string): Promise<Said> => {
    await say('NTLM one')
    return say(`NTLM three-${person}`)
  }
  return { say, signIn, agent }
}

t.test('a handshake over several requests stays on one connection of the client’s own', async (t) => {
  const backend = await startNtlm(t)
  const { port, proxy } = await startProxy(t, backend.port)
  const { say } = clientOf(t, port)
  const first = await say()
  t.match(first, { status: 401, challenge: 'Negotiate, NTLM' })
  const one = await say('NTLM one')
  t.match(one, { status: 401, challenge: 'NTLM two' })
  const three = await say('NTLM three-alice')
  t.match(three, { status: 200, person: 'alice', connection: one.connection })
  t.match(await say(), { status: 200, person: 'alice', connection: one.connection }, 'later requests need no more')
  t.match(await say(undefined, 'POST'), { status: 200, person: 'alice', connection: one.connection })
  t.equal(proxy.stats.boundClients, 1)
})

t.test('no other client ever speaks on that connection, however many try', async (t) => {
  const backend = await startNtlm(t)
  const { port } = await startProxy(t, backend.port)
  const alice = clientOf(t, port)
  t.match(await alice.signIn('alice'), { person: 'alice' })
  const others = await Promise.all(Array.from({ length: 24 }, () => clientOf(t, port).say()))
  for (const other of others) t.match(other, { status: 401, person: null })
  const bob = clientOf(t, port)
  t.match(await bob.signIn('bob'), { person: 'bob' })
  t.match(await alice.say(), { person: 'alice' })
})

t.test('the connection ends with the client’s', async (t) => {
  const backend = await startNtlm(t)
  const { port, proxy } = await startProxy(t, backend.port)
  const alice = clientOf(t, port)
  await alice.signIn('alice')
  t.equal(proxy.stats.boundClients, 1)
  const own = [...backend.connections].at(-1)
  const closed = new Promise((resolve) => own?.once('close', resolve))
  alice.agent.destroy()
  await closed
  t.equal(proxy.stats.boundClients, 0)
  t.match(await clientOf(t, port).say(), { status: 401, person: null })
})

t.test('behind a trusted proxy, which may bring many people on one connection', async (t) => {
  await t.test('sessions are told apart', async (t) => {
    const backend = await startNtlm(t)
    let sid = 'alice'
    const { port } = await startProxy(t, backend.port, {
      trustedProxies: ['127.0.0.1'],
      allow: () => ({ identity: { sid } }),
    })
    const front = clientOf(t, port)
    t.match(await front.signIn('alice'), { person: 'alice' })
    sid = 'bob'
    t.match(await front.say(), { status: 401, person: null })
    sid = 'alice'
    t.match(await front.say(), { person: 'alice' })
  })
  await t.test('without sessions no connection is kept at all', async (t) => {
    const backend = await startNtlm(t)
    const { port, proxy } = await startProxy(t, backend.port, { trustedProxies: ['127.0.0.1'] })
    const front = clientOf(t, port)
    t.match(await front.signIn('alice'), { status: 401, person: null })
    t.match(await front.say(), { status: 401, person: null })
    t.equal(proxy.stats.boundClients, 0)
  })
})

t.test('a person who signs in anew on the same connection does not inherit the other’s', async (t) => {
  const backend = await startNtlm(t)
  let sid = 'alice'
  const { port } = await startProxy(t, backend.port, { allow: () => ({ identity: { sid } }) })
  const browser = clientOf(t, port)
  t.match(await browser.signIn('alice'), { person: 'alice' })
  sid = 'bob'
  t.match(await browser.say(), { status: 401, person: null })
})

t.test('authentication of single requests passes both ways and shares connections', async (t) => {
  const seen: (string | undefined)[] = []
  const backend = await startBackend(t, (request: IncomingMessage, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(401, { 'www-authenticate': 'Basic realm="app"' }).end()
  })
  const { port, proxy } = await startProxy(t, backend.port)
  const answer = await ask(port, '/', { headers: { authorization: 'Basic YWxpY2U6eA==' } })
  t.match(answer.headers, { 'www-authenticate': 'Basic realm="app"' })
  t.same(seen, ['Basic YWxpY2U6eA=='])
  t.equal(proxy.stats.boundClients, 0)
})

for (const [value, bound] of [
  ['NTLM TlRMTVNTUAAB', true],
  ['negotiate\tYII', true],
  ['  Negotiate YII', true],
  ['Kerberos x', true],
  ['Nego2 x', true],
  ['Something-New x', true],
  ['', true],
  ['Basic eDp5', false],
  ['bearer x', false],
  ['Digest username="x"', false],
] as const)
  t.test(`${JSON.stringify(value)} ${bound ? 'binds a connection' : 'does not bind a connection'}`, async (t) =>
    t.equal(isConnectionBound(value), bound),
  )
