import { execFileSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import type { CertificateFiles } from '../../../src/cli/listeners/server-certificate.ts'
import type { Site } from '../../../src/cli/listeners/site.ts'
import { serverCertificate, writePair } from './certificates.ts'
import { echoSite, exchange, get, open, plain, status, tls } from './lab.ts'

const openHttps = (t: Test, certificates: CertificateFiles[], sites: Site[], certificateInterval = 3600) =>
  open(t, {
    listeners: [{ address: '127.0.0.1', port: 0, protocol: 'https', certificates }],
    sites,
    certificateInterval,
  })

const nameOf = async (socket: TLSSocket): Promise<string> => {
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return socket.getPeerX509Certificate()?.subjectAltName ?? ''
}

/** A folder with a certificate for two hosts, one for a third by wildcard, and two sites. */
async function twoCertificates(t: Test) {
  const folder = t.testdir()
  const sts = echoSite(['sts.contoso.test'])
  const apps = echoSite(['crm.contoso.test', 'app.fabrikam.test'])
  const pair = writePair(folder, 'contoso', await serverCertificate(['sts.contoso.test', 'crm.contoso.test']))
  const { certificate, key } = writePair(folder, 'fabrikam', await serverCertificate(['*.fabrikam.test']))
  const pkcs12 = join(folder, 'fabrikam.p12')
  const pack = ['pkcs12', '-export', '-in', certificate, '-inkey', key, '-out', pkcs12, '-passout', 'pass:open']
  execFileSync('openssl', pack)
  const passphraseFile = join(folder, 'pass')
  writeFileSync(passphraseFile, 'open\n')
  return { folder, sts, apps, certificates: [pair, { pkcs12, passphraseFile }] }
}

t.test('the server name chooses the certificate, from PEM and PKCS#12 alike', async (t) => {
  const { sts, apps, certificates } = await twoCertificates(t)
  const { port, listeners } = await openHttps(t, certificates, [sts.site, apps.site])
  for (const [host, names] of [
    ['sts.contoso.test', 'DNS:sts.contoso.test, DNS:crm.contoso.test'],
    ['CRM.contoso.test', 'DNS:sts.contoso.test, DNS:crm.contoso.test'],
    ['app.fabrikam.test', 'DNS:*.fabrikam.test'],
  ] as const) {
    const socket = tls(port, host)
    t.equal(await nameOf(socket), names, host)
    t.equal(status(await exchange(socket, get(host))), 200)
  }
  t.strictSame(listeners.addresses, [{ address: '127.0.0.1', port, protocol: 'https' }])
  t.ok(listeners.covers('other.fabrikam.test'))
  t.notOk(listeners.covers('wiki.contoso.test'))
})

t.test('an unknown server name, or none, meets a certificate of nobody and gets 421', async (t) => {
  const { sts, apps, certificates } = await twoCertificates(t)
  const { port } = await openHttps(t, certificates, [sts.site, apps.site])
  for (const servername of ['other.contoso.test', 'contoso.test', 'a.app.fabrikam.test', '']) {
    const socket = tls(port, servername)
    t.equal(await nameOf(socket), '', `no host of ours is told to who asks for ${servername || 'nobody'}`)
    t.equal(status(await exchange(socket, get('sts.contoso.test'))), 421)
  }
  t.strictSame([...sts.reached, ...apps.reached], [])
})

t.test('a connection is good for the hosts of its certificate, and for no others', async (t) => {
  const { sts, apps, certificates } = await twoCertificates(t)
  const { port } = await openHttps(t, certificates, [sts.site, apps.site])
  t.equal(
    status(await exchange(tls(port, 'sts.contoso.test'), get('crm.contoso.test'))),
    200,
    'both in one certificate',
  )
  t.equal(status(await exchange(tls(port, 'sts.contoso.test'), get('app.fabrikam.test'))), 421)
  t.equal(status(await exchange(tls(port, 'app.fabrikam.test'), get('sts.contoso.test'))), 421)
  const handshake = 'GET / HTTP/1.1\r\nHost: sts.contoso.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  t.equal(status(await exchange(tls(port, 'app.fabrikam.test'), handshake)), 421)
  t.strictSame(sts.reached, [])
})

t.test('TLS 1.2 and 1.3 with forward secrecy are spoken, nothing older or weaker', async (t) => {
  const { sts, apps, certificates } = await twoCertificates(t)
  const { port, lines } = await openHttps(t, certificates, [sts.site, apps.site])
  const host = 'sts.contoso.test'
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = tls(port, host, { minVersion: version, maxVersion: version })
    await nameOf(socket)
    t.equal(socket.getProtocol(), version)
    socket.destroy()
  }
  for (const weak of [
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA384' },
    { maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384:AES128-SHA' },
    { ALPNProtocols: ['h2'] },
  ]) {
    await t.rejects(nameOf(tls(port, host, weak)), { code: /^ERR_SSL/ }, JSON.stringify(weak))
  }
  const socket = tls(port, host, { maxVersion: 'TLSv1.2' })
  await nameOf(socket)
  socket.on('error', () => undefined)
  const renegotiated = new Promise<Error | null>((resolve) => {
    socket.renegotiate({}, resolve)
    socket.on('close', () => resolve(new Error('closed')))
  })
  t.ok((await renegotiated) instanceof Error, 'no renegotiation')
  socket.destroy()
  t.equal(status(await exchange(tls(port, host), get(host))), 200, 'it serves on')
  t.match(await exchange(plain(port), get(host)), /^$|400/, 'plain http on the TLS port gets nothing of a site')
  t.strictSame(
    lines.filter(({ level }) => level === 'error' || level === 'warn'),
    [],
  )
})

t.test('what cannot be served is refused at the start, with file and reason', async (t) => {
  const folder = t.testdir()
  const site = echoSite(['crm.contoso.test', 'wiki.contoso.test']).site
  const good = writePair(folder, 'good', await serverCertificate(['crm.contoso.test', 'wiki.contoso.test']))
  const one = writePair(folder, 'one', await serverCertificate(['crm.contoso.test']))
  const expired = writePair(folder, 'expired', await serverCertificate(['crm.contoso.test'], { from: -9, to: -1 }))
  const early = writePair(folder, 'early', await serverCertificate(['crm.contoso.test'], { from: 1, to: 9 }))
  for (const { name, certificates, message } of [
    { name: 'expired', certificates: [good, expired], message: /expired\.crt expired on/ },
    { name: 'not yet valid', certificates: [early], message: /early\.crt is not valid before/ },
    {
      name: 'a key of another',
      certificates: [{ ...good, key: one.key }],
      message: /good\.crt does not belong to the key/,
    },
    {
      name: 'covering not all hosts',
      certificates: [one],
      message: /No certificate of .*one\.crt covers wiki\.contoso\.test$/,
    },
    { name: 'not there', certificates: [{ ...good, key: `${good.key}x` }], message: /good\.keyx does not exist/ },
    {
      name: 'several at once',
      certificates: [expired, early],
      message: /expired\.crt expired.*early\.crt is not valid/,
    },
  ]) {
    await t.rejects(openHttps(t, certificates, [site]), { name: 'ListenerError', code: 'certificate', message }, name)
  }
})

t.test('a certificate that no host needs is served with a warning', async (t) => {
  const folder = t.testdir()
  const good = writePair(folder, 'good', await serverCertificate(['crm.contoso.test']))
  const spare = writePair(folder, 'spare', await serverCertificate(['removed.contoso.test']))
  const { lines } = await openHttps(t, [good, spare], [echoSite(['crm.contoso.test']).site])
  t.match(
    lines.filter(({ level }) => level === 'warn'),
    [{ file: spare.certificate }],
  )
  const empty = await openHttps(t, [spare], [echoSite([]).site])
  t.strictSame(
    empty.lines.filter(({ level }) => level === 'warn'),
    [],
    'a proxy without applications yet',
  )
})

t.test('replaced files are taken up, and open connections stay', async (t) => {
  const folder = t.testdir()
  const { site } = echoSite(['crm.contoso.test'])
  const files = writePair(folder, 'crm', await serverCertificate(['crm.contoso.test']))
  const { port, listeners, lines } = await openHttps(t, [files], [site])
  const socket = tls(port, 'crm.contoso.test')
  await nameOf(socket)

  writePair(folder, 'crm', await serverCertificate(['crm.contoso.test', 'wiki.contoso.test']))
  await listeners.reloadCertificates()
  const renewed = tls(port, 'crm.contoso.test')
  t.equal(await nameOf(renewed), 'DNS:crm.contoso.test, DNS:wiki.contoso.test')
  renewed.destroy()
  t.equal(status(await exchange(socket, get('crm.contoso.test'))), 200, 'the connection from before')
  t.match(
    lines.filter(({ message }) => message === 'certificate taken up'),
    [{ file: files.certificate }],
  )

  await listeners.reloadCertificates()
  t.equal(lines.filter(({ message }) => message === 'certificate taken up').length, 1, 'only what was replaced')
})

t.test('a replacement that cannot be served leaves the old certificate, with one line that says why', async (t) => {
  const folder = t.testdir()
  const { site } = echoSite(['crm.contoso.test'])
  const files = writePair(folder, 'crm', await serverCertificate(['crm.contoso.test', 'first.contoso.test']))
  const { port, listeners, lines } = await openHttps(t, [files], [site])
  const served = async () => {
    await listeners.reloadCertificates()
    await listeners.reloadCertificates()
    const socket = tls(port, 'crm.contoso.test')
    const names = await nameOf(socket)
    socket.destroy()
    return names
  }
  const complaints = () => lines.filter(({ message }) => message === 'replaced certificate not taken up')
  const first = 'DNS:crm.contoso.test, DNS:first.contoso.test'

  const next = await serverCertificate(['crm.contoso.test', 'next.contoso.test'])
  writeFileSync(files.certificate, next.certificate)
  t.equal(await served(), first, 'the certificate before its key')
  t.match(complaints(), [{ file: files.certificate, reason: /does not belong to the key/ }])
  writePair(folder, 'crm', await serverCertificate(['crm.contoso.test'], { from: -9, to: -1 }))
  t.equal(await served(), first)
  t.match(complaints()[1], { reason: /expired on/ })
  writePair(folder, 'crm', await serverCertificate(['other.contoso.test']))
  t.equal(await served(), first)
  t.match(complaints()[2], { reason: /does not cover crm\.contoso\.test/ })
  renameSync(files.key, `${files.key}.away`)
  t.equal(await served(), first)
  t.match(complaints()[3], { reason: /does not exist/ })
  t.equal(complaints().length, 4)

  writePair(folder, 'crm', next)
  t.equal(await served(), 'DNS:crm.contoso.test, DNS:next.contoso.test', 'a good one is taken after all')
})

t.test('a certificate that was put there early is taken up when its time comes', async (t) => {
  const folder = t.testdir()
  const { site } = echoSite(['crm.contoso.test'])
  const files = writePair(folder, 'crm', await serverCertificate(['crm.contoso.test']))
  let now = new Date()
  const { port, listeners } = await open(t, {
    listeners: [{ address: '127.0.0.1', port: 0, protocol: 'https', certificates: [files] }],
    sites: [site],
    now: () => now,
    certificateInterval: 3600,
  })
  writePair(folder, 'crm', await serverCertificate(['crm.contoso.test', 'next.contoso.test'], { from: 2, to: 9 }))
  const served = async () => {
    await listeners.reloadCertificates()
    const socket = tls(port, 'crm.contoso.test')
    const names = await nameOf(socket)
    socket.destroy()
    return names
  }
  t.equal(await served(), 'DNS:crm.contoso.test')
  now = new Date(now.getTime() + 3 * 86_400_000)
  t.equal(await served(), 'DNS:crm.contoso.test, DNS:next.contoso.test')
})

t.test('the files are looked at by themselves', async (t) => {
  const folder = t.testdir()
  const { site } = echoSite(['crm.contoso.test'])
  const files = writePair(folder, 'crm', await serverCertificate(['crm.contoso.test']))
  const { lines } = await openHttps(t, [files], [site], 0.02)
  writePair(folder, 'crm', await serverCertificate(['crm.contoso.test']))
  while (!lines.some(({ message }) => message === 'certificate taken up')) await new Promise(setImmediate)
  t.pass('taken up')
})

t.test('a redirecting listener sends readers to https and serves nothing', async (t) => {
  const { sts, apps, certificates } = await twoCertificates(t)
  apps.site.httpsOrigin = (host) => (host === 'crm.contoso.test' ? 'https://crm.contoso.test:8443' : undefined)
  const { ports } = await open(t, {
    listeners: [
      { address: '127.0.0.1', port: 0, protocol: 'http', redirectToHttps: true },
      { address: '127.0.0.1', port: 0, protocol: 'https', certificates },
    ],
    sites: [sts.site, apps.site],
  })
  const [port = 0, httpsPort = 0] = ports
  const location = (answer: string) => /^Location: (.*)\r$/m.exec(answer)?.[1]
  const ask = (host: string, method = 'GET', target = '/a%2fb?c=//d') =>
    exchange(plain(port), `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)

  const toApp = await ask('CRM.contoso.test:80')
  t.equal(status(toApp), 301)
  t.equal(location(toApp), 'https://crm.contoso.test:8443/a%2fb?c=//d', 'the site knows its public address')
  const toSts = await ask('sts.contoso.test', 'HEAD')
  t.equal(location(toSts), `https://sts.contoso.test:${httpsPort}/a%2fb?c=//d`, 'otherwise it is the https listener')
  t.equal(
    location(await ask('sts.contoso.test', 'GET', '//evil.test/')),
    `https://sts.contoso.test:${httpsPort}//evil.test/`,
  )
  t.equal(status(await ask('app.fabrikam.test')), 421, 'a host that plain http knows nothing of')
  t.equal(status(await ask('nobody.test')), 421)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await ask('sts.contoso.test', method)
    t.strictSame([status(answer), location(answer)], [405, undefined], method)
  }
  const handshake = 'GET / HTTP/1.1\r\nHost: sts.contoso.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  t.equal(status(await exchange(plain(port), handshake)), 301)
  t.strictSame([...sts.reached, ...apps.reached], [])
})
