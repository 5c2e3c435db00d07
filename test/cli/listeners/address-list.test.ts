import t from 'tap'
import { addressList, isLoopback } from '../../../src/cli/listeners/address-list.ts'

t.test('loopback addresses are those of this machine alone', async (t) => {
  for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) t.ok(isLoopback(address), address)
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '::2', 'localhost', '', '127.0.0.1.evil.test']) {
    t.notOk(isLoopback(address), address)
  }
})

t.test('addresses and ranges are told apart from their neighbours', async (t) => {
  const listed = addressList(['192.0.2.7', '10.1.0.0/16', '2001:db8::/32'])
  for (const address of ['192.0.2.7', '::ffff:192.0.2.7', '10.1.255.1', '2001:db8:1::1']) t.ok(listed(address), address)
  for (const address of ['192.0.2.8', '10.2.0.1', '2001:db9::1', 'nobody', undefined]) {
    t.notOk(listed(address), String(address))
  }
})

for (const entry of [
  '',
  'proxy.test',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '::/129',
  '10.0.0/8',
  '1.2.3.4/-1',
]) {
  t.throws(
    () => addressList([entry]),
    { name: 'ListenerError', code: 'configuration' },
    `${JSON.stringify(entry)} is refused`,
  )
}
