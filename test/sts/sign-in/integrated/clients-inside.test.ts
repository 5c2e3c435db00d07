import t from 'tap'
import type { StsRequest } from '../../../../src/sts/http/sts-request.ts'
import { clientsInside } from '../../../../src/sts/sign-in/integrated/clients-inside.ts'
import {
  type IntegratedSignInOptions,
  readIntegratedSignIn,
} from '../../../../src/sts/sign-in/integrated/integrated-sign-in-options.ts'

const options: IntegratedSignInOptions = {
  keytab: '/etc/gatehouse/sts.keytab',
  principal: 'HTTP/sts.contoso.test',
  networks: ['10.0.0.0/8', '192.0.2.17', '2001:db8:1::/48'],
}
const desktop = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36 Edg/156.0'

type Asking = Pick<StsRequest, 'method' | 'headers' | 'clientAddress' | 'route'>

const asks = (changes: Partial<Asking> = {}, more: Partial<IntegratedSignInOptions> = {}) =>
  clientsInside(readIntegratedSignIn({ ...options, ...more }))({
    method: 'GET',
    headers: { 'user-agent': desktop },
    clientAddress: '10.1.2.3',
    route: 'direct',
    ...changes,
  })

t.test('networks are told apart to the bit', async (t) => {
  for (const [clientAddress, isInside] of [
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['11.0.0.0', false],
    ['9.255.255.255', false],
    ['192.0.2.17', true],
    ['192.0.2.18', false],
    ['2001:db8:1:ffff::7', true],
    ['2001:db8:2::7', false],
    ['::ffff:10.1.2.3', true],
    ['::ffff:11.1.2.3', false],
    ['fe80::1%eth0', false],
    ['', false],
    ['sts.contoso.test', false],
  ] as const) {
    t.equal(asks({ clientAddress }), isInside, clientAddress)
  }
  t.equal(asks({ clientAddress: 'fe80::1%eth0' }, { networks: ['fe80::/10'] }), true)
  t.equal(asks({ clientAddress: '203.0.113.7' }, { networks: ['0.0.0.0/0'] }), true)
})

t.test('browsers of desktop computers are asked, and those that are named', async (t) => {
  const withAgent = (userAgent: string | undefined, userAgents?: string[]) =>
    asks({ headers: userAgent === undefined ? {} : { 'user-agent': userAgent } }, userAgents && { userAgents })
  for (const userAgent of [
    desktop,
    'Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15',
    'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
    'MSAuthHost/1.0/In-Domain',
    'curl/8.5.0',
  ]) {
    t.equal(withAgent(userAgent), true, userAgent)
  }
  for (const userAgent of [
    undefined,
    '',
    'Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15',
    'python-requests/2.32',
    `${'x'.repeat(600)} curl/8`,
  ]) {
    t.equal(withAgent(userAgent), false, userAgent ?? 'none')
  }
  t.equal(withAgent('contoso-BROWSER/1', ['Contoso-Browser']), true)
  t.equal(withAgent(desktop, ['Contoso-Browser']), false)
  t.equal(withAgent(desktop, ['=~Windows\\s*NT.*Edg.*']), true)
  t.equal(withAgent('curl/8.5.0', ['=~Windows\\s*NT.*Edg.*']), false)
  t.equal(withAgent(desktop, []), false)
})

t.test('what came through a proxy that nobody vouches for is outside', async (t) => {
  const through = (name: string, changes: Partial<Asking> = {}) =>
    asks({ headers: { 'user-agent': desktop, [name]: '10.1.2.3' }, ...changes })
  for (const name of ['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip', 'true-client-ip']) {
    t.equal(through(name), false, name)
    t.equal(through(name, { route: 'trusted' }), true, `${name}, by a trusted proxy`)
    t.equal(through(name, { route: 'unknown' }), false, name)
  }
  for (const name of ['x-ms-proxy', 'x-ms-forwarded-client-ip', 'x-ms-endpoint-absolute-path']) {
    t.equal(through(name), false, name)
    t.equal(through(name, { route: 'trusted' }), false, `${name}: published to the outside, whoever forwards it`)
  }
  t.equal(asks({ route: 'unknown' }), false)
  t.equal(asks({ route: 'trusted' }), true)
})

t.test('it is for navigations alone', async (t) => {
  for (const method of ['HEAD', 'POST', 'OPTIONS']) t.equal(asks({ method }), false, method)
  const withMode = (mode: string) => asks({ headers: { 'user-agent': desktop, 'sec-fetch-mode': mode } })
  t.equal(withMode('navigate'), true)
  for (const mode of ['no-cors', 'cors', 'same-origin', 'websocket']) t.equal(withMode(mode), false, mode)
})

t.test('options are checked when the server is made', async (t) => {
  const refuses = (changes: Partial<IntegratedSignInOptions>, message: RegExp) =>
    t.throws(() => readIntegratedSignIn({ ...options, ...changes }), { name: 'TypeError', message })
  refuses({ keytab: '' }, /integratedSignIn\.keytab/)
  for (const principal of [
    '',
    'sts.contoso.test',
    'HTTP/',
    'HTTP/a/b',
    'HTTP@sts.contoso.test',
    'HTTP/a@',
    'HTTP/a b',
  ]) {
    refuses({ principal }, /integratedSignIn\.principal/)
  }
  refuses({ networks: [] }, /integratedSignIn\.networks/)
  for (const network of ['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/a', 'inside', '10.0.0']) {
    refuses({ networks: ['10.0.0.0/8', network] }, /integratedSignIn\.networks/)
  }
  refuses({ userAgents: ['=~('] }, /no regular expression/)
  for (const pattern of ['', ' ']) refuses({ userAgents: [pattern] }, /every browser/)
  refuses({ upnSuffixes: { 'CORP.TEST': '@contoso.test' } }, /behind the @/)
  refuses({ upnSuffixes: { 'CORP.TEST': '' } }, /behind the @/)
  refuses({ upnSuffixes: { 'a@CORP.TEST': 'contoso.test' } }, /realms/)
  t.match(readIntegratedSignIn({ ...options, principal: 'HTTP/sts.contoso.test@CORP.TEST' }), {
    service: 'HTTP',
    host: 'sts.contoso.test',
    realm: 'CORP.TEST',
  })
})
