import { X509Certificate } from 'node:crypto'
import t from 'tap'
import {
  createEdgeTokenVerifier,
  EdgeTokenError,
  type EdgeTokenExpectations,
  type EdgeTokenVerifierOptions,
} from '../../src/edge-token/index.ts'
import {
  CURRENT_DATE,
  claimsWith,
  goodClaims,
  ISSUER,
  NOW,
  OTHER_TRUST,
  signClaims,
  signJws,
  TRUST,
} from './samples.ts'
import { createCertificate } from './signing-certificate.ts'

const signing = await createCertificate()
const other = await createCertificate()
const keys = { certificates: [signing.certificate] }
const expected: EdgeTokenExpectations = { relyingParty: TRUST, currentDate: CURRENT_DATE }
const verifier = createEdgeTokenVerifier({ issuer: ISSUER, keys })
const sign = (changes: Record<string, unknown>) => signClaims(claimsWith(changes), signing)

t.test('says everything that a good token says', async (t) => {
  const identity = await verifier.verify(
    sign({ resource: 'https://crm.contoso.test/crm/', sid: 'c2Vzc2lvbg', deviceregid: 'dev-1', clientreqid: 'r-1' }),
    expected,
  )
  t.match(identity, {
    upn: 'alice@contoso.test',
    relyingPartyTrust: TRUST,
    resource: 'https://crm.contoso.test/crm/',
    issuedAt: new Date((NOW - 60) * 1000),
    expiresAt: new Date((NOW + 3_540) * 1000),
    authenticationMethod: goodClaims.authmethod,
    authenticationInstant: new Date((NOW - 120) * 1000),
    deviceRegistrationId: 'dev-1',
    sessionId: 'c2Vzc2lvbg',
    claims: { clientreqid: 'r-1', iss: ISSUER },
  })
})

t.test('leaves undefined what a token does not say', async (t) => {
  const identity = await verifier.verify(
    sign({ upn: undefined, authmethod: undefined, authinstant: undefined, ver: undefined }),
    expected,
  )
  for (const name of ['upn', 'resource', 'authenticationMethod', 'authenticationInstant', 'sessionId'] as const) {
    t.equal(identity[name], undefined, name)
  }
  t.equal(identity.deviceRegistrationId, undefined, 'an empty registration id is none')
})

for (const { name, claims } of [
  { name: 'whose version is a number', claims: { ver: 1 } },
  { name: 'whose sign-in instant is an ISO date', claims: { authinstant: '2026-11-23T07:58:00.1234567Z' } },
  { name: 'whose sign-in instant has no zone', claims: { authinstant: '2026-11-23T07:58:00' } },
  { name: 'whose sign-in instant has an offset', claims: { authinstant: '2026-11-23T08:58:00+01:00' } },
  { name: 'with the trust in upper case', claims: { relyingpartytrustid: TRUST.toUpperCase() } },
  { name: 'expired, but within the tolerance', claims: { exp: NOW - 59 } },
  { name: 'issued ahead of our clock, within the tolerance', claims: { iat: NOW + 60, authinstant: NOW } },
  { name: 'that becomes valid within the tolerance', claims: { nbf: NOW + 60 } },
  { name: 'that lives exactly as long as is taken', claims: { iat: NOW - 60, exp: NOW - 60 + 86_400 } },
  { name: 'with several methods', claims: { authmethod: ['urn:one', 'urn:two'] } },
  { name: 'with further claims, nested', claims: { group: ['a', 'b'], more: { deep: [{ er: 1 }] } } },
  { name: 'with colons and escapes in its claims', claims: { note: ':":\\":"::', 'a:b': '"' } },
]) {
  t.test(`takes a token ${name}`, async (t) => t.resolves(verifier.verify(sign(claims), expected)))
}

t.test('reads a sign-in instant alike as number and as text', async (t) => {
  const text = await verifier.verify(sign({ authinstant: '2026-11-23T08:00:00' }), expected)
  t.same(text.authenticationInstant, new Date('2026-11-23T08:00:00Z'))
})

