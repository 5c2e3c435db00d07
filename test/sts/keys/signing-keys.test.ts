import { execFileSync } from 'node:child_process'
import { createHash, createPublicKey, createSecretKey, sign, verify, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSigningKeys, type SigningKeys } from '../../../src/sts/keys/signing-keys.ts'
import { type Database, openDatabase } from '../../../src/sts/store/database.ts'

const day = 86_400_000
const start = Date.parse('2026-01-01T00:00:00Z')
const at = (days: number) => new Date(start + days * day)
const host = 'sts.contoso.test'
const masterKey = createSecretKey(Buffer.alloc(32, 1))
const states = (keys: SigningKeys) => keys.published().map(({ state }) => state)

const openStore = (t: Test): Database => {
  const database = openDatabase({ file: join(t.testdir(), 'gatehouse.db') })
  t.teardown(() => database.close())
  return database
}
const rowsOf = ({ read, query }: Database) => read(query.selectFrom('signing_keys').selectAll())

t.test('the first key is a self-signed certificate for signing, good for 365 days', async (t) => {
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host, now: at(0) })
  const { key, certificate, kid, x5t } = keys.current()
  const document = new X509Certificate(certificate)
  t.equal(document.subject, `CN=ADFS Signing - ${host}`)
  t.equal(document.issuer, document.subject)
  t.ok(document.verify(document.publicKey), 'self-signed')
  t.equal(document.ca, false)
  t.ok(document.checkPrivateKey(key))
  t.equal(document.publicKey.asymmetricKeyDetails?.modulusLength, 2048)
  t.equal(document.publicKey.asymmetricKeyDetails?.publicExponent, 65537n)
  t.ok(document.serialNumber.length * 4 >= 64, 'at least 64 bits of serial number')
  t.equal(document.validToDate.getTime(), at(365).getTime())
  t.ok(document.validFromDate <= at(0))
  t.equal(x5t, createHash('sha1').update(document.raw).digest('base64url'))
  t.equal(kid, x5t)
  t.equal(keys.current(), keys.current(), 'the same object until something changes')
})

t.test('openssl reads the certificate, and finds what it should and nothing else', async (t) => {
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host, now: at(0) })
  const file = join(t.testdir(), 'signing.pem')
  writeFileSync(file, keys.current().certificate)
  const text = execFileSync('openssl', ['x509', '-in', file, '-noout', '-text'], { encoding: 'utf8' })
  t.match(text, /Signature Algorithm: sha256WithRSAEncryption/)
  t.match(text, /X509v3 Basic Constraints: critical\s+CA:FALSE/)
  t.match(text, /X509v3 Key Usage: critical\s+Digital Signature\n/)
  execFileSync('openssl', ['verify', '-CAfile', file, '-partial_chain', '-attime', String(start / 1000 + 60), file])
})

t.test('the JWKS holds public keys with their certificates, ready for an RS256 verifier', async (t) => {
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host, now: at(0) })
  await keys.rotate({ now: at(1) })
  const jwks = keys.jwks()
  t.equal(jwks.keys.length, 2)
  for (const [place, jwk] of jwks.keys.entries()) {
    t.strictSame(Object.keys(jwk).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use', 'x5c', 'x5t'], 'no private member')
    t.match(jwk, {
      kty: 'RSA',
      use: 'sig',
      alg: 'RS256',
      kid: keys.published()[place]?.kid,
      x5t: keys.published()[place]?.x5t,
    })
    const {
      x5c: [x5c = ''],
    } = jwk as { x5c: string[] }
    const document = new X509Certificate(Buffer.from(x5c, 'base64'))
    t.ok(createPublicKey({ key: jwk, format: 'jwk' }).equals(document.publicKey))
  }
  const [first = {}] = jwks.keys
  const signature = sign('sha256', Buffer.from('text'), keys.current().key)
  t.ok(verify('sha256', Buffer.from('text'), createPublicKey({ key: first, format: 'jwk' }), signature))
  t.equal(keys.jwks(), jwks, 'the same object until something changes')
})

t.test('keys roll over by themselves in the course of a year', async (t) => {
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host, now: at(0) })
  let changes = 0
  keys.onChange(() => changes++)
  const first = keys.current()

  await keys.advance(at(344))
  t.strictSame([states(keys), changes], [['current'], 0])
  await keys.advance(at(345))
  t.strictSame([states(keys), changes], [['current', 'next'], 1])
  const [, next] = keys.published()
  t.strictSame(next?.signsFrom, at(350))
  t.equal(keys.current().kid, first.kid)
  t.equal(keys.jwks().keys.length, 2)

  await keys.advance(at(350))
  t.strictSame([states(keys), changes], [['current', 'old'], 2])
  t.equal(keys.current().kid, next?.kid)
  t.strictSame(keys.published()[1]?.retiredAt, at(350))

  await keys.advance(at(351))
  t.strictSame([states(keys), changes], [['current', 'old'], 2], 'tokens of the old key may still live')
  await keys.advance(at(351.1))
  t.strictSame([states(keys), changes], [['current'], 3])
})

t.test('an old key loses its private half', async (t) => {
  const database = openStore(t)
  const keys = await openSigningKeys({ database, masterKey, host, now: at(0) })
  await keys.advance(at(345))
  await keys.advance(at(350))
  const old = rowsOf(database).find(({ state }) => state === 'old')
  t.equal(old?.sealed_key.length, 0)
})

t.test('no private key lies in the store in the open', async (t) => {
  const database = openStore(t)
  const keys = await openSigningKeys({ database, masterKey, host, now: at(0) })
  const [row] = rowsOf(database)
  const pkcs8 = keys.current().key.export({ type: 'pkcs8', format: 'der' })
  t.equal(Buffer.from(row?.sealed_key ?? []).indexOf(pkcs8.subarray(-64)), -1)
  t.notMatch(JSON.stringify(row), /PRIVATE/)
  t.notMatch(JSON.stringify(keys.published()), /PRIVATE/)
})

