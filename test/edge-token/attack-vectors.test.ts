import { readFile } from 'node:fs/promises'
import t from 'tap'
import { createEdgeTokenVerifier } from '../../src/edge-token/index.ts'

interface Vector {
  id: string
  desc: string
  expect: 'accept' | 'reject' | 'policy'
  token: string
  kind?: 'combined' | 'bearer'
}

const folder = new URL('../vectors/edge-token/', import.meta.url)
const certificate = await readFile(new URL('sts-sign.crt.pem', folder), 'utf8')
const file: { now: number; iss: string; app: string; tests: Vector[] } = JSON.parse(
  await readFile(new URL('jwt-attacks.json', folder), 'utf8'),
)

/** What is left to the verifier, decided: the code, or undefined where the token passes. */
const POLICY: Record<string, string | undefined> = {
  'J-doubleb64': 'malformed',
  'J-duphdr': 'malformed',
  'J-exp-edge': 'expired',
  'J-exp-float': 'malformed',
  'J-ver-missing': undefined,
}

/** The code that each kind of attack is told by; the longest prefix of the id counts. */
const CODES: Record<string, string> = {
  'J-none': 'algorithm',
  'J-noalg': 'algorithm',
  'J-hs': 'algorithm',
  'J-rs384': 'algorithm',
  'J-rs512': 'algorithm',
  'J-ps256': 'algorithm',
  'J-es256': 'algorithm',
  'J-rs1': 'signature',
  'J-sig': 'signature',
  'J-otherkey': 'signature',
  'J-retired': 'signature',
  'J-jwk': 'signature',
  'J-jku': 'signature',
  'J-x5': 'signature',
  'J-trail': 'signature',
  'J-exp-past': 'expired',
  'J-exp-now-301': 'expired',
  'J-exp-neg': 'expired',
  'J-nbf-fut': 'not-yet-valid',
  'J-iss': 'issuer',
  'J-aud-other': 'audience',
  'J-aud-empty': 'audience',
  'J-rp-other': 'relying-party',
  'K-badproxy': 'expired',
  'K-swap': 'audience',
}
const PASSED_OVER_FOR_SIZE = new Set(['J-kid-92', 'J-kid-93'])

const outside: string[] = []
const verifier = createEdgeTokenVerifier({
  issuer: file.iss,
  keys: { certificates: [certificate] },
  clockTolerance: 0,
  fetch: async (url) => {
    outside.push(url)
    return { status: 404, body: null }
  },
})

async function outcome({ kind, token }: Vector): Promise<string | undefined> {
  const expected = {
    relyingParty: file.app,
    accessTokenAudience: 'https://app.example.test/',
    currentDate: new Date(file.now * 1000),
  }
  try {
    await (kind === undefined ? verifier.verify(token, expected) : verifier.verifyCombo(token, expected))
    return undefined
  } catch (error) {
    t.match(error, { name: 'EdgeTokenError' })
    return (error as { code: string }).code
  }
}

function expectedCode({ id, expect }: Vector): string | undefined {
  if (expect === 'policy') return POLICY[id]
  if (expect === 'accept') return undefined
  if (id.startsWith('J-kid-') && !PASSED_OVER_FOR_SIZE.has(id)) {
    // Every other one of these is HS256 with an empty key.
    return Number(id.slice(6)) % 2 === 0 ? 'algorithm' : 'signature'
  }
  const prefix = Object.keys(CODES)
    .filter((candidate) => id.startsWith(candidate))
    .sort((a, b) => b.length - a.length)[0]
  if (id === 'J-trail-dot' || prefix === undefined) return 'malformed'
  return CODES[prefix]
}

t.test('every vector is there', async (t) => {
  t.equal(file.tests.length, 126)
  t.same(
    file.tests.filter(({ expect }) => expect === 'policy').map(({ id }) => id),
    Object.keys(POLICY),
  )
})

for (const vector of file.tests) {
  const verb = expectedCode(vector) === undefined ? 'passes' : 'refuses'
  t.test(`${verb} ${vector.id}: ${vector.desc}`, async (t) => {
    const start = process.hrtime.bigint()
    t.equal(await outcome(vector), expectedCode(vector))
    t.ok(process.hrtime.bigint() - start < 250_000_000n, 'is judged at once')
  })
}

t.test('no vector made the verifier fetch anything', async (t) => t.same(outside, []))

t.test('a token that ends this very second passes within the tolerance alone', async (t) => {
  const vector = file.tests.find(({ id }) => id === 'J-exp-edge')
  const tolerant = createEdgeTokenVerifier({ issuer: file.iss, keys: { certificates: [certificate] } })
  const expected = { relyingParty: file.app, currentDate: new Date(file.now * 1000) }
  t.match(await tolerant.verify(vector?.token ?? '', expected), { upn: 'alice@example.test' })
})