const MILLISECONDS = NOW * 1000
for (const { name, claims, code } of [
  {
    name: 'of another federation service',
    claims: { iss: 'http://sts.fabrikam.test/adfs/services/trust' },
    code: 'issuer',
  },
  { name: 'whose issuer differs in case', claims: { iss: ISSUER.toUpperCase() }, code: 'issuer' },
  { name: 'whose issuer is a list', claims: { iss: [ISSUER] }, code: 'issuer' },
  { name: 'without issuer', claims: { iss: undefined }, code: 'issuer' },
  { name: 'for another proxy', claims: { aud: 'urn:AppProxy:org' }, code: 'audience' },
  { name: 'with a list of audiences', claims: { aud: ['urn:AppProxy:com'] }, code: 'malformed' },
  { name: 'without audience', claims: { aud: undefined }, code: 'malformed' },
  { name: 'for another application', claims: { relyingpartytrustid: OTHER_TRUST }, code: 'relying-party' },
  { name: 'without a trust', claims: { relyingpartytrustid: undefined }, code: 'relying-party' },
  { name: 'whose trust is a list', claims: { relyingpartytrustid: [TRUST] }, code: 'relying-party' },
  { name: 'whose trust is empty', claims: { relyingpartytrustid: '' }, code: 'relying-party' },
  { name: 'that expired a second past the tolerance', claims: { exp: NOW - 61 }, code: 'expired' },
  { name: 'that expires at the end of the tolerance', claims: { exp: NOW - 60 }, code: 'expired' },
  { name: 'issued later than the tolerance', claims: { iat: NOW + 61 }, code: 'not-yet-valid' },
  { name: 'not valid before the end of the tolerance', claims: { nbf: NOW + 61 }, code: 'not-yet-valid' },
  { name: 'that lives a second too long', claims: { exp: NOW - 60 + 86_401 }, code: 'lifetime' },
  { name: 'that ends before it begins', claims: { iat: NOW + 30, exp: NOW + 20, authinstant: NOW }, code: 'lifetime' },
  { name: 'whose end is in milliseconds', claims: { exp: MILLISECONDS }, code: 'lifetime' },
  {
    name: 'whose begin is in milliseconds',
    claims: { iat: MILLISECONDS, exp: MILLISECONDS + 1 },
    code: 'not-yet-valid',
  },
  { name: 'with a fraction of a second', claims: { iat: NOW - 60.5 }, code: 'malformed' },
  { name: 'without begin', claims: { iat: undefined }, code: 'malformed' },
  { name: 'whose begin is null', claims: { iat: null }, code: 'malformed' },
  { name: 'whose nbf is null', claims: { nbf: null }, code: 'malformed' },
  { name: 'whose end no Date can hold', claims: { exp: 1e15 }, code: 'malformed' },
  { name: 'signed in after it was issued', claims: { authinstant: NOW + 1 }, code: 'malformed' },
  { name: 'whose sign-in instant is no date', claims: { authinstant: '2026-13-45T00:00:00Z' }, code: 'malformed' },
  { name: 'whose sign-in instant is loose text', claims: { authinstant: 'Mon, 23 Nov 2026' }, code: 'malformed' },
  { name: 'whose sign-in instant is a numeric text', claims: { authinstant: `${NOW}` }, code: 'malformed' },
  { name: 'of version 2.0', claims: { ver: '2.0' }, code: 'malformed' },
  { name: 'of version 1', claims: { ver: '1' }, code: 'malformed' },
  { name: 'whose version is null', claims: { ver: null }, code: 'malformed' },
  { name: 'with an empty name', claims: { upn: '' }, code: 'malformed' },
  { name: 'whose name is null', claims: { upn: null }, code: 'malformed' },
  { name: 'whose name is a list', claims: { upn: ['alice@contoso.test'] }, code: 'malformed' },
  { name: 'whose name has no @', claims: { upn: 'alice' }, code: 'malformed' },
  { name: 'whose name has two @', claims: { upn: 'alice@evil@contoso.test' }, code: 'malformed' },
  { name: 'whose name has a slash', claims: { upn: 'HTTP/alice@contoso.test' }, code: 'malformed' },
  { name: 'whose name has a line feed', claims: { upn: 'alice\n@contoso.test' }, code: 'malformed' },
  { name: 'whose name has a NUL', claims: { upn: 'alice\u0000@contoso.test' }, code: 'malformed' },
  { name: 'whose name has a C1 control', claims: { upn: 'alice\u0085@contoso.test' }, code: 'malformed' },
  { name: 'whose name has half a pair', claims: { upn: 'alice\ud800@contoso.test' }, code: 'malformed' },
  { name: 'whose name is too long', claims: { upn: `${'a'.repeat(1024)}@x` }, code: 'malformed' },
  { name: 'whose resource is no address', claims: { resource: 'crm' }, code: 'malformed' },
  { name: 'whose resource is a script', claims: { resource: 'javascript:alert(1)' }, code: 'malformed' },
  { name: 'whose resource is null', claims: { resource: null }, code: 'malformed' },
  { name: 'whose session is a number', claims: { sid: 1 }, code: 'malformed' },
  { name: 'whose services are a text', claims: { kcd: 'HTTP/app' }, code: 'malformed' },
  { name: 'whose services are numbers', claims: { kcd: [1] }, code: 'malformed' },
  { name: 'whose method is a number', claims: { authmethod: 1 }, code: 'malformed' },
  { name: 'that is half of a combo', claims: { at_hash: 'abc' }, code: 'combo' },
  { name: 'whose binding is null', claims: { at_hash: null }, code: 'malformed' },
  { name: 'whose binding is empty', claims: { at_hash: '' }, code: 'malformed' },
]) {
  t.test(`refuses a token ${name}`, (t) =>
    t.rejects(verifier.verify(sign(claims), expected), { code, name: 'EdgeTokenError' }),
  )
}

