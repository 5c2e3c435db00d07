import { createPublicKey, generateKeyPairSync, type JsonWebKey, X509Certificate } from 'node:crypto'
import t from 'tap'
import { keyOfCertificate, keysOfJwks } from '../../src/edge-token/verification-key.ts'
import { createCertificate } from './signing-certificate.ts'

const rsa = await createCertificate()
const other = await createCertificate()
const publicJwk = (pem: string): JsonWebKey => createPublicKey(pem).export({ format: 'jwk' })
const jwk = { ...publicJwk(rsa.certificate), kid: 'one' }
const otherJwk = { ...publicJwk(other.certificate), kid: 'two' }
const der = (pem: string) => new X509Certificate(pem).raw.toString('base64')

for (const { name, keys, kids } of [
  { name: 'a key that says nothing of itself', keys: [jwk], kids: ['one'] },
  { name: 'a key for signatures', keys: [{ ...jwk, use: 'sig', key_ops: ['verify'], alg: 'RS256' }], kids: ['one'] },
  { name: 'a key with its certificate', keys: [{ ...jwk, x5c: [der(rsa.certificate)], x5t: rsa.x5t }], kids: ['one'] },
  { name: 'two keys with names of their own', keys: [jwk, otherJwk], kids: ['one', 'two'] },
]) {
  t.test(`takes ${name}`, async (t) =>
    t.same(
      keysOfJwks({ keys }).map(({ kid }) => kid),
      kids,
    ),
  )
}

const { publicKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const { publicKey: rsa1024 } = generateKeyPairSync('rsa', { modulusLength: 1024 })
for (const { name, keys } of [
  { name: 'a key for encryption', keys: [{ ...jwk, use: 'enc' }] },
  { name: 'a key whose use is null', keys: [{ ...jwk, use: null }] },
  { name: 'a key for other operations', keys: [{ ...jwk, key_ops: ['encrypt', 'wrapKey'] }] },
  { name: 'a key whose operations are a text', keys: [{ ...jwk, key_ops: 'verify' }] },
  { name: 'a key for another algorithm', keys: [{ ...jwk, alg: 'RS384' }] },
  { name: 'a key for an algorithm of other keys', keys: [{ ...jwk, alg: 'ES256' }] },
  { name: 'a key for a symmetric algorithm', keys: [{ ...jwk, alg: 'HS256' }] },
  { name: 'a symmetric key', keys: [{ kty: 'oct', k: 'A'.repeat(43), kid: 'one' }] },
  { name: 'a key of an unknown kind', keys: [{ ...jwk, kty: 'rsa' }] },
  { name: 'a kid that is no text', keys: [{ ...jwk, kid: 1 }] },
  { name: 'the certificate of another key', keys: [{ ...jwk, x5c: [der(other.certificate)] }] },
  { name: 'the thumbprint of another certificate', keys: [{ ...jwk, x5c: [der(rsa.certificate)], x5t: other.x5t }] },
  { name: 'a certificate that is none', keys: [{ ...jwk, x5c: ['AAAA'] }] },
  { name: 'an RSA key of 1024 bits', keys: [rsa1024.export({ format: 'jwk' })] },
  { name: 'an even public exponent', keys: [{ ...jwk, e: 'Ag' }] },
  { name: 'a public exponent of 1', keys: [{ ...jwk, e: 'AQ' }] },
  { name: 'a key on another curve', keys: [p384.export({ format: 'jwk' })] },
  { name: 'two keys of one kid', keys: [jwk, { ...otherJwk, kid: 'one' }] },
  { name: 'a signing key and an encryption key of one kid', keys: [jwk, { ...otherJwk, kid: 'one', use: 'enc' }] },
  {
    name: 'two keys of one x5t',
    keys: [
      { ...jwk, x5t: rsa.x5t },
      { ...otherJwk, x5t: rsa.x5t },
    ],
  },
  { name: 'things that are no keys', keys: [null, 1, 'key', [], {}] },
]) {
  t.test(`leaves out ${name}`, async (t) => t.same(keysOfJwks({ keys }), []))
}

t.test('a document that is no JWK Set has no keys', async (t) => {
  for (const document of [undefined, null, [], 'keys', { keys: null }, { keys: {} }, [jwk]])
    t.same(keysOfJwks(document), [])
})

t.test('a weak certificate gives no key, any other goes by its thumbprint', async (t) => {
  const weak = await createCertificate('rsa-1024')
  t.equal(keyOfCertificate(new X509Certificate(weak.certificate)), undefined)
  t.match(keyOfCertificate(new X509Certificate(rsa.certificate)), { kid: rsa.x5t, x5t: rsa.x5t })
})
