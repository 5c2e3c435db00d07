import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import t from 'tap'
import { openSealedSession } from '../../src/edge-token/access-cookie.ts'
import { type AccessSession, openAccessCookie, sealAccessCookie } from '../../src/edge-token/index.ts'
import { CURRENT_DATE, NOW, TRUST } from './samples.ts'

const first = { id: 'k1', secret: createSecretKey(randomBytes(32)) }
const second = { id: 'k-2_', secret: randomBytes(32) }
const context = { keys: [first], application: 'crm', host: 'crm.contoso.test' }
const here = { ...context, currentDate: CURRENT_DATE }
const session: AccessSession = {
  upn: 'alice@contoso.test',
  relyingPartyTrust: TRUST,
  sessionId: 'c2lk',
  issuedAt: new Date((NOW - 60) * 1000),
  expiresAt: new Date((NOW + 3_540) * 1000),
  authenticationMethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
  authenticationInstant: new Date((NOW - 120) * 1000),
  delegation: ['abc', 'def'],
  headers: { displayname: 'Álice “A”\n', upn: 'alice@contoso.test' },
}

t.test('what is sealed is opened', async (t) => {
  const value = sealAccessCookie(session, context)
  t.match(value, /^1\.k1\.[\w-]+$/)
  t.same(await openAccessCookie(value, here), session)
  t.not(sealAccessCookie(session, context), value, 'no two are alike')
  t.notMatch(Buffer.from(value, 'base64url').toString('latin1'), 'alice')
})

t.test('what is absent stays absent', async (t) => {
  const { relyingPartyTrust, issuedAt, expiresAt } = session
  const opened = await openAccessCookie(sealAccessCookie({ relyingPartyTrust, issuedAt, expiresAt }, context), here)
  t.same(
    Object.entries(opened).filter(([, value]) => value !== undefined),
    Object.entries({ relyingPartyTrust, issuedAt, expiresAt }),
  )
  const empty = await openAccessCookie(sealAccessCookie({ ...session, delegation: [] }, context), here)
  t.same(empty.delegation, [], 'an empty list of services is not an absent one')
})

t.test('the first key seals, every key of the ring opens', async (t) => {
  const old = sealAccessCookie(session, context)
  const ring = { ...here, keys: [second, first] }
  t.match(sealAccessCookie(session, ring), /^1\.k-2_\./)
  t.same(await openAccessCookie(old, ring), session)
  t.same(await openAccessCookie(sealAccessCookie(session, ring), ring), session)
  await t.rejects(openAccessCookie(old, { ...here, keys: [second] }), { code: 'signature' })
  const renamed = [{ id: 'k1', secret: second.secret }]
  await t.rejects(openAccessCookie(old, { ...here, keys: renamed }), { code: 'signature' }, 'an id alone opens nothing')
})

t.test('a cookie opens for its own application and host alone', async (t) => {
  const value = sealAccessCookie(session, context)
  t.same(await openAccessCookie(value, { ...here, host: 'CRM.contoso.test.' }), session)
  await t.rejects(openAccessCookie(value, { ...here, application: 'hr' }), { code: 'signature' })
  await t.rejects(openAccessCookie(value, { ...here, host: 'hr.contoso.test' }), { code: 'signature' })
  await t.rejects(openAccessCookie(value, { ...here, application: 'crm|crm.contoso.test', host: '' }), {
    code: 'signature',
  })
  t.same(await openAccessCookie(value, here), session, 'and still for its own')
})

t.test('a cookie ends with its token', async (t) => {
  const value = sealAccessCookie(session, context)
  const at = (currentDate: Date) => openAccessCookie(value, { ...context, currentDate })
  await t.resolves(at(new Date((NOW + 3_540) * 1000 - 1)))
  await t.rejects(at(new Date((NOW + 3_540) * 1000)), { code: 'expired' })
  for (const blurred of [new Date(Number.NaN), null, Number.NaN, 0])
    await t.rejects(at(blurred as Date), { code: 'expired' })
  const past = { ...session, expiresAt: new Date(Date.now() - 1_000) }
  await t.rejects(openAccessCookie(sealAccessCookie(past, context), context), { code: 'expired' }, 'now, unless told')
})