const payload = JSON.stringify(goodClaims)
const twice = payload.replace('"aud"', '"aud":"urn:AppProxy:com","aud"')
for (const { name, claims } of [
  { name: 'a member twice', claims: twice },
  {
    name: 'a member twice, once with blanks before the colon',
    claims: payload.replace('"aud"', '"aud" \n :"x","aud"'),
  },
  { name: 'a member twice, once escaped', claims: payload.replace('"aud"', '"\\u0061ud":"x","aud"') },
  { name: 'a member twice further down', claims: payload.replace('{', '{"more":[{"a":1,"a":2}],') },
  { name: 'a member named __proto__', claims: payload.replace('{', '{"__proto__":{"upn":"x"},') },
  { name: 'a member named __proto__ further down', claims: payload.replace('{', '{"a":[{"\\u005f_proto__":1}],') },
  { name: 'deep nesting', claims: payload.replace('{', `{"a":${'['.repeat(3_000)}${']'.repeat(3_000)},`) },
  { name: 'an end beyond all numbers', claims: payload.replace(/"exp":\d+/, '"exp":1e400') },
  { name: 'a byte order mark', claims: `\ufeff${payload}` },
  { name: 'something behind the claims', claims: `${payload}x` },
  { name: 'nothing at all', claims: '' },
  { name: 'a list of claims', claims: `[${payload}]` },
  { name: 'a text', claims: '"claims"' },
]) {
  t.test(`refuses claims with ${name}`, (t) =>
    t.rejects(verifier.verify(signClaims(claims, signing), expected), { code: 'malformed' }),
  )
}

t.test('refuses claims that are not UTF-8', async (t) => {
  const [header, body = '', signature] = sign({}).split('.')
  const bytes = Buffer.concat([Buffer.from(body, 'base64url').subarray(0, -1), Buffer.from(',"x":"\xff"}', 'latin1')])
  await t.rejects(verifier.verify(`${header}.${bytes.toString('base64url')}.${signature}`, expected), {
    code: 'signature',
  })
})

