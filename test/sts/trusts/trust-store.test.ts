import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDatabase } from '../../../src/sts/store/database.ts'
import { openTrustStore } from '../../../src/sts/trusts/trust-store.ts'

function trustsOf(t: Test, file = ':memory:') {
  const database = openDatabase({ file })
  t.teardown(() => database.close())
  return { database, trusts: openTrustStore({ database }) }
}

t.test('a trust is found by GUID and by name, without regard to case', async (t) => {
  const { trusts } = trustsOf(t)
  const crm = await trusts.add({ name: 'CRM' })
  t.equal(trusts.get(crm.id), crm)
  t.equal(trusts.get(crm.id.toUpperCase()), crm)
  t.equal(trusts.findByName('crm'), crm)
  t.equal(trusts.get('CRM'), undefined)
  t.equal(trusts.get('__proto__'), undefined)
  t.equal(trusts.findByName('toString'), undefined)
})

t.test('trusts are listed by name', async (t) => {
  const { trusts } = trustsOf(t)
  for (const name of ['wiki', 'CRM', 'Archive']) await trusts.add({ name })
  const names = () => trusts.list().map(({ name }) => name)
  t.same(names(), ['Archive', 'CRM', 'wiki'])
  await trusts.add({ name: 'books' })
  t.same(names(), ['Archive', 'books', 'CRM', 'wiki'])
})

t.test('names, ids and identifiers are given once, even when two ask at the same time', async (t) => {
  const { trusts } = trustsOf(t)
  const crm = await trusts.add({ name: 'CRM', identifiers: ['urn:crm'] })
  const exists = { name: 'StsError', code: 'trust-exists' }
  await t.rejects(trusts.add({ name: 'crm' }), exists)
  await t.rejects(trusts.add({ name: 'other', id: crm.id.toUpperCase() }), exists)
  await t.rejects(trusts.add({ name: 'other', identifiers: ['URN:crm'] }), exists)
  t.equal(trusts.findByName('other'), undefined)
  const both = await Promise.allSettled([trusts.add({ name: 'wiki' }), trusts.add({ name: 'Wiki' })])
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const wiki = trusts.findByName('wiki')
  await t.rejects(trusts.update(wiki?.id ?? '', { name: 'CRM' }), exists)
  await t.rejects(trusts.update(wiki?.id ?? '', { identifiers: ['urn:CRM'] }), exists)
  await t.resolves(trusts.update(crm.id, { name: 'crm', identifiers: ['urn:crm', 'urn:crm2'] }), 'its own are its own')
})

t.test('a new name takes the place of the old one', async (t) => {
  const { trusts } = trustsOf(t)
  const { id } = await trusts.add({ name: 'CRM', identifiers: ['urn:crm'] })
  const renamed = await trusts.update(id.toUpperCase(), { name: 'Customers', identifiers: [] })
  t.equal(trusts.findByName('CRM'), undefined)
  t.equal(trusts.findByName('customers'), renamed)
  await t.resolves(trusts.add({ name: 'CRM', identifiers: ['urn:crm'] }), 'and frees it')
})

t.test('changes at the same time all count', async (t) => {
  const { trusts } = trustsOf(t)
  const { id } = await trusts.add({ name: 'CRM' })
  const addresses = Array.from({ length: 20 }, (_, index) => `https://crm${index}.contoso.test/`)
  await Promise.all([
    ...addresses.map((address) => trusts.addPublishedAddress(id, address)),
    trusts.update(id, { permit: { everyone: true } }),
  ])
  t.match(trusts.get(id), { publishedAddresses: addresses, permit: { everyone: true } })
})

t.test('published addresses and delegations come and go one by one', async (t) => {
  const { trusts } = trustsOf(t)
  const { id } = await trusts.add({ name: 'CRM' })
  await trusts.addPublishedAddress(id, 'https://crm.contoso.test/a/')
  await trusts.addPublishedAddress(id, 'https://CRM.contoso.test:443/a/')
  await trusts.addPublishedAddress(id, 'https://crm.contoso.test/b/')
  await trusts.addDelegation(id, 'HTTP/crm.corp.test')
  await trusts.addDelegation(id, 'http/crm.corp.test')
  t.match(trusts.get(id), {
    publishedAddresses: ['https://crm.contoso.test/a/', 'https://crm.contoso.test/b/'],
    delegateTo: ['HTTP/crm.corp.test'],
  })
  await trusts.removePublishedAddress(id, 'https://CRM.contoso.test/a/')
  await trusts.removePublishedAddress(id, 'https://nowhere.contoso.test/')
  t.same(trusts.get(id)?.publishedAddresses, ['https://crm.contoso.test/b/'])
  await t.rejects(trusts.addPublishedAddress(id, 'https://192.0.2.7/'), { code: 'invalid-trust' })
  await t.rejects(trusts.addDelegation(id, 'cifs/files.corp.test'), { code: 'invalid-trust' })
})

