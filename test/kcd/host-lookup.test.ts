import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { lookupByMap } from '../../src/kcd/host-lookup.ts'

const system = (
  host: string,
  _options: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
) => callback(null, `system ${host}`, 4)

const lookup = lookupByMap(
  { 'KDC.corp.test': '10.0.0.7', '*.branch.corp.test': '10.0.0.8', 'six.corp.test': '2001:db8::1' },
  system,
)

const find = (host: string, all = false) =>
  new Promise<string | LookupAddress[]>((resolve, reject) => {
    lookup(host, { all }, (error, address) => (error ? reject(error) : resolve(address)))
  })

t.test('names of the map get their addresses, the others the system is asked for', async (t) => {
  t.equal(await find('kdc.corp.test'), '10.0.0.7')
  t.equal(await find('KDC.CORP.TEST.'), '10.0.0.7')
  t.equal(await find('a.branch.corp.test'), '10.0.0.8')
  t.equal(await find('a.b.branch.corp.test'), '10.0.0.8')
  t.equal(await find('branch.corp.test'), 'system branch.corp.test')
  t.equal(await find('other.test'), 'system other.test')
})

t.test('where all addresses are wanted, there is a list of one', async (t) => {
  t.same(await find('six.corp.test', true), [{ address: '2001:db8::1', family: 6 }])
})

t.test('an address that is none is a mistake of whoever configured it', async (t) => {
  t.throws(() => lookupByMap({ 'kdc.corp.test': 'localhost' }), TypeError)
})