const named = { typ: 'JWT', alg: 'RS256', x5t: signing.x5t, kid: signing.x5t }
for (const { name, header, code } of [
  { name: 'typ of an access token', header: { ...named, typ: 'at+jwt' }, code: 'malformed' },
  { name: 'typ that is no text', header: { ...named, typ: 1 }, code: 'malformed' },
  { name: 'crit', header: { ...named, crit: ['exp'], exp: NOW }, code: 'malformed' },
  { name: 'empty crit', header: { ...named, crit: [] }, code: 'malformed' },
  { name: 'b64', header: { ...named, b64: true }, code: 'malformed' },
  { name: 'zip', header: { ...named, zip: 'DEF' }, code: 'malformed' },
  { name: 'cty', header: { ...named, cty: 'JWT' }, code: 'malformed' },
  { name: 'kid that is no text', header: { ...named, kid: 1 }, code: 'malformed' },
  { name: 'x5t that is null', header: { ...named, x5t: null }, code: 'malformed' },
  { name: 'unknown kid', header: { ...named, kid: 'other' }, code: 'signature' },
  { name: 'unknown x5t', header: { ...named, x5t: other.x5t }, code: 'signature' },
  { name: 'unknown x5t#S256', header: { ...named, 'x5t#S256': 'other' }, code: 'signature' },
  { name: 'alg in lower case', header: { ...named, alg: 'rs256' }, code: 'algorithm' },
  { name: 'alg that is a list', header: { ...named, alg: ['RS256'] }, code: 'algorithm' },
  { name: 'alg that is a name of every object', header: { ...named, alg: 'toString' }, code: 'algorithm' },
  { name: 'a member twice', header: `{"alg":"none",${JSON.stringify(named).slice(1)}`, code: 'malformed' },
  { name: 'a member named __proto__', header: `{"__proto__":{},${JSON.stringify(named).slice(1)}`, code: 'malformed' },
  { name: 'no object', header: '"RS256"', code: 'malformed' },
]) {
  t.test(`refuses a header with ${name}`, (t) =>
    t.rejects(verifier.verify(signJws(header, goodClaims, signing.key), expected), { code }),
  )
}

for (const { name, header } of [
  { name: 'without typ', header: { alg: 'RS256', x5t: signing.x5t } },
  { name: 'with x5t alone', header: { typ: 'JWT', alg: 'RS256', x5t: signing.x5t } },
  { name: 'with kid alone', header: { typ: 'JWT', alg: 'RS256', kid: signing.x5t } },
  { name: 'with neither, when one key is known', header: { typ: 'JWT', alg: 'RS256' } },
  {
    name: 'with a key of its own, which is not looked at',
    header: { ...named, jwk: { kty: 'oct', k: 'AA' }, jku: 'x' },
  },
]) {
  t.test(`takes a header ${name}`, (t) =>
    t.resolves(verifier.verify(signJws(header, goodClaims, signing.key), expected)),
  )
}

t.test('with two keys known, a header must name the one that signed', async (t) => {
  const two = createEdgeTokenVerifier({
    issuer: ISSUER,
    keys: { certificates: [new X509Certificate(signing.certificate), other.certificate] },
  })
  const verify = (header: object) => two.verify(signJws(header, goodClaims, signing.key), expected)
  await t.rejects(verify({ alg: 'RS256' }), { code: 'signature' }, 'neither kid nor x5t')
  await t.rejects(verify({ alg: 'RS256', kid: other.x5t }), { code: 'signature' }, 'the other one')
  await t.rejects(
    verify({ alg: 'RS256', kid: other.x5t, x5t: signing.x5t }),
    { code: 'signature' },
    'kid and x5t differ',
  )
  await t.resolves(verify(named))
})

