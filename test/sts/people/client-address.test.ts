import t from 'tap'
import { addressKey } from '../../../src/sts/people/client-address.ts'

for (const [address, key] of [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:0207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2:0000:0000:0000:0001', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
  ['unix:/run/gatehouse.sock', 'unix:/run/gatehouse.sock'],
  ['x'.repeat(100), 'x'.repeat(64)],
] as const) {
  t.test(`${address.slice(0, 40) || 'nothing'} counts as ${key.slice(0, 40) || 'nothing'}`, async (t) =>
    t.equal(addressKey(address), key),
  )
}
