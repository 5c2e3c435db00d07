import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import t from 'tap'
import { channelBindingHash, tlsServerEndPoint } from '../../../src/kcd/spnego/channel-binding.ts'

const run = promisify(execFile)

/** A self-signed certificate, DER. */
async function certificate(folder: string, ...options: string[]): Promise<Buffer> {
  const { stdout } = await run('openssl', [
    'req',
    '-x509',
    '-subj',
    '/CN=backend',
    '-days',
    '2',
    '-nodes',
    '-keyout',
    `${folder}/key.pem`,
    ...options,
  ])
  return new X509Certificate(stdout).raw
}

const pss = (hash: string) => ['-newkey', 'rsa:2048', `-${hash}`, '-sigopt', 'rsa_padding_mode:pss']

for (const [what, options, hash] of [
  ['RSA with SHA-256', ['-newkey', 'rsa:2048', '-sha256'], 'sha256'],
  ['RSA with SHA-384', ['-newkey', 'rsa:2048', '-sha384'], 'sha384'],
  ['RSA with SHA-512', ['-newkey', 'rsa:2048', '-sha512'], 'sha512'],
  ['RSA with SHA-1, which SHA-256 stands for', ['-newkey', 'rsa:2048', '-sha1'], 'sha256'],
  ['ECDSA with SHA-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha256'], 'sha256'],
  ['ECDSA with SHA-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'], 'sha384'],
  ['RSASSA-PSS with SHA-256', pss('sha256'), 'sha256'],
  ['RSASSA-PSS with SHA-512', pss('sha512'), 'sha512'],
  ['RSASSA-PSS with SHA-1, its default', pss('sha1'), 'sha256'],
] as const) {
  t.test(`a certificate signed by ${what} is hashed by ${hash}`, async (t) => {
    const raw = await certificate(t.testdir(), ...options)
    const expected = Buffer.concat([Buffer.from('tls-server-end-point:'), createHash(hash).update(raw).digest()])
    t.same(tlsServerEndPoint(raw), expected)
  })
}

t.test('a certificate signed by Ed25519 has no binding: the RFC defines none', async (t) => {
  t.equal(tlsServerEndPoint(await certificate(t.testdir(), '-newkey', 'ed25519')), undefined)
})

t.test('what is no certificate has no binding', async (t) => {
  const raw = await certificate(t.testdir(), '-newkey', 'rsa:2048', '-sha256')
  for (const octets of [
    Buffer.alloc(0),
    Buffer.from('3000', 'hex'),
    raw.subarray(0, -1),
    Buffer.concat([raw, raw]),
    Buffer.alloc(70_000, 0x30),
  ]) {
    t.equal(tlsServerEndPoint(octets), undefined)
  }
})

t.test('the hash of a binding is the MD5 of five little-endian words and the application data', async (t) => {
  const data = Buffer.from('tls-server-end-point:x')
  const covered = Buffer.concat([Buffer.from('0000000000000000000000000000000016000000', 'hex'), data])
  t.same(channelBindingHash(data), createHash('md5').update(covered).digest())
})
