import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type CertificateFiles, loadServerCertificate } from '../../../src/cli/listeners/server-certificate.ts'
import { serverCertificate, writePair } from './certificates.ts'

const now = new Date()
const load = (files: CertificateFiles) => loadServerCertificate(files, now)

t.test('a PEM pair covers the names it was issued for', async (t) => {
  const files = writePair(t.testdir(), 'app', await serverCertificate(['App.contoso.test', '*.fabrikam.test']))
  const certificate = await load(files)
  t.strictSame(certificate.names, ['app.contoso.test', '*.fabrikam.test'])
  t.equal(certificate.file, files.certificate)
  for (const host of ['app.contoso.test', 'a.fabrikam.test']) t.ok(certificate.covers(host), host)
  for (const host of ['contoso.test', 'b.app.contoso.test', 'fabrikam.test', 'a.b.fabrikam.test', '', 'test']) {
    t.notOk(certificate.covers(host), host)
  }
})

t.test('a PKCS#12 file is read with the passphrase of its file', async (t) => {
  const folder = t.testdir({ pass: 'open sesame\nsecond line\n', wrong: 'open barley\n' })
  const { certificate, key } = writePair(folder, 'app', await serverCertificate(['app.contoso.test']))
  const pkcs12 = join(folder, 'app.p12')
  const pack = (...more: string[]) =>
    execFileSync('openssl', ['pkcs12', '-export', '-in', certificate, '-inkey', key, '-out', pkcs12, ...more])
  pack('-passout', 'pass:open sesame')
  const loaded = await load({ pkcs12, passphraseFile: join(folder, 'pass') })
  t.strictSame([loaded.file, loaded.names], [pkcs12, ['app.contoso.test']])
  await t.rejects(load({ pkcs12, passphraseFile: join(folder, 'wrong') }), {
    code: 'certificate',
    message: /app\.p12 .*passphrase/,
  })
  await t.rejects(load({ pkcs12 }), { code: 'certificate', message: /app\.p12/ })
  await t.rejects(load({ pkcs12: certificate }), { code: 'certificate', message: /app\.crt cannot be opened/ })
  execFileSync('openssl', ['pkcs12', '-export', '-nokeys', '-in', certificate, '-out', pkcs12, '-passout', 'pass:'])
  await t.rejects(load({ pkcs12, passphraseFile: join(folder, 'pass') }), { code: 'certificate' }, 'without a key')
})

t.test('a chain behind the certificate is served with it', async (t) => {
  const folder = t.testdir()
  const files = writePair(folder, 'app', await serverCertificate(['app.contoso.test']))
  const { certificate: other } = await serverCertificate(['intermediate.test'])
  writeFileSync(files.certificate, `${readFileSync(files.certificate, 'utf8')}${other}`)
  t.ok((await load(files)).covers('app.contoso.test'))
  writeFileSync(files.certificate, `${other}${readFileSync(files.certificate, 'utf8')}`)
  await t.rejects(load(files), { code: 'certificate', message: /app\.crt does not belong to the key in .*app\.key/ })
})

t.test('an encrypted PEM key opens with its passphrase', async (t) => {
  const folder = t.testdir({ pass: 'open sesame' })
  const made = await serverCertificate(['app.contoso.test'])
  const files = writePair(folder, 'app', made)
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'open sesame' }
  writeFileSync(files.key, made.key.export({ type: 'pkcs8', format: 'pem', ...cipher }))
  t.ok(await load({ ...files, passphraseFile: join(folder, 'pass') }))
  await t.rejects(load(files), { code: 'certificate', message: /app\.key/ })
})

t.test('a certificate outside its time is refused', async (t) => {
  const folder = t.testdir()
  const expired = writePair(folder, 'expired', await serverCertificate(['app.contoso.test'], { from: -30, to: -1 }))
  await t.rejects(load(expired), { name: 'ListenerError', code: 'certificate', message: /expired\.crt expired on 20/ })
  const early = writePair(folder, 'early', await serverCertificate(['app.contoso.test'], { from: 1, to: 30 }))
  await t.rejects(load(early), { code: 'certificate', message: /early\.crt is not valid before 20/ })
})

t.test('a certificate that names no host is refused', async (t) => {
  const files = writePair(t.testdir(), 'nobody', await serverCertificate([]))
  await t.rejects(load(files), { code: 'certificate', message: /nobody\.crt names no host/ })
})

t.test('files that are not there, not readable or not PEM are named', async (t) => {
  const folder = t.testdir({ text: 'no certificate' })
  const files = writePair(folder, 'app', await serverCertificate(['app.contoso.test']))
  const other = writePair(folder, 'other', await serverCertificate(['app.contoso.test']))
  await t.rejects(load({ ...files, certificate: join(folder, 'none.crt') }), {
    code: 'certificate',
    message: /none\.crt does not exist/,
  })
  await t.rejects(load({ ...files, key: join(folder, 'none.key') }), {
    code: 'certificate',
    message: /none\.key does not exist/,
  })
  await t.rejects(load({ ...files, certificate: join(folder, 'text') }), {
    code: 'certificate',
    message: /text is no certificate/,
  })
  await t.rejects(load({ ...files, key: join(folder, 'text') }), {
    code: 'certificate',
    message: /text is no private key/,
  })
  await t.rejects(load({ ...files, certificate: folder }), {
    code: 'certificate',
    message: /cannot be read \(EISDIR\)/,
  })
  await t.rejects(load({ ...files, key: other.key }), {
    code: 'certificate',
    message: /app\.crt does not belong to the key in/,
  })
  chmodSync(files.key, 0o600)
  t.ok(await load(files), 'control')
})
