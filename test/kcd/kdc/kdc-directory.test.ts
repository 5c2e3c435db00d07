import { Resolver } from 'node:dns/promises'
import t from 'tap'
import { createKdcDirectory, type ServiceRecord } from '../../../src/kcd/kdc/kdc-directory.ts'
import { startNameServer } from '../../lab/kerberos/name-server.ts'

const { signal } = new AbortController()

t.test('configured KDCs are given in their order, without the DNS', async (t) => {
  const directory = createKdcDirectory({
    configured: { 'EXAMPLE.TEST': ['b.example.test', 'a.example.test:1088'] },
    resolveSrv: () => Promise.reject(new Error('the DNS was asked')),
  })
  t.same(await directory.locate('EXAMPLE.TEST', signal), [
    { host: 'b.example.test', port: 88 },
    { host: 'a.example.test', port: 1088 },
  ])
  t.throws(() => createKdcDirectory({ configured: { 'EXAMPLE.TEST': ['a b'] } }), TypeError)
})

t.test('other realms are looked up in the DNS, once in a while', async (t) => {
  const server = await startNameServer({
    '_kerberos._tcp.partner.test': [
      { name: 'far.partner.test', port: 88, priority: 10, weight: 0 },
      { name: 'near.partner.test', port: 1088, priority: 0, weight: 5 },
    ],
    '_kerberos._tcp.none.test': [{ name: '.', port: 0, priority: 0, weight: 0 }],
  })
  t.teardown(() => server.close())
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([server.address])
  let time = 0
  const directory = createKdcDirectory({
    configured: {},
    resolveSrv: (name) => resolver.resolveSrv(name),
    monotonic: () => time,
  })
  const found = [
    { host: 'near.partner.test', port: 1088 },
    { host: 'far.partner.test', port: 88 },
  ]
  t.same(await directory.locate('PARTNER.TEST', signal), found)
  t.same(await directory.locate('PARTNER.TEST', signal), found)
  t.same(
    server.queries.map((name) => name.toUpperCase()),
    ['_KERBEROS._TCP.PARTNER.TEST'],
    'the answer is kept',
  )
  time = 300_001
  await directory.locate('PARTNER.TEST', signal)
  t.equal(server.queries.length, 2, 'for five minutes')
  for (const realm of ['NONE.TEST', 'MISSING.TEST']) {
    await t.rejects(directory.locate(realm, signal), { code: 'kdc-unreachable', realm }, realm)
  }
})

t.test('KDCs of one priority are drawn by weight', async (t) => {
  const records: ServiceRecord[] = [
    { name: 'light', port: 88, priority: 0, weight: 1 },
    { name: 'heavy', port: 88, priority: 0, weight: 99 },
  ]
  let heavyFirst = 0
  for (let i = 0; i < 400; i++) {
    const directory = createKdcDirectory({ configured: {}, resolveSrv: async () => records })
    const [first] = await directory.locate('EXAMPLE.TEST', signal)
    if (first?.host === 'heavy') heavyFirst++
  }
  t.ok(heavyFirst > 340 && heavyFirst <= 400, `${heavyFirst} of 400`)
})

t.test('a KDC that failed goes to the end for a minute', async (t) => {
  let time = 0
  const directory = createKdcDirectory({ configured: { R: ['a', 'b'] }, monotonic: () => time })
  const hosts = async () => (await directory.locate('R', signal)).map(({ host }) => host)
  directory.failed({ host: 'a', port: 88 })
  t.same(await hosts(), ['b', 'a'])
  time = 60_001
  t.same(await hosts(), ['a', 'b'])
  directory.failed({ host: 'a', port: 88 })
  directory.answered({ host: 'a', port: 88 })
  t.same(await hosts(), ['a', 'b'])
})

t.test('a DNS that keeps silent does not keep us past the deadline', async (t) => {
  const deadline = new AbortController()
  const directory = createKdcDirectory({ configured: {}, resolveSrv: () => new Promise(() => {}) })
  const waiting = directory.locate('EXAMPLE.TEST', deadline.signal)
  deadline.abort(new Error('too late'))
  await t.rejects(waiting, { message: 'too late' })
})
