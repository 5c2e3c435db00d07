import { timingSafeEqual } from 'node:crypto'
import { readAccessTokenContent } from './access-token-content.ts'
import { accessTokenHash, splitComboToken } from './combo-token.ts'
import { type EdgeIdentity, identityOf } from './edge-identity.ts'
import { DEFAULT_PROXY_IDENTIFIER } from './edge-token.ts'
import { type ContentRules, type EdgeTokenContent, readEdgeTokenContent } from './edge-token-content.ts'
import { EdgeTokenError } from './edge-token-error.ts'
import {
  type ComboExpectations,
  type EdgeTokenExpectations,
  type JudgementRules,
  judgeCombo,
  judgeEdgeToken,
} from './edge-token-judgement.ts'
import { readUnverifiedPayload, type SignatureRules, verifyJws } from './json-web-signature.ts'
import { type JwsAlgorithm, jwsAlgorithms } from './jws-algorithm.ts'
import type { DocumentFetch } from './key-document.ts'
import type { KeySet, VerifiedCombo } from './key-set.ts'
import { type KeySource, type KeySourceOptions, openKeySource } from './key-source.ts'

/**
 * The verifier: who may pass the edge. A token is judged in this order, and the first thing wrong is the code:
 *
 *     form and size → algorithm → signature → form of the claims        malformed, algorithm, signature, keys-unavailable
 *       → issuer → audience → relying party trust → resource            issuer, audience, relying-party, resource
 *       → times and lifetime → delegation                               not-yet-valid, expired, lifetime, delegation
 *
 * What the first line found is remembered for a token that passed it; the rest is judged each time.
 */

/** Whose edge tokens are taken, and how strictly. */
export interface EdgeTokenVerifierOptions {
  /** Federation service identifier, such as `http://sts.contoso.test/adfs/services/trust`; compared character by character. */
  issuer: string
  /** Where the federation service's signing keys come from. */
  keys: KeySourceOptions
  /** Identifier of the proxy's own trust, the `aud` of edge tokens; `urn:AppProxy:com` unless told. */
  proxyIdentifier?: string | undefined
  /** Default: RS256 alone. */
  algorithms?: readonly JwsAlgorithm[] | undefined
  /** Seconds that clocks may differ, 0 to 600; default 60. */
  clockTolerance?: number | undefined
  /** Seconds; a token that lives longer from `iat` to `exp` is refused. Default 86,400. */
  maxLifetime?: number | undefined
  /** Service principal names that this proxy may delegate to at all. */
  delegation?: { services: readonly string[] } | undefined
  /** Refuse combo tokens whose halves are not bound by `at_hash`, which are those of AD FS itself. Default false. */
  requireComboBinding?: boolean | undefined
  /** For metadataUrl and jwksUri; the platform's unless told. */
  fetch?: DocumentFetch | undefined
}

/** Verifies the tokens of one federation service. */
export interface EdgeTokenVerifier {
  /**
   * Verifies an edge token and says for whom it speaks. Does NOT look at ended sessions, nor at delegation unless
   * `delegateTo` is given. A token that is half of a combo (`at_hash`) is refused: alone it proves nothing.
   * @param token the JWS as it came in `authToken`.
   * @throws {EdgeTokenError} `malformed`, `algorithm`, `signature`, `issuer`, `audience`, `relying-party`, `resource`,
   *   `not-yet-valid`, `expired`, `lifetime`, `delegation`, `combo`, `keys-unavailable`
   * @see [MS-ADFSPIP] 2.2.2.18, 3.13.5.1.1
   */
  verify(token: string, expected: EdgeTokenExpectations): Promise<EdgeIdentity>
  /**
   * Verifies a combo token: the edge half as `verify` does, and that both halves belong together. Halves bound by `at_hash`
   * are one thing, signed once. Others are of a foreign federation server: then the access token is verified with the same
   * keys, for `accessTokenAudience`, and both must name the same person.
   * @param bearer the value behind `Bearer `.
   * @returns the identity, and the access token to forward.
   * @throws {EdgeTokenError} as `verify`, and `combo` for halves that do not belong together.
   * @see [MS-ADFSPIP] 2.2.2.19, 3.13.5.1.2
   */
  verifyCombo(bearer: string, expected: ComboExpectations): Promise<{ identity: EdgeIdentity; accessToken: string }>
}

/**
 * Creates a verifier. It holds nothing open; keys behind an address are fetched when first needed.
 * @throws {TypeError} for an option that is wrong.
 */
export function createEdgeTokenVerifier(options: EdgeTokenVerifierOptions): EdgeTokenVerifier {
  return openEdgeTokenVerifier(options, Date.now)
}

/** As `createEdgeTokenVerifier`, with the clock as an argument (milliseconds since 1970). */
export function openEdgeTokenVerifier(options: EdgeTokenVerifierOptions, now: () => number): EdgeTokenVerifier {
  const trust = readOptions(options, now)
  return {
    async verify(token, expected) {
      const time = readTime(expected?.currentDate, now)
      const keys = trust.source.ready() ?? (await trust.source.load())
      const content = keys.edgeTokens.find(token, time) ?? (await readEdgeToken(token, keys, trust))
      if (content.accessTokenHash !== undefined) {
        throw new EdgeTokenError('combo', 'the token is half of a combo, and was not presented as one')
      }
      judgeEdgeToken(content, expected, time, trust)
      return identityOf(content)
    },
    async verifyCombo(bearer, expected) {
      const time = readTime(expected?.currentDate, now)
      const keys = trust.source.ready() ?? (await trust.source.load())
      const combo = keys.combos.find(bearer, time) ?? (await readCombo(bearer, keys, trust))
      judgeEdgeToken(combo.edge, expected, time, trust)
      judgeCombo(combo, expected, time, trust)
      return { identity: identityOf(combo.edge), accessToken: combo.accessToken }
    },
  }
}

