import t from 'tap'
import { siteOf } from '../../../src/cli/listeners/site.ts'
import { echoSite, exchange, get, open, plain, status } from './lab.ts'

const http = { address: '127.0.0.1', port: 0, protocol: 'http' } as const
const twoSites = () => ({
  sts: echoSite(['sts.contoso.test']),
  apps: echoSite(['crm.contoso.test', 'wiki.contoso.test']),
})

t.test('a request goes to the site that has its host', async (t) => {
  const { sts, apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [sts.site, apps.site] })
  for (const [host, site] of [
    ['sts.contoso.test', 'sts.contoso.test'],
    ['STS.contoso.test.', 'sts.contoso.test'],
    ['wiki.contoso.test:8080', 'crm.contoso.test'],
    ['crm.contoso.test', 'crm.contoso.test'],
  ] as const) {
    const answer = await exchange(plain(port), get(host, '/a?b'))
    t.match(answer, `${site} GET /a?b`, host)
  }
})

t.test('a host that nobody has gets 421, and no site hears of it', async (t) => {
  const { sts, apps } = twoSites()
  const { port, refusals } = await open(t, { listeners: [http], sites: [sts.site, apps.site] })
  for (const host of ['other.contoso.test', 'contoso.test', '127.0.0.1', 'localhost', '[::1]', 'a.crm.contoso.test']) {
    const answer = await exchange(plain(port), get(host))
    t.equal(status(answer), 421, host)
    t.notMatch(answer.replace(/^Host.*/m, ''), /contoso/, 'it names no host of ours')
    t.match(answer, /^Connection: close\r$/m)
  }
  t.strictSame([...sts.reached, ...apps.reached], [])
  t.equal(refusals().length, 6)
  t.match(refusals()[0], { status: 421, host: 'other.contoso.test', from: '127.0.0.1', method: 'GET' })
})

t.test('hosts come and go while the listener runs', async (t) => {
  const { apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [apps.site] })
  t.equal(status(await exchange(plain(port), get('new.contoso.test'))), 421)
  apps.hosts.add('new.contoso.test')
  t.equal(status(await exchange(plain(port), get('new.contoso.test'))), 200)
  apps.hosts.delete('new.contoso.test')
  t.equal(status(await exchange(plain(port), get('new.contoso.test'))), 421)
})

t.test('each request on one connection is judged by itself', async (t) => {
  const { sts, apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [sts.site, apps.site] })
  const keepAlive = 'GET /first HTTP/1.1\r\nHost: crm.contoso.test\r\n\r\n'
  const answer = await exchange(plain(port), `${keepAlive}${get('nobody.test', '/second')}`)
  t.match(answer, /200 OK[\s\S]*GET \/first[\s\S]*421 Misdirected/)
  t.strictSame(apps.reached, ['GET crm.contoso.test /first'])
})

t.test('a target in absolute form reaches the site in origin form', async (t) => {
  const { apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [apps.site] })
  const answer = await exchange(plain(port), get('crm.contoso.test', 'http://crm.contoso.test/a%2fb?c'))
  t.match(answer, 'GET /a%2fb?c')
})

t.test('a backslash in a query, where browsers leave it as it is, reaches the site', async (t) => {
  const { apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [apps.site] })
  const answer = await exchange(plain(port), get('crm.contoso.test', '/open?file=\\\\server\\b'))
  t.match(answer, 'GET /open?file=\\\\server\\b')
  t.equal(status(await exchange(plain(port), get('crm.contoso.test', '/a\\..\\b?c'))), 400, 'but not in the path')
  t.equal(apps.reached.length, 1)
})

t.test('methods that only serve attackers get 405', async (t) => {
  const { apps } = twoSites()
  const { port, refusals } = await open(t, { listeners: [http], sites: [apps.site] })
  for (const start of ['TRACE / HTTP/1.1', 'TRACK / HTTP/1.1', 'CONNECT 10.0.0.1:445 HTTP/1.1']) {
    const answer = await exchange(plain(port), `${start}\r\nHost: crm.contoso.test\r\nCookie: secret=1\r\n\r\n`)
    t.equal(status(answer), 405, start)
    t.match(answer, /^Allow: GET, HEAD, POST/m)
    t.notMatch(answer, 'secret')
  }
  t.strictSame(apps.reached, [])
  t.equal(refusals().length, 3)
})

