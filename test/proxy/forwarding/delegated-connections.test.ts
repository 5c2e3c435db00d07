import { once } from 'node:events'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { backendOf } from '../../../src/proxy/forwarding/backend.ts'
import { BackendConnections } from '../../../src/proxy/forwarding/backend-connections.ts'
import {
  type DelegatedConnectionLimits,
  DelegatedConnections,
} from '../../../src/proxy/forwarding/delegated-connections.ts'
import { createLookup } from '../../../src/proxy/forwarding/name-resolution.ts'
import { publishedApplication, startBackend } from './harness.ts'

async function open(t: Test, limits: DelegatedConnectionLimits) {
  const { port, connections } = await startBackend(t, (_request, response) => response.end('ok'))
  const plain = new BackendConnections({ lookup: createLookup({ '*.corp.test': '127.0.0.1' }) })
  const delegated = new DelegatedConnections(plain, limits)
  t.teardown(() => {
    delegated.close()
    return plain.close()
  })
  return { backend: backendOf(publishedApplication(port)), delegated, connections }
}

t.test('who has as many connections as one person may have waits for one of them, in turn', async (t) => {
  const { backend, delegated } = await open(t, { perPerson: 2 })
  const first = await delegated.acquire(backend, 'alice', 'client')
  const second = await delegated.acquire(backend, 'alice', 'client')
  const waiting = [delegated.acquire(backend, 'alice', 'client'), delegated.acquire(backend, 'alice', 'client')]
  t.ok(await delegated.acquire(backend, 'bob', 'client'), 'others do not wait')
  second.release()
  t.equal(await waiting[0], second)
  first.release()
  t.equal(await waiting[1], first)
  t.equal(delegated.size, 3)
})

t.test('one that ends makes place for a new one, of the kind that is waited for', async (t) => {
  const { backend, delegated } = await open(t, { perPerson: 1 })
  const first = await delegated.acquire(backend, 'alice', 'client')
  const waiting = delegated.acquire(backend, 'alice', 'agent')
  first.release()
  const next = await waiting
  t.not(next, first)
  t.ok(next.agent)
  t.equal(first.socket.destroyed, true)
})

t.test('waiting ends when nothing has moved for as long as the application allows', async (t) => {
  const { backend, delegated } = await open(t, { perPerson: 1 })
  const impatient = { ...backend, inactivity: 20 }
  await delegated.acquire(backend, 'alice', 'client')
  await t.rejects(Promise.resolve(delegated.acquire(impatient, 'alice', 'client')), { code: 'too-many-connections' })
})

t.test('all people together have so many and no more; idle ones give way, the oldest first', async (t) => {
  const { backend, delegated } = await open(t, { total: 2 })
  const alice = await delegated.acquire(backend, 'alice', 'client')
  const bob = await delegated.acquire(backend, 'bob', 'client')
  await t.rejects(Promise.resolve(delegated.acquire(backend, 'carol', 'client')), { code: 'too-many-connections' })
  bob.release()
  alice.release()
  const closed = once(bob.socket, 'close')
  await delegated.acquire(backend, 'carol', 'client')
  await closed
  t.equal(alice.socket.destroyed, false)
  t.equal(await delegated.acquire(backend, 'alice', 'client'), alice)
})

t.test('a connection that cannot be opened takes no place', async (t) => {
  const { delegated } = await open(t, { total: 1 })
  const nobody = backendOf(publishedApplication(1))
  for (let at = 0; at < 3; at++)
    await t.rejects(Promise.resolve(delegated.acquire(nobody, 'alice', 'client')), { code: 'ECONNREFUSED' })
  t.equal(delegated.size, 0)
})

t.test('an idle connection that the backend ends leaves no trace', async (t) => {
  const { backend, delegated, connections } = await open(t, {})
  const connection = await delegated.acquire(backend, 'alice', 'client')
  connection.release()
  const [socket] = connections as Set<Socket>
  const closed = once(connection.socket, 'close')
  socket?.destroy()
  await closed
  t.equal(delegated.size, 0)
})