interface Trust extends JudgementRules, ContentRules {
  source: KeySource
  edgeRules: SignatureRules
  accessRules: SignatureRules
}

async function readEdgeToken(token: string, keys: KeySet, trust: Trust): Promise<EdgeTokenContent> {
  const { payload, verifiedWith } = await readSigned(token, keys, trust.edgeRules, trust)
  const content = readEdgeTokenContent(payload, trust)
  verifiedWith.edgeTokens.remember(token, content, content.expiresAt + trust.clockTolerance)
  return content
}

async function readCombo(bearer: string, keys: KeySet, trust: Trust): Promise<VerifiedCombo> {
  const { edgeToken, accessToken } = splitComboToken(bearer)
  const edge = await readEdgeToken(edgeToken, keys, trust)
  const payload = await readAccessToken(accessToken, edge, keys, trust)
  const combo = { edge, access: readAccessTokenContent(payload), accessToken }
  keys.combos.remember(bearer, combo, Math.min(edge.expiresAt, combo.access.expiresAt) + trust.clockTolerance)
  return combo
}

/** The claims of an access token, once it is certain that the federation service made it. */
async function readAccessToken(token: string, edge: EdgeTokenContent, keys: KeySet, trust: Trust): Promise<Buffer> {
  const named = edge.accessTokenHash
  if (named === undefined) return (await readSigned(token, keys, trust.accessRules, trust)).payload
  const computed = accessTokenHash(token)
  if (named.length !== computed.length || !timingSafeEqual(Buffer.from(named), Buffer.from(computed))) {
    throw new EdgeTokenError('combo', 'the edge token was made for another access token')
  }
  // The hash is signed, so this token needs no signature check of its own.
  return readUnverifiedPayload(token, trust.accessRules)
}

/** The payload whose signature is good, and the keys it was verified with: newer ones where these do not know the key. */
async function readSigned(
  token: string,
  keys: KeySet,
  rules: SignatureRules,
  { source }: Trust,
): Promise<{ payload: Buffer; verifiedWith: KeySet }> {
  const payload = verifyJws(token, keys, rules)
  if (payload !== undefined) return { payload, verifiedWith: keys }
  // Somebody else's refresh, or that of the other half, may have brought the key already.
  const latest = (await source.refreshed()) ?? source.ready()
  const second = latest === undefined ? undefined : verifyJws(token, latest, rules)
  if (latest === undefined || second === undefined) {
    throw new EdgeTokenError('signature', 'the header names a key that is not one of the federation service')
  }
  return { payload: second, verifiedWith: latest }
}

/** Characters of an edge token, which travels in an address, and of an access token, which travels in a header. */
const LONGEST_EDGE_TOKEN = 16_384
const LONGEST_ACCESS_TOKEN = 49_152

function readOptions(options: EdgeTokenVerifierOptions, now: () => number): Trust {
  const { issuer, proxyIdentifier = DEFAULT_PROXY_IDENTIFIER, algorithms: names = ['RS256'] } = options
  const { clockTolerance = 60, maxLifetime = 86_400, requireComboBinding = false } = options
  const { fetch = globalThis.fetch as DocumentFetch } = options
  requireText(issuer, 'issuer')
  requireText(proxyIdentifier, 'proxyIdentifier')
  requireSeconds(clockTolerance, 'clockTolerance', 0, 600)
  requireSeconds(maxLifetime, 'maxLifetime', 1, 31_536_000)
  if (typeof requireComboBinding !== 'boolean') throw new TypeError('requireComboBinding must be true or false')
  if (typeof fetch !== 'function') throw new TypeError('fetch must be a function')
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => Object.hasOwn(jwsAlgorithms, name))) {
    throw new TypeError(`algorithms must name some of ${Object.keys(jwsAlgorithms).join(', ')}`)
  }
  const algorithms: ReadonlySet<string> = new Set(names)
  return {
    issuer,
    proxyIdentifier,
    clockTolerance,
    maxLifetime,
    requireComboBinding,
    services: readServices(options.delegation),
    source: openKeySource(options.keys, { issuer, fetch, now }),
    edgeRules: { algorithms, types: ['jwt'], longest: LONGEST_EDGE_TOKEN },
    accessRules: { algorithms, types: ['jwt', 'at+jwt', 'application/at+jwt'], longest: LONGEST_ACCESS_TOKEN },
  }
}

function readServices(delegation: EdgeTokenVerifierOptions['delegation']): ReadonlySet<string> | undefined {
  if (delegation === undefined) return undefined
  const services: unknown = delegation?.services
  if (!Array.isArray(services)) throw new TypeError('delegation.services must be an array of service principal names')
  for (const service of services) requireText(service, 'each of delegation.services')
  return new Set(services.map((service: string) => service.toLowerCase()))
}

function requireText(value: unknown, option: string): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${option} must be a text`)
}

function requireSeconds(value: unknown, option: string, least: number, most: number): void {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new TypeError(`${option} must be seconds from ${least} to ${most}`)
  }
}

/** Seconds since 1970; NaN, which every judgement refuses, for what is no date. */
function readTime(currentDate: Date | undefined, now: () => number): number {
  if (currentDate === undefined) return now() / 1000
  return currentDate instanceof Date ? currentDate.getTime() / 1000 : Number.NaN
}
