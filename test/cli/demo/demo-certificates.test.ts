import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { demoCertificates } from '../../../src/cli/demo/demo-certificates.ts'
import { createHttpClient } from '../../lab/http-client.ts'
import { runProgram } from '../../lab/processes.ts'

const now = new Date()
const hosts = ['sts.contoso.localhost', 'crm.contoso.localhost']
const inDays = (days: number) => new Date(now.getTime() + days * 86_400_000)
const serialOf = (file = '') => new X509Certificate(readFileSync(file)).serialNumber

t.test('makes an authority and a certificate for each name, keys for their owner only', async (t) => {
  const folder = join(t.testdir(), 'tls')
  const { authority, hosts: files } = await demoCertificates(folder, hosts, now)
  const ca = new X509Certificate(readFileSync(authority))
  t.ok(ca.ca)
  for (const host of hosts) {
    const { certificate = '', key = '' } = files.get(host) ?? {}
    const made = new X509Certificate(readFileSync(certificate))
    t.ok(made.verify(ca.publicKey))
    t.equal(made.checkHost(host), host)
    t.equal(made.checkHost('news.contoso.localhost'), undefined)
    t.notOk(made.ca)
    t.equal(statSync(key).mode & 0o777, 0o600)
  }
  t.equal(statSync(join(folder, 'ca-key.pem')).mode & 0o777, 0o600)
})

t.test(
  'OpenSSL takes the chain under strict rules, and a server with it is believed by a client of the authority',
  async (t) => {
    const { authority, hosts: files } = await demoCertificates(join(t.testdir(), 'tls'), hosts, now)
    const { certificate = '', key = '' } = files.get('crm.contoso.localhost') ?? {}
    const verified = await runProgram('openssl', [
      ...['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'crm.contoso.localhost'],
      ...['-CAfile', authority, certificate],
    ])
    t.equal(verified.code, 0, verified.stderr)
    const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) =>
      response.end('served'),
    ).listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const client = createHttpClient({ ca: readFileSync(authority, 'utf8') })
    const { port } = server.address() as AddressInfo
    t.equal((await client.ask(`https://crm.contoso.localhost:${port}/`)).body, 'served')
    await t.rejects(client.ask(`https://wiki.contoso.localhost:${port}/`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  },
)

t.test('the authority can speak for names under localhost only', async (t) => {
  const folder = join(t.testdir(), 'tls')
  const { authority, hosts: files } = await demoCertificates(folder, ['bank.test'], now)
  const { certificate = '' } = files.get('bank.test') ?? {}
  const verified = await runProgram('openssl', ['verify', '-CAfile', authority, certificate])
  t.not(verified.code, 0)
  t.match(verified.stdout + verified.stderr, /permitted subtree violation/)
})

t.test('goes on with what is there, adds a name that is new, and renews what ends within a month', async (t) => {
  const folder = join(t.testdir(), 'tls')
  const first = await demoCertificates(folder, hosts, now)
  const file = first.hosts.get('crm.contoso.localhost')?.certificate
  const [ca, crm] = [serialOf(first.authority), serialOf(file)]
  const second = await demoCertificates(folder, [...hosts, 'wiki.contoso.localhost'], inDays(300))
  t.equal(serialOf(second.authority), ca)
  t.equal(serialOf(file), crm)
  t.ok(second.hosts.get('wiki.contoso.localhost'))
  await demoCertificates(folder, hosts, inDays(380))
  t.equal(serialOf(first.authority), ca)
  t.not(serialOf(file), crm)
  await demoCertificates(folder, hosts, inDays(3500))
  t.not(serialOf(first.authority), ca, 'an authority that would end before its certificates is made anew')
})

t.test('makes again what a kill has left half written', async (t) => {
  const folder = join(t.testdir(), 'tls')
  const { authority, hosts: files } = await demoCertificates(folder, hosts, now)
  const { certificate = '' } = files.get('sts.contoso.localhost') ?? {}
  truncateSync(certificate, 100)
  await demoCertificates(folder, hosts, now)
  t.ok(new X509Certificate(readFileSync(certificate)).verify(new X509Certificate(readFileSync(authority)).publicKey))
  writeFileSync(authority, '')
  await demoCertificates(folder, hosts, now)
  t.ok(new X509Certificate(readFileSync(certificate)).verify(new X509Certificate(readFileSync(authority)).publicKey))
})
