import t from 'tap'
import type { Person } from '../../../src/sts/people/person.ts'
import { changeTrust, parseTrust, permits, storedTrust } from '../../../src/sts/trusts/relying-party-trust.ts'

const alice: Person = {
  id: 'alice-id',
  upn: 'alice@contoso.test',
  displayName: 'Alice',
  enabled: true,
  delegatable: true,
  groups: ['Sales', 'staff'],
}

t.test('a trust with a name alone lets nobody in and delegates to nothing', async (t) => {
  const trust = parseTrust({ name: 'CRM' })
  t.match(trust.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.same(trust, {
    id: trust.id,
    name: 'CRM',
    enabled: true,
    claimsAware: false,
    identifiers: [],
    permit: { everyone: false, groups: [] },
    publishedAddresses: [],
    replyAddresses: [],
    delegateTo: [],
    edgeTokenLifetime: 3600,
    allowAppOnly: false,
  })
  t.notOk(permits(trust, alice))
})

t.test('what was written is kept in one spelling, each once', async (t) => {
  const trust = parseTrust({
    id: 'A1B2C3D4-0000-4000-8000-00000000000F',
    name: 'CRM',
    identifiers: ['urn:crm', 'URN:CRM', 'https://crm.contoso.test/'],
    publishedAddresses: ['https://CRM.contoso.test:443/', 'https://crm.contoso.test/'],
    delegateTo: ['HTTP/crm.corp.test', 'http/CRM.corp.test'],
  })
  t.equal(trust.id, 'a1b2c3d4-0000-4000-8000-00000000000f')
  t.same(trust.publishedAddresses, ['https://crm.contoso.test/'])
  t.equal(trust.identifiers.length, 2)
  t.equal(trust.delegateTo.length, 1)
})

for (const [input, message] of [
  [undefined, /trust: /],
  [[], /trust: /],
  [{}, /name: /],
  [{ name: '' }, /name: a name has 1 to 256/],
  [{ name: 'a\u001bb' }, /name: /],
  [{ name: 'CRM', id: 'crm' }, /id: an id is a GUID/],
  [{ name: 'CRM', enabled: 'yes' }, /enabled: /],
  [{ name: 'CRM', idenifiers: [] }, /idenifiers/],
  [{ name: 'CRM', __proto__: null, permit: { everybody: true } }, /permit: .*everybody/],
  [{ name: 'CRM', permit: { groups: [''] } }, /permit\.groups\.0: a group/],
  [{ name: 'CRM', identifiers: ['crm'] }, /identifiers\.0: an identifier is an absolute URI/],
  [{ name: 'CRM', identifiers: ['urn:a b'] }, /identifiers\.0/],
  [{ name: 'CRM', publishedAddresses: ['https://crm.contoso.test/', 'crm'] }, /publishedAddresses\.1: /],
  [{ name: 'CRM', replyAddresses: ['x'] }, /replyAddresses\.0: /],
  [{ name: 'CRM', delegateTo: ['HOST/crm.corp.test'] }, /delegateTo\.0: identities are never delegated to HOST/],
  [{ name: 'CRM', claimsAware: true, delegateTo: ['HTTP/crm'] }, /delegateTo: only a trust that is not claims-aware/],
  [{ name: 'CRM', edgeTokenLifetime: 299 }, /edgeTokenLifetime: /],
  [{ name: 'CRM', edgeTokenLifetime: 86_401 }, /edgeTokenLifetime: /],
  [{ name: 'CRM', edgeTokenLifetime: 3600.5 }, /edgeTokenLifetime: /],
  [{ name: 'CRM', edgeTokenLifetime: '3600' }, /edgeTokenLifetime: /],
] as const) {
  t.test(`refused, and says why: ${JSON.stringify(input)}`, async (t) =>
    t.throws(() => parseTrust(input), { name: 'StsError', code: 'invalid-trust', message }),
  )
}

t.test('all reasons are told at once', async (t) => {
  const input = { name: '', edgeTokenLifetime: 1, delegateTo: ['cifs/x'] }
  t.throws(() => parseTrust(input), { message: /name: .*; delegateTo\.0: .*; edgeTokenLifetime: / })
})

t.test('the bounds of the lifetime are taken', async (t) => {
  for (const edgeTokenLifetime of [300, 86_400]) {
    t.equal(parseTrust({ name: 'CRM', edgeTokenLifetime }).edgeTokenLifetime, edgeTokenLifetime)
  }
})

t.test('a change touches what it names and nothing else, and never the trust itself', async (t) => {
  const trust = parseTrust({ name: 'CRM', permit: { everyone: true, groups: ['staff'] }, delegateTo: ['HTTP/crm'] })
  const before = structuredClone(trust)
  t.same(changeTrust(trust, {}), trust)
  t.same(changeTrust(trust, { enabled: undefined, name: undefined }), trust)
  t.same(changeTrust(trust, { permit: { everyone: false } }), {
    ...trust,
    permit: { everyone: false, groups: ['staff'] },
  })
  t.same(changeTrust(trust, { delegateTo: [], claimsAware: true }), { ...trust, delegateTo: [], claimsAware: true })
  t.throws(() => changeTrust(trust, { claimsAware: true }), { code: 'invalid-trust' })
  t.throws(() => changeTrust(trust, { id: trust.id }), { code: 'invalid-trust' })
  t.same(trust, before)
})

t.test('a definition of an older version has defaults for what it lacks', async (t) => {
  t.match(storedTrust('{"id":"x","name":"CRM"}'), {
    enabled: true,
    permit: { everyone: false },
    edgeTokenLifetime: 3600,
  })
})

t.test('everyone, or a member of a permitted group, may enter', async (t) => {
  const trust = (permit: object) => parseTrust({ name: 'CRM', permit })
  t.ok(permits(trust({ everyone: true }), alice))
  t.ok(permits(trust({ groups: ['SALES'] }), alice), 'groups without regard to case')
  t.ok(permits(trust({ groups: ['other', 'staff'] }), alice))
  t.notOk(permits(trust({ groups: ['other', 'sal', 'sales '.trim().slice(0, 4)] }), alice))
  t.notOk(permits(trust({ groups: ['Sales'] }), { ...alice, groups: [] }))
})

t.test('nobody enters through a trust that is disabled, and nobody who is disabled', async (t) => {
  const open = parseTrust({ name: 'CRM', permit: { everyone: true } })
  t.notOk(permits({ ...open, enabled: false }, alice))
  t.notOk(permits(open, { ...alice, enabled: false }))
})
