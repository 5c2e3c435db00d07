import { generateKeyPairSync, verify, X509Certificate } from 'node:crypto'
import t from 'tap'
import {
  createEdgeTokenVerifier,
  type EdgeTokenClaims,
  type EdgeTokenSigning,
  issueEdgeToken,
} from '../../src/edge-token/index.ts'
import { ISSUER, NOW, TRUST } from './samples.ts'
import { createCertificate } from './signing-certificate.ts'

const signing = await createCertificate()
const { key, certificate } = signing
const claims: EdgeTokenClaims = { iss: ISSUER, relyingpartytrustid: TRUST, iat: NOW }
const read = (token: string) =>
  token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))

t.test('writes what AD FS writes', async (t) => {
  const token = await issueEdgeToken(
    { ...claims, upn: 'alice@contoso.test', authinstant: NOW - 5, authmethod: 'urn:m' },
    signing,
  )
  t.same(read(token), [
    { typ: 'JWT', alg: 'RS256', x5t: signing.x5t, kid: signing.x5t },
    {
      ver: '1.0',
      aud: 'urn:AppProxy:com',
      iss: ISSUER,
      iat: NOW,
      exp: NOW + 3_600,
      relyingpartytrustid: TRUST,
      deviceregid: '',
      upn: 'alice@contoso.test',
      authinstant: NOW - 5,
      authmethod: 'urn:m',
    },
  ])
  const dot = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  t.ok(verify('sha256', Buffer.from(token.slice(0, dot)), new X509Certificate(certificate).publicKey, signature))
})

t.test('writes our own claims and further ones, and leaves out what is undefined', async (t) => {
  const own = {
    sid: 'c2lk',
    kcd: [],
    resource: 'https://crm.contoso.test/',
    at_hash: 'abc',
    clientreqid: 'r',
    group: ['a'],
  }
  const [, written] = read(await issueEdgeToken({ ...claims, ...own, upn: undefined }, { ...signing, lifetime: 300 }))
  t.match(written, { ...own, exp: NOW + 300 })
  t.notOk('upn' in written)
})

t.test('begins now unless told', async (t) => {
  const [, { iat }] = read(await issueEdgeToken({ iss: ISSUER, relyingpartytrustid: TRUST }, signing))
  t.ok(Math.abs(iat - Date.now() / 1000) < 5)
})

t.test('the end follows from the lifetime alone, the version is ours', async (t) => {
  const [, written] = read(await issueEdgeToken({ ...claims, exp: 1, ver: '3.0' }, signing))
  t.match(written, { exp: NOW + 3_600, ver: '1.0' })
})

t.test('what is issued is verified, for every kind of key and every way to give it', async (t) => {
  const ec = await createCertificate('ec')
  const ed = await createCertificate('ed25519')
  const verifier = createEdgeTokenVerifier({
    issuer: ISSUER,
    keys: { certificates: [certificate, ec.certificate, ed.certificate] },
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  })
  const ways: EdgeTokenSigning[] = [
    { key, certificate },
    { key, certificate: new X509Certificate(certificate), algorithm: 'PS256' },
    { key: signing.privateKey, certificate: new X509Certificate(certificate).raw },
    { key: Buffer.from(signing.privateKey), certificate },
    ec,
    ed,
    { key, certificate },
  ]
  for (const way of ways) {
    const token = await issueEdgeToken({ ...claims, upn: 'alice@contoso.test' }, way)
    const expected = { relyingParty: TRUST, currentDate: new Date(NOW * 1000) }
    t.match(await verifier.verify(token, expected), { upn: 'alice@contoso.test' })
  }
})

for (const changes of [
  { iss: '' },
  { iss: undefined },
  { relyingpartytrustid: undefined },
  { relyingpartytrustid: '' },
  { aud: '' },
  { aud: ['urn:AppProxy:com'] },
  { iat: NOW + 0.5 },
  { iat: Number.NaN },
  { iat: null },
  { authinstant: '2026' },
  { nbf: Number.POSITIVE_INFINITY },
  { upn: 'alice' },
  { upn: '' },
  { upn: null },
  { upn: 'a\n@b' },
]) {
  t.test(`does not issue ${JSON.stringify(changes)}`, (t) =>
    t.rejects(issueEdgeToken({ ...claims, ...changes } as unknown as EdgeTokenClaims, signing), {
      name: 'EdgeTokenError',
      code: 'malformed',
    }),
  )
}

const stranger = await createCertificate()
for (const { name, options } of [
  { name: 'no lifetime', options: { lifetime: 0 } },
  { name: 'an endless lifetime', options: { lifetime: 86_401 } },
  { name: 'a lifetime that is no number', options: { lifetime: Number.NaN } },
  { name: 'a lifetime that is null', options: { lifetime: null } },
  { name: 'an unknown algorithm', options: { algorithm: 'none' } },
  { name: 'an algorithm of other keys', options: { algorithm: 'ES256' } },
  { name: 'a name of every object as the algorithm', options: { algorithm: 'toString' } },
  { name: 'the certificate of another key', options: { certificate: stranger.certificate } },
  { name: 'a certificate that is none', options: { certificate: 'x' } },
  { name: 'a key that is none', options: { key: 'x' } },
  { name: 'a public key', options: { key: new X509Certificate(certificate).publicKey } },
  { name: 'a key of another kind', options: { key: generateKeyPairSync('x25519').privateKey } },
]) {
  t.test(`${name} is a TypeError`, (t) =>
    t.rejects(issueEdgeToken(claims, { ...signing, ...options } as unknown as EdgeTokenSigning), { name: 'TypeError' }),
  )
}