t.test('a transfer coding that is not chunked alone is refused', async (t) => {
  const { apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [apps.site] })
  const post = (version: string, coding: string) =>
    exchange(
      plain(port),
      `POST / HTTP/${version}\r\nHost: crm.contoso.test\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
    )
  t.equal(status(await post('1.1', 'gzip, chunked')), 501)
  t.equal(status(await post('1.1', 'chunked, chunked')), 400)
  t.equal(status(await post('1.0', 'chunked')), 400)
  t.strictSame(apps.reached, [])
})

t.test('headers of up to 32 kB pass, larger and more of them get 431', async (t) => {
  const { apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [apps.site] })
  const withHeaders = (headers: string) =>
    exchange(plain(port), `GET / HTTP/1.1\r\nHost: crm.contoso.test\r\nConnection: close\r\n${headers}\r\n`)
  t.equal(status(await withHeaders(`X: ${'a'.repeat(32_000)}\r\n`)), 200)
  t.equal(status(await exchange(plain(port), get('crm.contoso.test', `/${'a'.repeat(30_000)}`))), 200)
  t.equal(status(await withHeaders(`X: ${'a'.repeat(33_000)}\r\n`)), 431)
  t.equal(status(await withHeaders(Array.from({ length: 240 }, (_, n) => `X${n}: a\r\n`).join(''))), 200)
  t.equal(status(await withHeaders(Array.from({ length: 260 }, (_, n) => `X${n}: a\r\n`).join(''))), 431)
  t.equal(apps.reached.length, 3)
})

t.test('a body of any size streams through', async (t) => {
  let received = 0
  const { site } = echoSite(['crm.contoso.test'], {
    handle(request, response) {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      request.on('end', () => response.end(String(received)))
    },
  })
  const { port } = await open(t, { listeners: [http], sites: [site] })
  const size = 20_000_000
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: Buffer.alloc(size) })
  t.equal(answer.status, 421, 'control: fetch names the address')
  const head = `POST / HTTP/1.1\r\nHost: crm.contoso.test\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`
  t.match(await exchange(plain(port), Buffer.concat([Buffer.from(head), Buffer.alloc(size)])), String(size))
})

t.test('a WebSocket handshake goes to its site, with what came after it', async (t) => {
  const { sts, apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [sts.site, apps.site] })
  const handshake = (host: string, more = '') =>
    `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n${more}\r\n`
  t.match(
    await exchange(plain(port), `${handshake('crm.contoso.test')}hello`, /hello$/),
    /^HTTP\/1\.1 101[\s\S]*hello$/,
  )
  t.equal(status(await exchange(plain(port), handshake('nobody.test'))), 421)
  t.equal(status(await exchange(plain(port), handshake('crm.contoso.test', 'Host: sts.contoso.test\r\n'))), 400)
  t.strictSame(apps.reached, ['UPGRADE crm.contoso.test /ws'])
  t.strictSame(sts.reached, [])
})

t.test('an offer of HTTP/2 is left aside, and no other protocol is tunnelled', async (t) => {
  const { apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [apps.site] })
  for (const protocol of ['h2c', 'TLS/1.0', 'websocket, h2c']) {
    const headers = `Host: crm.contoso.test\r\nUpgrade: ${protocol}\r\nConnection: Upgrade, close\r\n`
    t.equal(status(await exchange(plain(port), `GET / HTTP/1.1\r\n${headers}\r\n`)), 200, protocol)
  }
  const post = 'POST / HTTP/1.1\r\nHost: crm.contoso.test\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n'
  t.equal(status(await exchange(plain(port), post)), 200)
  t.notMatch(apps.reached.join(), 'UPGRADE')
})

t.test('Expect: 100-continue is answered by the site, or for it', async (t) => {
  const asked: string[] = []
  const own = echoSite(['own.contoso.test'], {
    checkContinue(request, response) {
      asked.push(request.url ?? '')
      response.statusCode = 417
      response.end()
    },
  })
  const { apps } = twoSites()
  const { port } = await open(t, { listeners: [http], sites: [own.site, apps.site] })
  const post = (host: string) =>
    `POST /up HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`
  t.equal(status(await exchange(plain(port), post('own.contoso.test'))), 417)
  t.strictSame(asked, ['/up'])
  t.match(
    await exchange(plain(port), `${post('crm.contoso.test')}ab`),
    /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/,
  )
  t.equal(status(await exchange(plain(port), post('nobody.test'))), 421, 'nobody is asked to go on')
})

t.test('a site that throws costs its own request and no more', async (t) => {
  const broken = echoSite(['broken.contoso.test'], {
    handle() {
      throw new Error('secret detail')
    },
    upgrade() {
      throw new Error('secret detail')
    },
  })
  const { apps } = twoSites()
  const { port, lines } = await open(t, { listeners: [http], sites: [broken.site, apps.site] })
  const answer = await exchange(plain(port), get('broken.contoso.test'))
  t.equal(status(answer), 500)
  t.notMatch(answer, /secret|\.ts/)
  const handshake = 'GET / HTTP/1.1\r\nHost: broken.contoso.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  t.equal(await exchange(plain(port), handshake), '')
  t.equal(lines.filter(({ message }) => message === 'site failed').length, 2)
  t.equal(status(await exchange(plain(port), get('crm.contoso.test'))), 200)
})

t.test('a site of one host serves that host of its address, and no WebSocket', async (t) => {
  const site = siteOf('https://sts.contoso.test:8443', (_request, response) => response.end('sts'))
  const { port } = await open(t, { listeners: [http], sites: [site] })
  t.equal(status(await exchange(plain(port), get('sts.contoso.test'))), 200)
  t.equal(status(await exchange(plain(port), get('contoso.test'))), 421)
  const handshake = 'GET / HTTP/1.1\r\nHost: sts.contoso.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  t.equal(status(await exchange(plain(port), handshake)), 400)
  t.equal(site.httpsOrigin?.('sts.contoso.test'), 'https://sts.contoso.test:8443')
})
