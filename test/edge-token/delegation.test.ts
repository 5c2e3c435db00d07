import { createHash } from 'node:crypto'
import t from 'tap'
import { delegationDigest } from '../../src/edge-token/delegation.ts'
import { createEdgeTokenVerifier } from '../../src/edge-token/index.ts'
import { CURRENT_DATE, claimsWith, ISSUER, OTHER_TRUST, signClaims, TRUST } from './samples.ts'
import { createCertificate } from './signing-certificate.ts'

const signing = await createCertificate()
const keys = { certificates: [signing.certificate] }
const anyService = createEdgeTokenVerifier({ issuer: ISSUER, keys })
const oneService = createEdgeTokenVerifier({ issuer: ISSUER, keys, delegation: { services: ['http/APP.corp.test'] } })
const noService = createEdgeTokenVerifier({ issuer: ISSUER, keys, delegation: { services: [] } })
const SPN = 'HTTP/app.corp.test'
const digest = delegationDigest(TRUST, SPN)

t.test('the digest is the documented one, without regard to case', async (t) => {
  const bytes = createHash('sha256').update(`${TRUST}\nhttp/app.corp.test`).digest().subarray(0, 16)
  t.equal(digest, bytes.toString('base64url'))
  t.equal(delegationDigest(TRUST.toUpperCase(), SPN.toLowerCase()), digest)
  t.not(delegationDigest(OTHER_TRUST, SPN), digest)
})

for (const { name, verifier, claims, permitted } of [
  { name: 'named by the token', verifier: anyService, claims: { kcd: ['x', digest] }, permitted: true },
  { name: 'named by the token and the proxy', verifier: oneService, claims: { kcd: [digest] }, permitted: true },
  { name: 'named by the proxy, of a foreign token', verifier: oneService, claims: {}, permitted: true },
  { name: 'named by the token, not by the proxy', verifier: noService, claims: { kcd: [digest] }, permitted: false },
  { name: 'named by the proxy, not by the token', verifier: oneService, claims: { kcd: [] }, permitted: false },
  { name: 'named by nobody', verifier: anyService, claims: {}, permitted: false },
  { name: 'named in plain', verifier: anyService, claims: { kcd: [SPN] }, permitted: false },
  {
    name: 'named for another trust',
    verifier: anyService,
    claims: { kcd: [delegationDigest(OTHER_TRUST, SPN)] },
    permitted: false,
  },
  { name: 'named, but for nobody', verifier: oneService, claims: { kcd: [digest], upn: undefined }, permitted: false },
]) {
  t.test(`a service ${name} is ${permitted ? '' : 'not '}permitted`, async (t) => {
    const token = signClaims(claimsWith(claims), signing)
    const expected = { relyingParty: TRUST, currentDate: CURRENT_DATE }
    const { delegation } = await verifier.verify(token, expected)
    t.equal(delegation.permits(SPN), permitted)
    t.equal(delegation.permits(SPN.toUpperCase()), permitted)
    t.equal(delegation.permits('HTTP/other.corp.test'), false)
    const verified = verifier.verify(token, { ...expected, delegateTo: SPN })
    await (permitted ? t.resolves(verified) : t.rejects(verified, { code: 'delegation' }))
  })
}
