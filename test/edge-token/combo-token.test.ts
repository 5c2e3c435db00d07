import { createHash } from 'node:crypto'
import t from 'tap'
import {
  type ComboExpectations,
  createEdgeTokenVerifier,
  joinComboToken,
  splitComboToken,
} from '../../src/edge-token/index.ts'
import { CURRENT_DATE, claimsWith, ISSUER, NOW, OTHER_TRUST, signClaims, signJws, TRUST } from './samples.ts'
import { createCertificate } from './signing-certificate.ts'

const signing = await createCertificate()
const stranger = await createCertificate()
const AUDIENCE = 'https://crm.contoso.test/'
const expected: ComboExpectations = {
  relyingParty: TRUST,
  currentDate: CURRENT_DATE,
  accessTokenAudience: ['urn:other', AUDIENCE],
}
const verifier = createEdgeTokenVerifier({ issuer: ISSUER, keys: { certificates: [signing.certificate] } })

const accessClaims = {
  iss: ISSUER,
  aud: AUDIENCE,
  iat: NOW - 60,
  exp: NOW + 3_540,
  upn: 'alice@contoso.test',
  appid: 'app-1',
}
const access = (changes: Record<string, unknown> = {}, header: object = { typ: 'JWT' }, signer = signing) =>
  signJws({ alg: 'RS256', x5t: signing.x5t, ...header }, { ...accessClaims, ...changes }, signer.key)
const edge = (changes: Record<string, unknown> = {}) => signClaims(claimsWith(changes), signing)
const hashOf = (token: string) => createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url')
/** Both halves as our own federation server makes them. */
const bound = (accessToken: string, changes: Record<string, unknown> = {}) =>
  joinComboToken({ edgeToken: edge({ at_hash: hashOf(accessToken), sid: 'c2lk', ...changes }), accessToken })
/** Both halves as AD FS makes them. */
const foreign = (edgeToken: string, accessToken: string) => joinComboToken({ edgeToken, accessToken })

t.test('what is joined is split into the same halves', async (t) => {
  const halves = { edgeToken: edge(), accessToken: access() }
  const combo = joinComboToken(halves)
  t.same(JSON.parse(Buffer.from(combo, 'base64url').toString()), {
    proxy_token: halves.edgeToken,
    access_token: halves.accessToken,
  })
  t.same(splitComboToken(combo), halves)
})

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
for (const { name, bearer } of [
  { name: 'no text', bearer: undefined },
  { name: 'an empty text', bearer: '' },
  { name: 'a plain JWS', bearer: access() },
  { name: 'more than 64 KiB', bearer: encode({ proxy_token: 'a', access_token: 'b'.repeat(50_000) }) },
  { name: 'one half', bearer: encode({ access_token: 'b' }) },
  { name: 'a third member', bearer: encode({ proxy_token: 'a', access_token: 'b', id_token: 'c' }) },
  { name: 'a member twice', bearer: encode('{"proxy_token":"a","proxy_token":"a","access_token":"b"}') },
  { name: 'a member named __proto__', bearer: encode('{"__proto__":"a","access_token":"b"}') },
  { name: 'a list', bearer: encode(['a', 'b']) },
  { name: 'null', bearer: encode('null') },
  { name: 'a half that is an object', bearer: encode({ proxy_token: 'a', access_token: { b: 1 } }) },
  { name: 'an empty half', bearer: encode({ proxy_token: 'a', access_token: '' }) },
  { name: 'a line break in a half', bearer: encode({ proxy_token: 'a', access_token: 'b\r\nX-MS-Proxy: c' }) },
  { name: 'a blank in a half', bearer: encode({ proxy_token: 'a', access_token: 'b c' }) },
  { name: 'a control character around it', bearer: `${encode({ proxy_token: 'a', access_token: 'b' })}\n` },
  { name: 'padding', bearer: Buffer.from('{"proxy_token":"a","access_token":"b"}').toString('base64') },
  {
    name: 'bytes that are not UTF-8',
    bearer: Buffer.from('{"proxy_token":"a","access_token":"\xff"}', 'latin1').toString('base64url'),
  },
]) {
  t.test(`does not split ${name}`, async (t) => {
    t.throws(() => splitComboToken(bearer as string), { name: 'EdgeTokenError', code: 'malformed' })
  })
}