t.test('what was opened again is what was there before', async (t) => {
  const database = openStore(t)
  const before = await openSigningKeys({ database, masterKey, host, now: at(0) })
  await before.rotate({ now: at(1) })
  const after = await openSigningKeys({ database, masterKey, host, now: at(2) })
  t.strictSame(after.published(), before.published())
  t.ok(after.current().key.equals(before.current().key))
})

t.test('another master key is told by its code, and nothing is overwritten', async (t) => {
  const database = openStore(t)
  await openSigningKeys({ database, masterKey, host, now: at(0) })
  const before = rowsOf(database)
  const wrong = createSecretKey(Buffer.alloc(32, 2))
  for (const now of [at(0), at(400)]) {
    await t.rejects(openSigningKeys({ database, masterKey: wrong, host, now }), {
      name: 'StsError',
      code: 'master-key',
    })
  }
  t.strictSame(rowsOf(database), before)
})

t.test('a sealed key moved to another row, or beside another certificate, does not open', async (t) => {
  const database = openStore(t)
  const keys = await openSigningKeys({ database, masterKey, host, now: at(0) })
  await keys.rotate({ now: at(1) })
  const [a, b] = rowsOf(database)
  if (a === undefined || b === undefined) throw new Error('two keys were expected')
  const update = (id: string, changes: { sealed_key?: Uint8Array; certificate?: string }) =>
    database.write((run) => run(database.query.updateTable('signing_keys').set(changes).where('id', '=', id)))
  await update(a.id, { sealed_key: b.sealed_key })
  await t.rejects(openSigningKeys({ database, masterKey, host, now: at(1) }), { code: 'master-key' })
  await update(a.id, { sealed_key: a.sealed_key, certificate: b.certificate })
  await t.rejects(openSigningKeys({ database, masterKey, host, now: at(1) }), { code: 'keys' })
  await update(a.id, { certificate: 'no certificate' })
  await t.rejects(openSigningKeys({ database, masterKey, host, now: at(1) }), { code: 'keys' })
})

t.test('a rotation publishes the next key now and lets it sign five days later', async (t) => {
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host, now: at(0) })
  const first = keys.current()
  const rotation = await keys.rotate({ now: at(10) })
  t.strictSame(rotation, { published: keys.published(), dropped: [] })
  t.strictSame(states(keys), ['current', 'next'])
  t.strictSame(keys.published()[1]?.signsFrom, at(15))
  await keys.rotate({ now: at(11) })
  t.strictSame(states(keys), ['current', 'next'], 'a second one makes no third key')
  await keys.advance(at(14.9))
  t.equal(keys.current().kid, first.kid)
  await keys.advance(at(15))
  t.strictSame(states(keys), ['current', 'old'])
  t.not(keys.current().kid, first.kid)
})

t.test('a rotation that finds an old key due to go still makes a next one', async (t) => {
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host, now: at(0) })
  await keys.rotate({ now: at(1) })
  await keys.advance(at(6))
  t.strictSame(states(keys), ['current', 'old'])
  const { dropped } = await keys.rotate({ now: at(10) })
  t.strictSame(states(keys), ['current', 'next'])
  t.equal(dropped.length, 1)
})

t.test('an immediate rotation signs with a new key and drops every other one', async (t) => {
  const database = openStore(t)
  const keys = await openSigningKeys({ database, masterKey, host, now: at(0) })
  await keys.rotate({ now: at(1) })
  const known = keys.published().map(({ kid }) => kid)
  let changes = 0
  const end = keys.onChange(() => changes++)
  const rotation = await keys.rotate({ immediately: true, now: at(2) })
  t.strictSame(states(keys), ['current'])
  t.notOk(known.includes(keys.current().kid), 'the next key was as exposed as the current one')
  t.strictSame(rotation.dropped.sort(), known.sort())
  t.strictSame(
    keys.jwks().keys.map(({ kid }) => kid),
    [keys.current().kid],
  )
  t.equal(rowsOf(database).length, 1)
  t.equal(changes, 1)
  end()
  await keys.rotate({ now: at(3) })
  t.equal(changes, 1, 'a listener that ended is called no more')
})

t.test('changes asked for at once are made one after the other', async (t) => {
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host, now: at(0) })
  await Promise.all([
    keys.advance(at(345)),
    keys.advance(at(345)),
    keys.rotate({ now: at(345) }),
    keys.advance(at(345)),
  ])
  t.strictSame(states(keys), ['current', 'next'])
})

t.test('a write that fails leaves the keys as they were, and the next one works', async (t) => {
  const database = openStore(t)
  let broken = true
  const keys = await openSigningKeys({
    database: {
      ...database,
      write: (work) =>
        broken && rowsOf(database).length > 0 ? Promise.reject(new Error('disk full')) : database.write(work),
    },
    masterKey,
    host,
    now: at(0),
  })
  const first = keys.current().kid
  await t.rejects(keys.rotate({ immediately: true, now: at(1) }), { message: 'disk full' })
  t.equal(keys.current().kid, first)
  broken = false
  await keys.rotate({ immediately: true, now: at(1) })
  t.not(keys.current().kid, first)
})

t.test('a host of any length or shape stays inside the common name', async (t) => {
  const strange = `a,O=Evil+${'x'.repeat(80)}`
  const keys = await openSigningKeys({ database: openStore(t), masterKey, host: strange, now: at(0) })
  const subject = new X509Certificate(keys.current().certificate).toLegacyObject().subject
  t.strictSame({ ...subject }, { CN: `ADFS Signing - ${strange}`.slice(0, 64) })
})
