import type { AccessTokenContent } from './access-token-content.ts'
import type { EdgeTokenContent } from './edge-token-content.ts'
import type { JwsKeys } from './json-web-signature.ts'
import type { VerificationKey } from './verification-key.ts'
import { createVerifiedCache, type VerifiedCache } from './verified-cache.ts'

/** Both halves of a combo token that were found to belong together. */
export interface VerifiedCombo {
  edge: EdgeTokenContent
  access: AccessTokenContent
  accessToken: string
}

/** The keys of a federation service at one time, and all that was found out with them. It never changes; another takes its place. */
export interface KeySet extends JwsKeys {
  /** Tells two sets with the same keys and names from two that differ. */
  readonly fingerprint: string
  readonly edgeTokens: VerifiedCache<EdgeTokenContent>
  readonly combos: VerifiedCache<VerifiedCombo>
}

/** @param keys not empty; two of one name are left to neither (RFC 7517 §4.5), unless they are one key. */
export function createKeySet(keys: readonly VerificationKey[]): KeySet {
  const distinct = [...new Map(keys.map((key) => [describe(key), key])).entries()].sort(([a], [b]) => (a < b ? -1 : 1))
  const byKid = index(distinct, (key) => key.kid)
  const byX5t = index(distinct, (key) => key.x5t)
  const byX5tS256 = index(distinct, (key) => key.x5tS256)
  const only = distinct.length === 1 ? distinct[0]?.[1] : undefined
  return {
    find({ kid, x5t, x5tS256 }) {
      const named = new Set<VerificationKey | undefined>()
      if (kid !== undefined) named.add(byKid.get(kid))
      if (x5t !== undefined) named.add(byX5t.get(x5t))
      if (x5tS256 !== undefined) named.add(byX5tS256.get(x5tS256))
      if (named.size === 0) return only
      return named.size === 1 ? [...named][0] : undefined
    },
    fingerprint: distinct.map(([description]) => description).join('\n'),
    headers: new Map(),
    edgeTokens: createVerifiedCache(),
    combos: createVerifiedCache(),
  }
}

function index(
  keys: readonly (readonly [string, VerificationKey])[],
  nameOf: (key: VerificationKey) => string | undefined,
): Map<string, VerificationKey | undefined> {
  const named = new Map<string, VerificationKey | undefined>()
  for (const [, key] of keys) {
    const name = nameOf(key)
    if (name !== undefined) named.set(name, named.has(name) ? undefined : key)
  }
  return named
}

function describe({ key, kid, x5t, x5tS256, algorithm }: VerificationKey): string {
  return JSON.stringify([kid, x5t, x5tS256, algorithm, key.export({ type: 'spki', format: 'der' }).toString('base64')])
}