for (const { name, token } of [
  { name: 'no text', token: undefined },
  { name: 'an object', token: { toString: () => sign({}) } },
  { name: 'an empty text', token: '' },
  { name: 'two dots', token: '..' },
  { name: 'two parts', token: sign({}).replace(/\.[^.]+$/, '') },
  { name: 'four parts', token: `${sign({})}.x` },
  { name: 'a blank at its end', token: `${sign({})} ` },
  { name: 'a line feed at its end', token: `${sign({})}\n` },
  { name: 'padding', token: `${sign({})}==` },
  { name: 'more than 16,384 characters', token: sign({ filler: 'x'.repeat(12_000) }) },
  { name: 'characters that another alphabet has', token: sign({ filler: '\u00ff\u00ef?>~' }).replace(/[-_]/, '+') },
  { name: 'wide characters that end in the right byte', token: `\u0165${sign({}).slice(1)}` },
]) {
  t.test(`refuses ${name}`, (t) => t.rejects(verifier.verify(token as string, expected), { code: 'malformed' }))
}

t.test('refuses a signature with bits behind its last byte, or by another key', async (t) => {
  const token = sign({})
  const last = token.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const shifted = `${token.slice(0, -1)}${alphabet[alphabet.indexOf(last) + 1]}`
  t.same(Buffer.from(shifted, 'base64url'), Buffer.from(token, 'base64url'), 'a lenient decoder sees no difference')
  await t.rejects(verifier.verify(shifted, expected), { code: 'malformed' })
  await t.rejects(verifier.verify(signClaims(goodClaims, { ...other, x5t: signing.x5t }), expected), {
    code: 'signature',
  })
})

t.test('judges in the documented order, whatever else is wrong', async (t) => {
  const wrong = {
    iss: 'x',
    aud: 'x',
    relyingpartytrustid: OTHER_TRUST,
    resource: 'https://other.contoso.test/',
    exp: NOW - 9_999_999,
    upn: undefined,
  }
  const strict = { ...expected, url: 'https://crm.contoso.test/', delegateTo: 'HTTP/app.corp.test' }
  const order: [Record<string, unknown>, string][] = [
    [wrong, 'issuer'],
    [{ ...wrong, iss: ISSUER }, 'audience'],
    [{ ...wrong, iss: ISSUER, aud: goodClaims.aud }, 'relying-party'],
    [{ ...wrong, ...goodClaims, exp: wrong.exp }, 'resource'],
    [{ ...goodClaims, resource: 'https://crm.contoso.test/', exp: wrong.exp }, 'expired'],
    [{ ...goodClaims, resource: 'https://crm.contoso.test/', exp: NOW + 999_999 }, 'lifetime'],
    [{ ...goodClaims, resource: 'https://crm.contoso.test/' }, 'delegation'],
  ]
  for (const [claims, code] of order) await t.rejects(verifier.verify(sign(claims), strict), { code }, code)
  const forged = sign({ ...wrong, ver: '9' }).slice(0, -8)
  await t.rejects(verifier.verify(`${forged}AAAAAAAA`, strict), { code: 'signature' }, 'before any claim')
})

t.test('the address must lie under the resource of the token', async (t) => {
  const token = sign({ resource: 'https://crm.contoso.test/crm' })
  const at = (url: unknown) => verifier.verify(token, { ...expected, url: url as string })
  for (const url of [
    'https://crm.contoso.test/crm',
    'https://CRM.contoso.test:443/CRM/a?b=/c',
    new URL('https://crm.contoso.test./crm/'),
  ]) {
    await t.resolves(at(url), String(url))
  }
  for (const url of [
    'https://crm.contoso.test/crm2',
    'http://crm.contoso.test/crm',
    'https://crm.contoso.test:8443/crm',
    'https://other.contoso.test/crm',
    'https://crm.contoso.test/crm/../hr',
    'https://crm.contoso.test/crm/..%2fhr',
    'https://crm.contoso.test@evil.test/crm',
    '/crm',
    '',
    null,
    Number.NaN,
  ]) {
    await t.rejects(at(url), { code: 'resource' }, String(url))
  }
  const foreign = verifier.verify(sign({}), { ...expected, url: 'https://crm.contoso.test/crm' })
  await t.rejects(foreign, { code: 'resource' }, 'a token that names no resource is good for no address')
})