t.test('does not join what could not be split', async (t) => {
  const malformed = { code: 'malformed' }
  t.throws(() => joinComboToken({ edgeToken: 'a', accessToken: 'b c' }), malformed)
  t.throws(() => joinComboToken({ edgeToken: '', accessToken: 'b' }), malformed)
  t.throws(() => joinComboToken({ edgeToken: 'a', accessToken: 'b'.repeat(50_000) }), malformed)
})

t.test('takes halves that are bound, and says who and what to forward', async (t) => {
  const accessToken = access({}, { typ: 'at+jwt' })
  const combo = bound(accessToken)
  for (const round of ['at first sight', 'again', 'seen before']) {
    const verified = await verifier.verifyCombo(combo, expected)
    t.match(verified, { accessToken, identity: { upn: 'alice@contoso.test', sessionId: 'c2lk' } }, round)
  }
  const { accessTokenAudience: _, ...without } = expected
  await t.resolves(verifier.verifyCombo(combo, without), 'the binding says what they are for')
})

t.test('takes halves of AD FS, which are not bound', async (t) => {
  const accessToken = access({ upn: 'Alice@CONTOSO.test' })
  const combo = foreign(edge(), accessToken)
  for (const round of ['at first sight', 'again', 'seen before']) {
    t.match(
      await verifier.verifyCombo(combo, expected),
      { accessToken, identity: { upn: 'alice@contoso.test' } },
      round,
    )
  }
  await t.resolves(verifier.verifyCombo(foreign(edge(), access({ aud: ['x', AUDIENCE] })), expected))
  await t.resolves(verifier.verifyCombo(combo, { ...expected, accessTokenAudience: AUDIENCE }))
})

const other = access({ appid: 'app-2' })
for (const { name, combo, code } of [
  { name: 'bound to another access token', combo: bound(access(), { at_hash: hashOf(other) }), code: 'combo' },
  {
    name: 'bound by a hash that is longer',
    combo: bound(access(), { at_hash: `${hashOf(access())}A` }),
    code: 'combo',
  },
  { name: 'bound, for another application', combo: bound(access({ aud: 'urn:hr' })), code: 'audience' },
  { name: 'bound, of two people', combo: bound(access({ upn: 'bob@contoso.test' })), code: 'combo' },
  { name: 'bound, its access token expired', combo: bound(access({ exp: NOW - 60 })), code: 'expired' },
  { name: 'bound, its access token not valid yet', combo: bound(access({ nbf: NOW + 61 })), code: 'not-yet-valid' },
  { name: 'bound, its access token no JWT', combo: bound('opaque'), code: 'malformed' },
  {
    name: 'bound, its access token without signature algorithm',
    combo: bound(access({}, { alg: 'none' })),
    code: 'algorithm',
  },
  {
    name: 'whose edge token is for another application',
    combo: bound(access(), { relyingpartytrustid: OTHER_TRUST }),
    code: 'relying-party',
  },
  { name: 'whose edge token has expired', combo: bound(access(), { exp: NOW - 60 }), code: 'expired' },
  { name: "whose edge token is a browser's", combo: foreign(edge({ sid: 'c2lk' }), access()), code: 'combo' },
  { name: 'of two people', combo: foreign(edge(), access({ upn: 'bob@contoso.test' })), code: 'combo' },
  { name: 'of a person and an application', combo: foreign(edge(), access({ upn: undefined })), code: 'combo' },
  { name: 'of an application and a person', combo: foreign(edge({ upn: undefined }), access()), code: 'combo' },
  { name: 'of two applications', combo: foreign(edge(), access({ aud: 'urn:hr' })), code: 'audience' },
  { name: 'without audience', combo: foreign(edge(), access({ aud: undefined })), code: 'malformed' },
  {
    name: 'of two federation services',
    combo: foreign(edge(), access({ iss: 'https://sts.fabrikam.test' })),
    code: 'issuer',
  },
  { name: 'with an access token by a stranger', combo: foreign(edge(), access({}, {}, stranger)), code: 'signature' },
  { name: 'with an access token that has expired', combo: foreign(edge(), access({ exp: NOW - 60 })), code: 'expired' },
  { name: 'with an access token without end', combo: foreign(edge(), access({ exp: undefined })), code: 'malformed' },
  {
    name: 'with an access token whose end is a text',
    combo: foreign(edge(), access({ exp: `${NOW}` })),
    code: 'malformed',
  },
  { name: 'with an access token that is an edge token', combo: foreign(edge(), edge()), code: 'audience' },
  { name: 'with the halves swapped', combo: foreign(access(), edge()), code: 'audience' },
]) {
  t.test(`refuses a combo ${name}`, async (t) => {
    await t.rejects(verifier.verifyCombo(combo, expected), { code, name: 'EdgeTokenError' })
    await t.rejects(verifier.verifyCombo(combo, expected), { code }, 'and when seen before')
  })
}

