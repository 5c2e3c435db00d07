import { readFile } from 'node:fs/promises'
import t from 'tap'
import { verifyJws } from '../../src/edge-token/json-web-signature.ts'
import { createKeySet } from '../../src/edge-token/key-set.ts'
import { keysOfJwks } from '../../src/edge-token/verification-key.ts'

interface Jwk {
  kty: string
  alg?: string
}

interface Group {
  comment: string
  public?: Jwk & { keys?: Jwk[] }
  private: Jwk & { keys?: Jwk[] }
  tests: { tcId: number; comment: string; jws: unknown; result: 'valid' | 'invalid' }[]
}

const folder = new URL('../vectors/edge-token/wycheproof/', import.meta.url)
const read = async (name: string): Promise<Group[]> =>
  JSON.parse(await readFile(new URL(name, folder), 'utf8')).testGroups

const WIDE = ['RS256', 'PS256', 'ES256', 'EdDSA']
/** Published as valid, but with a JWK whose `alg` (PS256) is not that of the header (PS384). */
const QUIRKS = new Set([346, 350])

/** Whether the signature layer takes a token with the keys of a group. */
function takes({ public: published, private: hidden }: Group, jws: unknown, algorithms: readonly string[]): boolean {
  const jwks = published ?? hidden
  const keys = keysOfJwks(jwks.keys === undefined ? { keys: [jwks] } : jwks)
  if (keys.length === 0) return false
  try {
    const rules = { algorithms: new Set(algorithms), types: ['jwt'], longest: 65_536 }
    return verifyJws(jws as string, createKeySet(keys), rules) !== undefined
  } catch (error) {
    if ((error as Error).name !== 'EdgeTokenError') throw error
    return false
  }
}

function algorithmOf({ public: published, private: hidden }: Group): string | undefined {
  const jwks = published ?? hidden
  return (jwks.keys?.[0] ?? jwks).alg
}

for (const { name, count, valid } of [
  { name: 'json_web_signature_test.json', count: 401, valid: { narrow: 8, wide: 16 } },
  { name: 'json_web_key_test.json', count: 26, valid: { narrow: 1, wide: 1 } },
]) {
  t.test(name, async (t) => {
    const groups = await read(name)
    const taken = { narrow: 0, wide: 0 }
    let tests = 0
    for (const group of groups) {
      for (const { tcId, comment, jws, result } of group.tests) {
        tests++
        const algorithm = algorithmOf(group) ?? ''
        const isGood = result === 'valid' && !QUIRKS.has(tcId)
        const narrow = takes(group, jws, ['RS256'])
        const wide = takes(group, jws, WIDE)
        if (narrow) taken.narrow++
        if (wide) taken.wide++
        t.equal(narrow, isGood && algorithm === 'RS256', `${tcId} ${group.comment} ${comment}, RS256 alone`)
        t.equal(wide, isGood && WIDE.includes(algorithm), `${tcId} ${group.comment} ${comment}, every algorithm`)
      }
    }
    t.equal(tests, count)
    t.same(taken, valid)
  })
}