t.test('what is expected cannot be left out or blurred', async (t) => {
  const token = sign({})
  const verify = (changes: Record<string, unknown>) =>
    verifier.verify(token, { ...expected, ...changes } as EdgeTokenExpectations)
  for (const relyingParty of [undefined, null, '', 0, Number.NaN, [TRUST], {}]) {
    await t.rejects(verify({ relyingParty }), { code: 'relying-party' }, String(relyingParty))
  }
  for (const nothing of [undefined, null]) {
    const verify = verifier.verify as (token: string, expected: unknown) => Promise<unknown>
    const present = Math.floor(Date.now() / 1000)
    const current = sign({ iat: present, exp: present + 60, authinstant: present })
    await t.rejects(verify(current, nothing), { code: 'relying-party' }, 'nothing expected at all')
  }
  for (const currentDate of [null, Number.NaN, 0, new Date(Number.NaN), NOW * 1000, '2026-11-23']) {
    await t.rejects(verify({ currentDate }), { code: 'expired' }, `currentDate ${currentDate}`)
  }
  for (const delegateTo of [null, '', 0, Number.NaN]) {
    await t.rejects(verify({ delegateTo }), { code: 'delegation' }, `delegateTo ${delegateTo}`)
  }
})

t.test('without a date it is the present that counts', async (t) => {
  const now = Math.floor(Date.now() / 1000)
  const fresh = signClaims(claimsWith({ iat: now, exp: now + 60, authinstant: now }), signing)
  await t.resolves(verifier.verify(fresh, { relyingParty: TRUST }))
  const stale = signClaims(claimsWith({ iat: now - 7_200, exp: now - 3_600, authinstant: now - 7_200 }), signing)
  await t.rejects(verifier.verify(stale, { relyingParty: TRUST }), { code: 'expired' })
})

t.test('a token seen before is judged as strictly as a new one', async (t) => {
  const fresh = createEdgeTokenVerifier({ issuer: ISSUER, keys })
  const token = sign({ resource: 'https://crm.contoso.test/' })
  await t.resolves(fresh.verify(token, expected))
  await t.resolves(fresh.verify(token, expected), 'again')
  await t.resolves(fresh.verify(token, expected), 'and again')
  await t.rejects(fresh.verify(token, { ...expected, relyingParty: OTHER_TRUST }), { code: 'relying-party' })
  await t.rejects(fresh.verify(token, { ...expected, url: 'https://hr.contoso.test/' }), { code: 'resource' })
  await t.rejects(fresh.verify(token, { ...expected, delegateTo: 'HTTP/app' }), { code: 'delegation' })
  const later = new Date((NOW + 3_600) * 1000)
  await t.rejects(fresh.verify(token, { ...expected, currentDate: later }), { code: 'expired' })
  const forged = `${token.slice(0, 200)}${token[200] === 'A' ? 'B' : 'A'}${token.slice(201)}`
  t.equal(forged.slice(-100), token.slice(-100))
  await t.rejects(fresh.verify(forged, expected), 'one that only ends alike')
})

t.test('what one caller does to an identity, the next one does not see', async (t) => {
  const token = sign({ group: ['staff'] })
  const first = await verifier.verify(token, expected)
  first.issuedAt.setTime(0)
  t.throws(() => Object.assign(first.claims, { upn: 'mallory@contoso.test' }), TypeError)
  t.throws(() => (first.claims['group'] as string[]).push('admins'), TypeError)
  const second = await verifier.verify(token, expected)
  t.same(second.issuedAt, new Date((NOW - 60) * 1000))
  t.same(second.claims['group'], ['staff'])
})

