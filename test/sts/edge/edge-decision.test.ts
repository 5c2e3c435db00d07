import t from 'tap'
import { decideEdgeSignIn } from '../../../src/sts/edge/edge-decision.ts'
import type { Person } from '../../../src/sts/people/person.ts'
import type { RelyingPartyTrust } from '../../../src/sts/trusts/relying-party-trust.ts'

const trust: RelyingPartyTrust = {
  id: '4f6c2b1e-8f4e-4a8e-9b0a-0c9a3d1f7a10',
  name: 'CRM',
  enabled: true,
  claimsAware: false,
  identifiers: [],
  permit: { everyone: false, groups: ['Sales'] },
  publishedAddresses: [
    'https://app.contoso.test/',
    'https://app.contoso.test/crm/',
    'http://other.contoso.test:8080/x/',
  ],
  replyAddresses: [],
  delegateTo: [],
  edgeTokenLifetime: 3600,
  allowAppOnly: false,
}
const alice: Person = {
  id: '1',
  upn: 'alice@contoso.test',
  displayName: 'Alice',
  enabled: true,
  delegatable: true,
  groups: ['Sales'],
}
const bob: Person = { ...alice, id: '2', upn: 'bob@contoso.test', groups: [] }

const request = (returnUrl: string, realm = 'urn:AppProxy:com') => ({
  realm,
  trustId: trust.id,
  returnUrl: new URL(returnUrl),
})
const decide = (returnUrl: string, circumstances: { trust?: RelyingPartyTrust | undefined; person?: Person } = {}) =>
  decideEdgeSignIn(request(returnUrl), {
    proxyIdentifier: 'urn:AppProxy:com',
    trust,
    person: undefined,
    ...circumstances,
  })

t.test('a permitted person gets a token for the longest published address around the return address', async (t) => {
  for (const { returnUrl, resource } of [
    { returnUrl: 'https://app.contoso.test/', resource: 'https://app.contoso.test/' },
    { returnUrl: 'https://app.contoso.test/crm/a?b', resource: 'https://app.contoso.test/crm/' },
    { returnUrl: 'https://app.contoso.test/CRM', resource: 'https://app.contoso.test/crm/' },
    { returnUrl: 'https://app.contoso.test/crm2', resource: 'https://app.contoso.test/' },
    { returnUrl: 'http://other.contoso.test:8080/X/y', resource: 'http://other.contoso.test:8080/x/' },
  ]) {
    t.match(decide(returnUrl, { person: alice }), { kind: 'issue', resource }, returnUrl)
  }
})

for (const returnUrl of [
  'https://evil.test/crm/',
  'https://app.contoso.test.evil.test/',
  'https://evil-app.contoso.test/',
  'http://app.contoso.test/',
  'https://app.contoso.test:8443/',
  'https://sts.contoso.test/adfs/ls',
  'http://other.contoso.test:8080/',
  'http://other.contoso.test:8080/xy',
  'http://other.contoso.test:8080/x/../y',
  'http://other.contoso.test:8080/x/%2e%2e/y',
  'http://other.contoso.test:8080/x/..%2fy',
  'http://other.contoso.test:8080/y?/x/',
]) {
  t.test(`nobody is sent to ${returnUrl}`, async (t) => {
    for (const person of [undefined, alice]) {
      t.same(decide(returnUrl, person === undefined ? {} : { person }), { kind: 'bad-request', code: 'return-url' })
    }
  })
}

t.test('somebody who is not signed in is asked to, once the request holds', async (t) => {
  t.match(decide('https://app.contoso.test/crm/'), { kind: 'sign-in' })
})

t.test('a person whom the trust does not permit is told so', async (t) => {
  t.match(decide('https://app.contoso.test/crm/', { person: bob }), { kind: 'not-permitted', person: bob })
})

for (const { code, change } of [
  { code: 'trust-disabled', change: { enabled: false } },
  { code: 'trust-not-published', change: { publishedAddresses: [] } },
]) {
  t.test(`${code} is said before anybody is asked to sign in`, async (t) => {
    t.same(decide('https://app.contoso.test/', { trust: { ...trust, ...change } }), { kind: 'bad-request', code })
    t.same(decide('https://app.contoso.test/', { trust: { ...trust, ...change }, person: alice }), {
      kind: 'bad-request',
      code,
    })
  })
}

t.test('an unknown trust and a foreign proxy are refused', async (t) => {
  t.same(decide('https://app.contoso.test/', { trust: undefined }), { kind: 'bad-request', code: 'trust-unknown' })
  const circumstances = { proxyIdentifier: 'urn:AppProxy:com', trust, person: alice }
  t.same(decideEdgeSignIn(request('https://app.contoso.test/', 'urn:other'), circumstances), {
    kind: 'bad-request',
    code: 'realm',
  })
  t.match(decideEdgeSignIn(request('https://app.contoso.test/', 'URN:appproxy:COM'), circumstances), { kind: 'issue' })
})
