import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { createLookup } from '../../../src/proxy/forwarding/name-resolution.ts'

const resolve = {
  'sts.contoso.test': '192.0.2.1',
  '*.contoso.test': '192.0.2.2',
  '*.apps.contoso.test': '192.0.2.3',
  'six.contoso.test.': '2001:db8::1',
}

const ask = (name: string): Promise<{ one: [string, number]; all: LookupAddress[] }> => {
  const lookup = createLookup(resolve)
  return new Promise((done, failed) => {
    lookup(name, {}, (error, address, family) => {
      if (error) failed(error)
      else
        lookup(name, { all: true }, (_error, all) =>
          done({ one: [address as string, family as number], all: all as unknown as LookupAddress[] }),
        )
    })
  })
}

for (const [name, address, family] of [
  ['sts.contoso.test', '192.0.2.1', 4],
  ['STS.Contoso.TEST.', '192.0.2.1', 4],
  ['crm.contoso.test', '192.0.2.2', 4],
  ['a.b.contoso.test', '192.0.2.2', 4],
  ['crm.apps.contoso.test', '192.0.2.3', 4],
  ['six.contoso.test', '2001:db8::1', 6],
] as const)
  t.test(`${name} leads to ${address}`, async (t) => {
    const { one, all } = await ask(name)
    t.same(one, [address, family])
    t.same(all, [{ address, family }])
  })

t.test('a wildcard does not stand for its parent, other names are asked of the system', async (t) => {
  await t.rejects(ask('contoso.test.invalid'))
  t.same(
    (await ask('localhost')).all.map(({ address }) => /^(127\.|::1)/.test(address)),
    Array((await ask('localhost')).all.length).fill(true),
  )
})

t.test('an answer comes after the call returned', async (t) => {
  let returned = false
  await new Promise<void>((done) => {
    createLookup(resolve)('sts.contoso.test', {}, () => {
      t.equal(returned, true)
      done()
    })
    returned = true
  })
})

t.test('a value that is no address is refused when the table is read', async (t) => {
  t.throws(() => createLookup({ 'a.test': 'b.test' }), TypeError)
  t.throws(() => createLookup({ 'a.test': '' }), TypeError)
})