t.test('what is not there is refused by name', async (t) => {
  const { trusts } = trustsOf(t)
  const unknown = { code: 'trust-unknown', message: /nothing/ }
  await t.rejects(trusts.update('nothing', {}), unknown)
  await t.rejects(trusts.remove('nothing'), unknown)
  await t.rejects(trusts.addPublishedAddress('nothing', 'https://crm.contoso.test/'), unknown)
  await t.rejects(trusts.addDelegation('nothing', 'HTTP/crm'), unknown)
})

t.test('whoever listens hears of a change when it is in memory, and of nothing that was refused', async (t) => {
  const { trusts } = trustsOf(t)
  const heard: [string, string | undefined][] = []
  const stop = trusts.onChange((id) => heard.push([id, trusts.get(id)?.name]))
  const { id } = await trusts.add({ name: 'CRM' })
  await trusts.update(id, { name: 'Customers' })
  await t.rejects(trusts.update(id, { edgeTokenLifetime: 1 }))
  await trusts.addPublishedAddress(id, 'https://crm.contoso.test/')
  await trusts.addPublishedAddress(id, 'https://crm.contoso.test/')
  await trusts.remove(id)
  stop()
  await trusts.add({ name: 'wiki' })
  t.same(heard, [
    [id, 'CRM'],
    [id, 'Customers'],
    [id, 'Customers'],
    [id, undefined],
  ])
})

t.test('everything is there after a restart, and nothing that was removed', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = trustsOf(t, file)
  const crm = await before.trusts.add({
    name: 'CRM',
    identifiers: ['urn:crm'],
    permit: { groups: ['staff'] },
    publishedAddresses: ['https://crm.contoso.test/'],
    replyAddresses: ['https://crm.contoso.test/acs'],
    edgeTokenLifetime: 300,
    claimsAware: true,
  })
  const gone = await before.trusts.add({ name: 'wiki', identifiers: ['urn:wiki'] })
  await before.trusts.remove(gone.id)
  await before.database.close()
  const { trusts } = trustsOf(t, file)
  t.same(trusts.list(), [crm])
  await t.resolves(trusts.add({ name: 'wiki', identifiers: ['urn:wiki'] }), 'its name and identifier are free again')
})

t.test('one trust in 10,000 is found as one in ten', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const before = trustsOf(t, file)
  const added = await Promise.all(
    Array.from({ length: 10_000 }, (_, index) =>
      before.trusts.add({
        name: `Application ${index}`,
        identifiers: [`urn:app:${index}`],
        publishedAddresses: [`https://app${index}.contoso.test/`],
      }),
    ),
  )
  await before.database.close()

  const beforeOpening = process.cpuUsage()
  const { trusts: many } = trustsOf(t, file)
  const { user } = process.cpuUsage(beforeOpening)
  t.ok(user < 1_000_000, `opened with ${Math.round(user / 1000)} ms of processor`)
  const { trusts: few } = trustsOf(t)
  const tenIds = await Promise.all(Array.from({ length: 10 }, (_, index) => few.add({ name: `Application ${index}` })))

  const nanoseconds = (trusts: typeof many, ids: string[]): number => {
    const runs = Array.from({ length: 7 }, () => {
      const begin = process.hrtime.bigint()
      for (let time = 0; time < 20_000; time++) trusts.get(ids[time % ids.length] ?? '')
      return Number(process.hrtime.bigint() - begin) / 20_000
    })
    return Math.min(...runs)
  }
  const inMany = nanoseconds(
    many,
    added.map(({ id }) => id),
  )
  const inFew = nanoseconds(
    few,
    tenIds.map(({ id }) => id),
  )
  t.ok(inMany < inFew + 2000, `${Math.round(inMany)} ns and ${Math.round(inFew)} ns`)
  t.equal(many.list().length, 10_000)
  t.equal(many.findByName('application 9999')?.id, added[9999]?.id)
})
