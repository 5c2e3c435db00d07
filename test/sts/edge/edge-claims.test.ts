import t from 'tap'
import { delegationDigest } from '../../../src/edge-token/delegation.ts'
import { edgeTokenClaims } from '../../../src/sts/edge/edge-claims.ts'

const id = '4f6c2b1e-8f4e-4a8e-9b0a-0c9a3d1f7a10'
const subject = {
  issuer: 'http://sts.contoso.test/adfs/services/trust',
  audience: 'urn:AppProxy:com',
  trust: {
    id,
    name: 'CRM',
    enabled: true,
    claimsAware: false,
    identifiers: [],
    permit: { everyone: true, groups: [] },
    publishedAddresses: ['https://app.contoso.test/crm/'],
    replyAddresses: [],
    delegateTo: ['HTTP/crm.corp.test'],
    edgeTokenLifetime: 3600,
    allowAppOnly: false,
  },
  person: { id: '1', upn: 'alice@contoso.test', displayName: 'Alice', enabled: true, delegatable: true, groups: [] },
  session: {
    sid: 'c2lkc2lkc2lkc2lkc2lkcw',
    personId: '1',
    upn: 'alice@contoso.test',
    methods: ['urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'],
    authenticatedAt: new Date('2026-11-23T10:00:00.900Z'),
    expiresAt: new Date('2026-11-23T18:00:00Z'),
    persistent: false,
    participants: [],
  },
  resource: 'https://app.contoso.test/crm/',
  requestId: '0A1B2C3D-0000-4000-8000-00000000000F',
  now: new Date('2026-11-23T11:00:00Z'),
}

t.test('a token says who, how, when, for which application and in which session', async (t) => {
  t.same(edgeTokenClaims(subject), {
    ver: '1.0',
    iss: 'http://sts.contoso.test/adfs/services/trust',
    aud: 'urn:AppProxy:com',
    relyingpartytrustid: id,
    deviceregid: '',
    authinstant: Date.parse('2026-11-23T10:00:00Z') / 1000,
    authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    upn: 'alice@contoso.test',
    resource: 'https://app.contoso.test/crm/',
    sid: 'c2lkc2lkc2lkc2lkc2lkcw',
    kcd: [delegationDigest(id, 'http/CRM.corp.test')],
    clientreqid: '0A1B2C3D-0000-4000-8000-00000000000F',
  })
})

t.test('after a clock was set back a token is still no older than the sign-in that it speaks of', async (t) => {
  const now = new Date('2026-11-23T09:00:00Z')
  t.equal(edgeTokenClaims({ ...subject, now })['authinstant'], now.getTime() / 1000)
})

for (const { name, change } of [
  { name: 'a person marked not delegatable', change: { person: { ...subject.person, delegatable: false } } },
  { name: 'a trust that names no service', change: { trust: { ...subject.trust, delegateTo: [] } } },
  { name: 'a claims application', change: { trust: { ...subject.trust, claimsAware: true } } },
]) {
  t.test(`${name} is delegated to nothing, and the token says so`, async (t) =>
    t.same(edgeTokenClaims({ ...subject, ...change })['kcd'], []),
  )
}
