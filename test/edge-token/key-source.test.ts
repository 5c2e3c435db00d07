import { createPublicKey } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { openEdgeTokenVerifier } from '../../src/edge-token/edge-token-verifier.ts'
import type { DocumentFetch, EdgeTokenVerifierOptions } from '../../src/edge-token/index.ts'
import { fetchDocument } from '../../src/edge-token/key-document.ts'
import { claimsWith, ISSUER, NOW, signClaims, signJws, TRUST } from './samples.ts'
import { createCertificate, type SigningCertificate } from './signing-certificate.ts'

const first = await createCertificate()
const second = await createCertificate()
const third = await createCertificate()

const jwksOf = (...certificates: SigningCertificate[]) =>
  JSON.stringify({
    keys: certificates.map(({ certificate, x5t }) => ({
      ...createPublicKey(certificate).export({ format: 'jwk' }),
      use: 'sig',
      kid: x5t,
      x5t,
    })),
  })

/** A federation server's key address on loopback: answers what it is set to, and counts. */
async function openKeyServer(t: Test, answer: string | RequestListener) {
  const server = { answer, requests: 0, url: '' }
  const http = createServer((request, response) => {
    server.requests++
    if (typeof server.answer === 'string') response.end(server.answer)
    else server.answer(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  server.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/adfs/discovery/keys`
  t.teardown(() => {
    http.closeAllConnections()
    return new Promise((resolve) => http.close(resolve))
  })
  return server
}

/** A verifier of keys behind an address, on a clock that is set by hand. */
function openVerifier(jwksUri: string, options: Partial<EdgeTokenVerifierOptions> = {}) {
  const clock = { now: NOW * 1000 }
  const verifier = openEdgeTokenVerifier({ issuer: ISSUER, keys: { jwksUri }, ...options }, () => clock.now)
  /** Verifies a token of this very moment. */
  const verify = (signing: SigningCertificate, claims: Record<string, unknown> = {}) => {
    const now = Math.floor(clock.now / 1000)
    const token = signClaims(claimsWith({ iat: now, exp: now + 600, authinstant: now, ...claims }), signing)
    return verifier.verify(token, { relyingParty: TRUST })
  }
  const pass = (seconds: number) => {
    clock.now += seconds * 1000
  }
  return { verifier, verify, pass, clock }
}

/** Waits for what a verification started in the background: one that waits for the same request. */
const settled = () => new Promise((resolve) => setImmediate(resolve))
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settled()
}

t.test('keys are fetched when first needed, and once for all who wait', async (t) => {
  const server = await openKeyServer(t, jwksOf(first))
  const { verify } = openVerifier(server.url)
  t.equal(server.requests, 0)
  await Promise.all(Array.from({ length: 20 }, () => verify(first)))
  t.equal(server.requests, 1)
})

t.test('keys are fetched again after an hour, not before', async (t) => {
  const server = await openKeyServer(t, jwksOf(first))
  const { verify, pass } = openVerifier(server.url)
  await verify(first)
  pass(3_599)
  await verify(first)
  t.equal(server.requests, 1)
  pass(1)
  await verify(first)
  t.equal(server.requests, 2)
})

t.test('a clock that was set back makes a refresh due, and nothing worse', async (t) => {
  const server = await openKeyServer(t, jwksOf(first))
  const { verify, pass } = openVerifier(server.url)
  await verify(first)
  pass(-86_400)
  await verify(first)
  t.equal(server.requests, 2)
})

t.test('a key that is new is found at once, without a restart', async (t) => {
  const server = await openKeyServer(t, jwksOf(first))
  const { verify } = openVerifier(server.url)
  await verify(first)
  server.answer = jwksOf(first, second)
  await verify(second)
  await verify(first)
  t.equal(server.requests, 2)
})

t.test('a key that is gone is refused from the next refresh on, and what it signed with it', async (t) => {
  const server = await openKeyServer(t, jwksOf(first, second))
  const { verifier, verify, pass, clock } = openVerifier(server.url)
  const now = clock.now / 1000
  const token = signClaims(claimsWith({ iat: now, exp: now + 7_200, authinstant: now }), first)
  await verifier.verify(token, { relyingParty: TRUST })
  await verifier.verify(token, { relyingParty: TRUST })
  server.answer = jwksOf(second)
  pass(3_600)
  await t.rejects(verifier.verify(token, { relyingParty: TRUST }), { code: 'signature' }, 'also one seen before')
  await verify(second)
})

t.test('a flood of unknown keys is not passed on', async (t) => {
  const server = await openKeyServer(t, jwksOf(first))
  const { verifier, verify, pass, clock } = openVerifier(server.url)
  await verify(first)
  const flood = async () => {
    const answers = Array.from({ length: 50 }, (_, number) => {
      const header = { alg: 'RS256', kid: `unknown-${number}-${clock.now}` }
      return verifier.verify(signJws(header, claimsWith({}), third.key), { relyingParty: TRUST })
    })
    const codes = (await Promise.allSettled(answers)).map((answer) =>
      answer.status === 'rejected' ? answer.reason.code : 'passed',
    )
    t.same([...new Set(codes)], ['signature'])
  }
  await flood()
  t.equal(server.requests, 2, 'one request for all of them')
  pass(29)
  await flood()
  t.equal(server.requests, 2, 'none within 30 s')
  await verify(first)
  pass(1)
  await flood()
  t.equal(server.requests, 3)
})

t.test('a known key with a bad signature asks for nothing', async (t) => {
  const server = await openKeyServer(t, jwksOf(first, second))
  const { verify } = openVerifier(server.url)
  await verify(first)
  await t.rejects(verify({ ...third, x5t: first.x5t }), { code: 'signature' })
  t.equal(server.requests, 1)
})

t.test('the last good keys serve for seven days while the server is down', async (t) => {
  const server = await openKeyServer(t, jwksOf(first))
  const { verify, pass } = openVerifier(server.url)
  await verify(first)
  server.answer = (_, response) => response.writeHead(503).end()
  pass(3_600)
  await verify(first)
  t.equal(server.requests, 2, 'the first one waits for the attempt')
  await verify(first)
  t.equal(server.requests, 2, 'the next does not make another one')
  pass(1)
  await verify(first)
  await until(() => server.requests === 3)
  pass(6 * 86_400)
  await verify(first)
  pass(86_400)
  await t.rejects(verify(first), { code: 'keys-unavailable' })
  server.answer = jwksOf(first)
  pass(30)
  await verify(first)
})

t.test('a server that comes back is noticed', async (t) => {
  const server = await openKeyServer(t, jwksOf(first))
  const { verify, pass } = openVerifier(server.url)
  await verify(first)
  server.answer = (_, response) => response.destroy()
  pass(3_600)
  await verify(first)
  server.answer = jwksOf(second)
  const before = server.requests
  pass(30)
  await verify(first)
  await until(() => server.requests === before + 1)
  await t.resolves(verify(second))
})

t.test('without any keys a server that is down is asked again 1, 2, 4 … 30 s later', async (t) => {
  const server = await openKeyServer(t, (_, response) => response.writeHead(500).end())
  const { verify, pass } = openVerifier(server.url)
  for (const pause of [0, 1, 2, 4, 8, 16, 30, 30]) {
    const before = server.requests
    pass(pause - 0.001)
    if (pause > 0) await t.rejects(verify(first), { code: 'keys-unavailable' })
    t.equal(server.requests, before, `not before ${pause} s`)
    pass(0.001)
    await t.rejects(verify(first), { code: 'keys-unavailable', cause: { code: 'keys-unavailable' } })
    t.equal(server.requests, before + 1)
  }
  server.answer = jwksOf(first)
  pass(30)
  await t.resolves(verify(first))
})

t.test('nobody listening is keys-unavailable with its cause', async (t) => {
  const { verify } = openVerifier('http://127.0.0.1:1/keys')
  await t.rejects(verify(first), { name: 'EdgeTokenError', code: 'keys-unavailable', cause: Error })
})

for (const { name, answer } of [
  {
    name: 'a redirect',
    answer: ((_, response) => response.writeHead(302, { location: '/other' }).end()) as RequestListener,
  },
  { name: 'an error page', answer: ((_, response) => response.writeHead(404).end(jwksOf(first))) as RequestListener },
  { name: 'no JSON', answer: '<html></html>' },
  { name: 'a member twice', answer: jwksOf(first).replace('"kid"', '"kid":"x","kid"') },
  { name: 'no keys', answer: '{"keys":[]}' },
  { name: 'symmetric keys alone', answer: '{"keys":[{"kty":"oct","k":"AAAA"}]}' },
  { name: 'more than 1 MiB', answer: `{"keys":[],"filler":"${'x'.repeat(1_048_576)}"}` },
  {
    name: 'an answer that breaks off',
    answer: ((_, response) => {
      response.writeHead(200, { 'content-length': 10_000 })
      response.write('{"keys":[', () => response.destroy())
    }) as RequestListener,
  },
]) {
  t.test(`${name} is no answer, and changes nothing`, async (t) => {
    const server = await openKeyServer(t, answer)
    await t.rejects(openVerifier(server.url).verify(first), { code: 'keys-unavailable' })
    const { verify, pass } = openVerifier(server.url)
    server.answer = jwksOf(first)
    await verify(first)
    server.answer = answer
    pass(3_600)
    await t.resolves(verify(first), 'the last good keys serve on')
  })
}

t.test('an endless answer is cut off at its size', async (t) => {
  const server = await openKeyServer(t, (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', more)
    more()
  })
  await t.rejects(openVerifier(server.url).verify(first), { code: 'keys-unavailable' })
})

t.test('an answer that does not end in time is given up', async (t) => {
  const given: AbortSignal[] = []
  // Heeds no signal, as some substitutes do.
  const deaf: DocumentFetch = (_, { signal }) => {
    given.push(signal)
    return new Promise(() => {})
  }
  await t.rejects(fetchDocument('https://sts.contoso.test/keys', deaf, 1), { code: 'keys-unavailable' })
  t.equal(given[0]?.aborted, true, 'and is told so')
  const server = await openKeyServer(t, (_, response) => response.write('{"keys":['))
  await t.rejects(fetchDocument(server.url, fetch, 200), { code: 'keys-unavailable' })
})

t.test('another fetch is used where one is given', async (t) => {
  const asked: string[] = []
  const { verify } = openVerifier('https://sts.contoso.test/keys', {
    fetch: async (url, { redirect, headers }) => {
      asked.push(url, redirect, headers['accept'] ?? '')
      return new Response(jwksOf(first))
    },
  })
  await verify(first)
  t.match(asked, ['https://sts.contoso.test/keys', 'error', /json/])
})

t.test('both halves of a combo may name keys that are new', async (t) => {
  const { joinComboToken } = await import('../../src/edge-token/index.ts')
  const server = await openKeyServer(t, jwksOf(first))
  const { verifier, verify } = openVerifier(server.url)
  await verify(first)
  server.answer = jwksOf(second, third)
  const access = { iss: ISSUER, aud: 'urn:crm', exp: NOW + 600, upn: 'alice@contoso.test' }
  const combo = joinComboToken({
    edgeToken: signClaims(claimsWith({}), second),
    accessToken: signClaims(access, third),
  })
  await t.resolves(verifier.verifyCombo(combo, { relyingParty: TRUST, accessTokenAudience: 'urn:crm' }))
})