t.test('an application alone passes where that is allowed, as nobody in particular', async (t) => {
  const combo = foreign(edge({ upn: undefined }), access({ upn: undefined }))
  await t.rejects(verifier.verifyCombo(combo, expected), { code: 'combo' })
  const { identity } = await verifier.verifyCombo(combo, { ...expected, allowAppOnly: true })
  t.equal(identity.upn, undefined)
  await t.rejects(verifier.verifyCombo(combo, expected), { code: 'combo' }, 'that it passed once changes nothing')
  const truthy = { ...expected, allowAppOnly: 1 } as unknown as ComboExpectations
  await t.rejects(verifier.verifyCombo(combo, truthy), { code: 'combo' })
})

t.test('halves that are not bound can be refused altogether', async (t) => {
  const combo = foreign(edge(), access())
  await t.resolves(verifier.verifyCombo(combo, expected))
  await t.rejects(verifier.verifyCombo(combo, { ...expected, requireComboBinding: true }), { code: 'combo' })
  const strict = createEdgeTokenVerifier({
    issuer: ISSUER,
    keys: { certificates: [signing.certificate] },
    requireComboBinding: true,
  })
  await t.rejects(strict.verifyCombo(combo, { ...expected, requireComboBinding: false }), { code: 'combo' })
  await t.resolves(strict.verifyCombo(bound(access()), expected))
})

t.test('halves that are not bound need an audience to be compared with', async (t) => {
  const combo = foreign(edge(), access())
  const { accessTokenAudience: _, ...without } = expected
  await t.rejects(verifier.verifyCombo(combo, without), { code: 'combo' })
  for (const accessTokenAudience of [null, '', [], 0, Number.NaN, {}]) {
    const blurred = { ...expected, accessTokenAudience } as unknown as ComboExpectations
    await t.rejects(verifier.verifyCombo(combo, blurred), { code: 'audience' }, JSON.stringify(accessTokenAudience))
  }
})

t.test('half of a combo is no token by itself', async (t) => {
  const { edgeToken, accessToken } = splitComboToken(bound(access()))
  await t.rejects(verifier.verify(edgeToken, expected), { code: 'combo' })
  await t.rejects(verifier.verifyCombo(edgeToken, expected), { code: 'malformed' })
  await t.rejects(verifier.verifyCombo(accessToken, expected), { code: 'malformed' })
})

t.test('address and delegation are judged of a combo as of any edge token', async (t) => {
  const combo = bound(access(), { resource: 'https://crm.contoso.test/crm', kcd: [] })
  await t.resolves(verifier.verifyCombo(combo, { ...expected, url: 'https://crm.contoso.test/crm/api' }))
  await t.rejects(verifier.verifyCombo(combo, { ...expected, url: 'https://crm.contoso.test/hr' }), {
    code: 'resource',
  })
  await t.rejects(verifier.verifyCombo(combo, { ...expected, delegateTo: 'HTTP/app' }), { code: 'delegation' })
})