t.test('other algorithms pass where they are named, with keys of their kind alone', async (t) => {
  const ec = await createCertificate('ec')
  const ed = await createCertificate('ed25519')
  const wide = createEdgeTokenVerifier({
    issuer: ISSUER,
    keys: { certificates: [signing.certificate, ec.certificate, ed.certificate] },
    algorithms: ['RS256', 'ES256', 'EdDSA'],
  })
  const es256 = signJws({ alg: 'ES256', x5t: ec.x5t }, goodClaims, ec.key, 'ES256')
  const eddsa = signJws({ alg: 'EdDSA', x5t: ed.x5t }, goodClaims, ed.key, 'EdDSA')
  await t.resolves(wide.verify(es256, expected))
  await t.resolves(wide.verify(eddsa, expected))
  await t.rejects(verifier.verify(es256, expected), { code: 'algorithm' })
  await t.rejects(wide.verify(signJws({ alg: 'RS256', x5t: ec.x5t }, goodClaims, ec.key, 'ES256'), expected), {
    code: 'signature',
  })
  await t.rejects(wide.verify(signJws({ alg: 'ES256', x5t: ed.x5t }, goodClaims, ed.key, 'EdDSA'), expected), {
    code: 'signature',
  })
})

t.test('messages hold no token', async (t) => {
  for (const token of [sign({ exp: 1 }), `${sign({})}.x`, sign({ aud: 'x' })]) {
    const error = await verifier.verify(token, expected).then(
      () => undefined,
      (caught: unknown) => caught,
    )
    t.type(error, EdgeTokenError)
    for (const part of token.split('.').filter((part) => part.length > 8)) t.notMatch(String(error), part)
  }
})

t.test('a wrong option is a TypeError at once', async (t) => {
  const good: EdgeTokenVerifierOptions = { issuer: ISSUER, keys }
  t.doesNotThrow(() => createEdgeTokenVerifier({ ...good, clockTolerance: 0, algorithms: ['EdDSA'], maxLifetime: 1 }))
  const wrong: Record<string, unknown[]> = {
    issuer: [undefined, null, '', 1],
    proxyIdentifier: [null, '', 0],
    clockTolerance: [null, Number.NaN, -1, 601, '60', Number.POSITIVE_INFINITY],
    maxLifetime: [null, Number.NaN, 0, -1, '1', Number.POSITIVE_INFINITY],
    algorithms: [null, [], 'RS256', ['none'], ['HS256'], ['RS384'], ['toString'], [null], ['RS256', 'none']],
    delegation: [null, {}, { services: null }, { services: 'HTTP/app' }, { services: [''] }, { services: [1] }],
    requireComboBinding: [null, 0, 'false'],
    fetch: [null, 'fetch', {}],
    keys: [
      undefined,
      null,
      {},
      'https://sts.contoso.test/',
      { jwks: { keys: [] } },
      { jwks: null },
      { certificates: [] },
      { certificates: null },
      { certificates: [null] },
      { certificates: ['no certificate'] },
      { certificates: [signing.certificate], jwks: { keys: [] } },
      { jwksUri: 'http://sts.contoso.test/jwks' },
      { jwksUri: 'sts.contoso.test' },
      { jwksUri: null },
      { jwksUri: 'https://user@sts.contoso.test/' },
      { jwksUri: 'http://localhost.evil.test/' },
      { jwksUri: 'http://127.0.0.1.evil.test/' },
      { jwksUri: 'file:///etc/keys' },
      { metadataUrl: 'http://10.0.0.1/' },
      { metadataUrl: 'http://[::2]/' },
    ],
  }
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      const options = { ...good, [option]: value } as EdgeTokenVerifierOptions
      t.throws(() => createEdgeTokenVerifier(options), { name: 'TypeError' }, `${option}: ${JSON.stringify(value)}`)
    }
  }
})

t.test('keys may come over plain http from this machine alone', async (t) => {
  for (const host of ['127.0.0.1', '127.1.2.3', '[::1]', 'localhost', 'localhost.', 'sts.contoso.localhost']) {
    t.doesNotThrow(
      () => createEdgeTokenVerifier({ issuer: ISSUER, keys: { jwksUri: `http://${host}:8080/keys` } }),
      host,
    )
  }
})
