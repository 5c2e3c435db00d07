import { once } from 'node:events'
import { Socket } from 'node:net'
import t from 'tap'
import { backendOf } from '../../../src/proxy/forwarding/backend.ts'
import { BackendConnections } from '../../../src/proxy/forwarding/backend-connections.ts'
import { createLookup } from '../../../src/proxy/forwarding/name-resolution.ts'
import { ask, mirror, publishedApplication, startBackend, startProxy } from './harness.ts'

const lookup = createLookup({ '*.corp.test': '127.0.0.1' })

t.test('applications share the connections of one backend, but not those that are not verified', async (t) => {
  const connections = new BackendConnections({ lookup })
  t.teardown(() => connections.close())
  const wiki = { name: 'wiki', externalUrl: 'http://wiki.contoso.test/' }
  const crm = backendOf(publishedApplication(1))
  t.equal(connections.pool(crm), connections.pool(backendOf(publishedApplication(1, wiki))))
  t.not(connections.pool(crm), connections.pool(backendOf(publishedApplication(2, wiki))))
  const secure = { backendUrl: 'https://inner.corp.test/' }
  const verified = backendOf(publishedApplication(1, secure))
  const not = backendOf(publishedApplication(1, { ...secure, backendServerCertificateValidation: 'None' }))
  t.not(connections.pool(verified), connections.pool(not))
  t.not(connections.agent(verified), connections.agent(not))
})

t.test('what nobody uses is closed, what is under way is not', async (t) => {
  const connections = new BackendConnections({ lookup })
  t.teardown(() => connections.close())
  for (let n = 1; n <= 1_000; n++) connections.pool(backendOf(publishedApplication(n)))
  t.equal(connections.stats.backends, 1_000)
  connections.sweep()
  t.equal(connections.stats.backends, 1_000, 'used since the last look')
  connections.pool(backendOf(publishedApplication(7)))
  connections.sweep()
  t.equal(connections.stats.backends, 1)
})

t.test('a connection of a client’s own ends with the client’s, and only so many are kept for one client', async (t) => {
  const connections = new BackendConnections({ lookup })
  t.teardown(() => connections.close())
  const backend = backendOf(publishedApplication(1))
  const client = new Socket()
  const agent = connections.bind(client, backend, 'alice')
  t.equal(connections.boundAgent(client, backend, 'alice'), agent)
  t.equal(connections.boundAgent(client, backend, 'bob'), undefined)
  t.equal(connections.boundAgent(new Socket(), backend, 'alice'), undefined)
  for (let n = 0; n < 200; n++) connections.bind(client, backend, `person-${n}`)
  t.equal(connections.boundAgent(client, backend, 'alice'), undefined)
  t.not(connections.boundAgent(client, backend, 'person-199'), undefined)
  client.destroy()
  await once(client, 'close')
  t.equal(connections.stats.boundClients, 0)
})

t.test('connections are kept and used again', async (t) => {
  const backend = await startBackend(t, mirror)
  const { port } = await startProxy(t, backend.port)
  for (let n = 0; n < 20; n++) await ask(port)
  t.equal(backend.connections.size, 1)
  for (let n = 0; n < 20; n++) await ask(port, '/', { method: 'POST', body: 'x' })
  t.equal(backend.connections.size, 2)
})
