import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { createClientOrigin } from '../../../src/proxy/forwarding/client-origin.ts'

const from = (remoteAddress: string, headers: Record<string, string> = {}, encrypted = false): IncomingMessage =>
  ({ socket: { remoteAddress, ...(encrypted ? { encrypted } : {}) }, headers }) as unknown as IncomingMessage

t.test('without trusted proxies only the connection counts', async (t) => {
  const originOf = createClientOrigin()
  const headers = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' }
  t.same(originOf(from('192.0.2.1', headers)), {
    address: '192.0.2.1',
    scheme: 'http',
    forwardedFor: '192.0.2.1',
    trusted: false,
  })
  t.match(originOf(from('::ffff:192.0.2.1', headers, true)), { address: '192.0.2.1', scheme: 'https' })
})

const originOf = createClientOrigin(['10.0.0.0/8', '2001:db8::/32', '192.0.2.9'])

for (const { name, peer, chain, address, forwardedFor = `${chain}, ${peer}` } of [
  { name: 'one hop', peer: '10.1.1.1', chain: '192.0.2.1', address: '192.0.2.1' },
  { name: 'two trusted hops', peer: '192.0.2.9', chain: '198.51.100.1, 10.2.2.2', address: '198.51.100.1' },
  { name: 'a forged beginning', peer: '10.1.1.1', chain: '6.6.6.6, 192.0.2.1', address: '192.0.2.1' },
  { name: 'IPv6', peer: '2001:db8::1', chain: '2001:db9::7', address: '2001:db9::7' },
  { name: 'ports', peer: '10.1.1.1', chain: '192.0.2.1:4711', address: '192.0.2.1' },
  { name: 'IPv6 with a port', peer: '10.1.1.1', chain: '[2001:db9::7]:4711', address: '2001:db9::7' },
  { name: 'nonsense behind it', peer: '10.1.1.1', chain: '192.0.2.1, unknown', address: '10.1.1.1' },
  { name: 'nothing but trusted ones', peer: '10.1.1.1', chain: '10.3.3.3', address: '10.3.3.3' },
  { name: 'no chain', peer: '10.1.1.1', chain: '', address: '10.1.1.1', forwardedFor: '10.1.1.1' },
])
  t.test(`behind trusted proxies: ${name}`, async (t) => {
    const headers: Record<string, string> = chain === '' ? {} : { 'x-forwarded-for': chain }
    t.match(originOf(from(peer, headers)), { address, forwardedFor, trusted: true })
  })

t.test('the scheme is what the nearest trusted proxy says, and only http or https', async (t) => {
  const scheme = (value: string) => originOf(from('10.1.1.1', { 'x-forwarded-proto': value })).scheme
  t.equal(scheme('https'), 'https')
  t.equal(scheme('HTTPS'), 'https')
  t.equal(scheme('https, http'), 'http')
  t.equal(scheme('ftp'), 'http')
  t.equal(originOf(from('192.0.2.1', { 'x-forwarded-proto': 'https' })).scheme, 'http')
})

for (const entry of ['10.0.0.0/33', '10.0.0.0/', 'proxy.test', '10.0.0.0/8/8', '10.0.0.0/-1', '::/129', ''])
  t.test(`trustedProxies: ${JSON.stringify(entry)} is refused`, async (t) => {
    t.throws(() => createClientOrigin([entry]), TypeError)
  })