t.test('a cookie seen before is judged as strictly as a new one', async (t) => {
  const ring = { ...here, keys: [{ id: 'k1', secret: createSecretKey(randomBytes(32)) }] }
  const value = sealAccessCookie(session, ring)
  for (let round = 0; round < 3; round++) {
    const opened = await openAccessCookie(value, ring)
    t.same(opened, session)
    // What one caller does to it, the next one does not see.
    opened.expiresAt.setTime(0)
    Object.assign(opened.headers ?? {}, { upn: 'mallory@contoso.test' })
    ;(opened.delegation as string[]).push('ghi')
  }
  await t.rejects(openAccessCookie(value, { ...ring, host: 'hr.contoso.test' }), { code: 'signature' })
  await t.rejects(openAccessCookie(value, { ...ring, application: 'hr' }), { code: 'signature' })
  await t.rejects(openAccessCookie(value, { ...ring, keys: [first] }), { code: 'signature' }, 'its key left the ring')
  await t.rejects(openAccessCookie(value, { ...ring, keys: [] }), { code: 'signature' })
  const forged = `${value.slice(0, 20)}${value[20] === 'A' ? 'B' : 'A'}${value.slice(21)}`
  await t.rejects(openAccessCookie(forged, ring), { code: 'signature' })
  await t.rejects(openAccessCookie(value, { ...ring, currentDate: session.expiresAt }), { code: 'expired' })
  await t.rejects(openAccessCookie(value, { ...ring, currentDate: new Date(Number.NaN) }), { code: 'expired' })
  t.same(await openAccessCookie(value, ring), session)
})

t.test('no character of a cookie can be another one', async (t) => {
  const value = sealAccessCookie(session, context)
  for (let at = 0; at < value.length; at++) {
    const changed = `${value.slice(0, at)}${value[at] === 'A' ? 'B' : 'A'}${value.slice(at + 1)}`
    const opened = openSealedSession(changed, context, NOW * 1000)
    if (opened.kind !== 'refused') t.fail(`character ${at} was changed and the cookie opened`)
  }
  t.pass(`${value.length} characters tried`)
})

for (const { name, value } of [
  { name: 'no text', value: undefined },
  { name: 'an empty text', value: '' },
  { name: 'another version', value: '2.k1.AAAA' },
  { name: 'no key id', value: '1.AAAA' },
  { name: '16 kB', value: `1.k1.${'A'.repeat(16_384)}` },
  { name: 'other characters', value: '1.k1.****' },
  { name: 'padding', value: '1.k1.AAA=' },
  { name: 'a blank', value: '1.k1.AAAA AAAA' },
]) {
  t.test(`refuses ${name}`, (t) => t.rejects(openAccessCookie(value as string, here), { code: 'malformed' }))
}

for (const { name, value } of [
  { name: 'nothing sealed', value: '1.k1.' },
  { name: 'less than a nonce and a tag', value: '1.k1.AAAAAAAA' },
  { name: 'an unknown key', value: sealAccessCookie(session, context).replace('.k1.', '.k3.') },
  { name: 'a key id of every object', value: '1.__proto__.AAAA' },
  { name: 'the end cut off', value: sealAccessCookie(session, context).slice(0, -4) },
]) {
  t.test(`refuses ${name}`, (t) =>
    t.rejects(openAccessCookie(value, here), { code: 'signature', name: 'EdgeTokenError' }),
  )
}

t.test('a session that is too large or has no dates is not sealed', async (t) => {
  const large = { ...session, headers: { group: 'x'.repeat(3_000) } }
  t.throws(() => sealAccessCookie(large, context), { name: 'EdgeTokenError', code: 'malformed' })
  const most = sealAccessCookie({ ...session, headers: { group: 'x'.repeat(2_200) } }, context)
  t.ok(most.length <= 3_500)
  const dateless = { ...session, expiresAt: new Date(Number.NaN) }
  t.throws(() => sealAccessCookie(dateless, context), { code: 'malformed' })
  t.throws(() => sealAccessCookie({ ...session, issuedAt: null } as unknown as AccessSession, context), {
    code: 'malformed',
  })
})

t.test('a ring that is none is the programmer’s mistake', async (t) => {
  const seal = (keys: unknown) => () => sealAccessCookie(session, { ...context, keys } as typeof context)
  t.throws(seal([]), TypeError)
  t.throws(seal([{ id: 'a.b', secret: first.secret }]), TypeError)
  t.throws(seal([{ id: '', secret: first.secret }]), TypeError)
  t.throws(seal([{ id: 'k', secret: randomBytes(16) }]), TypeError)
  t.throws(seal([{ id: 'k', secret: 'secret' }]), TypeError)
  t.throws(seal([{ id: 'k', secret: generateKeyPairSync('ed25519').privateKey }]), TypeError)
})
