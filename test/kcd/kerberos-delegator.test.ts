import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import * as entryPoint from '../../src/kcd/index.ts'
import { createKerberosDelegator, type KerberosDelegatorOptions, KerberosError } from '../../src/kcd/index.ts'
import { startForgingKdc } from './kdc/forging-kdc.ts'

const good: KerberosDelegatorOptions = {
  realm: 'EXAMPLE.TEST',
  kdcs: ['127.0.0.1:88'],
  principal: 'HTTP/gateway.example.test',
  password: 'secret',
}
const alice = { upn: 'alice@example.test', spn: 'HTTP/backend.example.test' }

t.test('the entry point exports what other programs rely on', async (t) => {
  t.same(Object.keys(entryPoint).sort(), ['KerberosError', 'createKerberosDelegator'])
})

t.test('a wrong option is told when the delegator is made', async (t) => {
  for (const wrong of [
    { realm: '' },
    { realm: 'EXAMPLE TEST' },
    { principal: '' },
    { principal: 'HTTP//x' },
    { principal: 'HTTP/gateway@OTHER.TEST' },
    { kdcs: ['not an address'] },
    { realms: { 'A/B': { kdcs: [] } } },
    { realms: { 'PARTNER.TEST': { kdcs: [':88'] } } },
    { password: undefined },
    { keytab: '/also/a/keytab' },
    { timeout: 0 },
    { timeout: Number.NaN },
    { timeout: -1 },
    { patience: 0 },
    { largestClockSkew: -1 },
    { ticketLifetime: 0 },
    { mostTickets: 0 },
    { mostTickets: 1.5 },
    { mostRequests: 0 },
    { resolve: { 'kdc.example.test': 'localhost' } },
    { armourKeytab: new Uint8Array(), armourPrincipal: 'host/x@OTHER.TEST' },
  ] as Partial<KerberosDelegatorOptions>[]) {
    t.throws(() => createKerberosDelegator({ ...good, ...wrong }), TypeError, JSON.stringify(wrong))
  }
  await createKerberosDelegator({ ...good, principal: 'HTTP/gateway.example.test@EXAMPLE.TEST' }).close()
})

t.test('a keytab that is none, or is not there, is told when it is needed', async (t) => {
  const { password: _, ...account } = good
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const keytab of [new Uint8Array(), Buffer.from('not a keytab'), join(folder, 'missing.keytab'), folder]) {
    const delegator = createKerberosDelegator({ ...account, keytab })
    await t.rejects(delegator.negotiate(alice), { code: 'keytab', name: 'KerberosError' })
    await delegator.close()
  }
})

t.test('KDCs may be named, their addresses given', async (t) => {
  const kdc = await startForgingKdc()
  t.teardown(() => kdc.close())
  const [, port] = kdc.kdc.split(':')
  const delegator = createKerberosDelegator({
    ...good,
    password: undefined,
    keytab: kdc.keytab,
    kdcs: [`kdc.corp.test:${port}`],
    resolve: { '*.corp.test': '127.0.0.1' },
    now: () => new Date('2026-11-23T12:00:00Z'),
  })
  t.teardown(() => delegator.close())
  t.match(await delegator.negotiate(alice), /^YII/)
})

t.test('no key, password or ticket is in what an error or the delegator shows', async (t) => {
  const kdc = await startForgingKdc()
  t.teardown(() => kdc.close())
  const delegator = createKerberosDelegator({ ...good, password: 'correct horse', kdcs: [kdc.kdc] })
  t.teardown(() => delegator.close())
  const { inspect } = await import('node:util')
  const error = await delegator.negotiate(alice).catch((error: unknown) => error)
  t.type(error, KerberosError)
  t.notMatch(inspect([error, delegator], { depth: 20 }), /correct horse/)
})

t.test('channel bindings each have their own template', async (t) => {
  const kdc = await startForgingKdc()
  t.teardown(() => kdc.close())
  const delegator = createKerberosDelegator({
    ...good,
    password: undefined,
    keytab: kdc.keytab,
    kdcs: [kdc.kdc],
    now: () => new Date('2026-11-23T12:00:00Z'),
  })
  t.teardown(() => delegator.close())
  const plain = await delegator.negotiate(alice)
  for (let i = 0; i < 10; i++) {
    const bound = await delegator.negotiate({ ...alice, channelBinding: Buffer.from(`tls-server-end-point:${i}`) })
    t.ok(bound.length > plain.length, 'the binding is announced in the authenticator')
  }
  t.equal(kdc.asked.S4U2Proxy, 1, 'all from one ticket')
})

t.test('a person who is forgotten while their ticket is on its way is asked for again', async (t) => {
  const kdc = await startForgingKdc()
  t.teardown(() => kdc.close())
  const delegator = createKerberosDelegator({
    ...good,
    password: undefined,
    keytab: kdc.keytab,
    kdcs: [kdc.kdc],
    now: () => new Date('2026-11-23T12:00:00Z'),
  })
  t.teardown(() => delegator.close())
  const underWay = delegator.negotiate(alice)
  delegator.forget('alice@example.test')
  t.match(await underWay, /^YII/, 'who asked before gets what they asked for')
  t.equal(delegator.tickets, 0)
  await delegator.negotiate(alice)
  t.equal(delegator.tickets, 1)
  t.equal(kdc.asked.S4U2Proxy, 2)
})
