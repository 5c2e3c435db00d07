import { verify } from 'node:crypto'
import { decodeBase64url } from './base64url.ts'
import { EdgeTokenError } from './edge-token-error.ts'
import { type JwsAlgorithm, jwsAlgorithms, suits } from './jws-algorithm.ts'
import { isJsonObject, parseStrictJson } from './strict-json.ts'
import type { VerificationKey } from './verification-key.ts'

/** The names by which a header points at a key (RFC 7515 §4.1.4, §4.1.7, §4.1.8). */
export interface KeyNames {
  kid: string | undefined
  x5t: string | undefined
  x5tS256: string | undefined
}

/** Keys to verify signatures with. */
export interface JwsKeys {
  /** The one key that all the names given point at; without any name, the only key there is. */
  find(names: KeyNames): VerificationKey | undefined
  /** Protected headers that a good signature came with: the same few come with every token. */
  readonly headers: Map<string, SigningParts>
}

/** A protected header, read: what it says about the signature. Keys that it carries or points at are not even read. */
interface JwsHeader extends KeyNames {
  algorithm: JwsAlgorithm
  /** `typ`, lower case. */
  type: string | undefined
}

/** A header together with the key it was found to mean, ready for node:crypto. */
export interface SigningParts {
  header: JwsHeader
  hash: string | null
  key: Parameters<typeof verify>[2]
}

/** What a token's signature is judged by. */
export interface SignatureRules {
  algorithms: ReadonlySet<string>
  /** Values of `typ` that pass, lower case; an absent one passes too. */
  types: readonly string[]
  /** Characters of the whole token. */
  longest: number
}

/** A token as far as no key is needed: its form is good, its algorithm allowed. */
interface JwsForm {
  token: string
  header: string
  payload: Buffer
  signature: Buffer
  signingInput: Buffer
}

const LENGTH_OF_HEADERS = 64

/**
 * Verifies a JWS in compact form, in this order: form and size, header, algorithm, signature.
 * @returns the payload's bytes; undefined where the header names a key that the set does not know (it may know it after a
 *   refresh).
 * @throws {EdgeTokenError} `malformed`, `algorithm`, `signature`
 * @see RFC 7515 §5.2, RFC 8725 §3
 */
export function verifyJws(token: string, keys: JwsKeys, rules: SignatureRules): Buffer | undefined {
  const form = readForm(token, rules)
  const known = keys.headers.get(form.header)
  const parts = known ?? findSigningParts(readHeader(form.header, rules), keys)
  if (parts === undefined) return undefined
  const { type } = parts.header
  if (type !== undefined && !rules.types.includes(type)) throw malformed(`typ must be one of ${rules.types.join(', ')}`)
  if (!isSigned(form, parts))
    throw new EdgeTokenError('signature', 'the signature is not by the key that the header names')
  if (known === undefined) {
    if (keys.headers.size >= LENGTH_OF_HEADERS) keys.headers.clear()
    keys.headers.set(form.header, parts)
  }
  return form.payload
}

/** The payload of a compact JWS that something else vouches for. Does NOT verify anything. */
export function readUnverifiedPayload(token: string, rules: SignatureRules): Buffer {
  const form = readForm(token, rules)
  readHeader(form.header, rules)
  return form.payload
}

function readForm(token: string, { longest }: SignatureRules): JwsForm {
  if (typeof token !== 'string') throw malformed('a token is a text')
  if (token.length > longest) throw malformed(`the token has ${token.length} characters, ${longest} are the most`)
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second === -1 || token.indexOf('.', second + 1) !== -1) {
    throw malformed('the token is not a JWS in compact form: three parts with dots between')
  }
  const payload = decodeBase64url(token.slice(first + 1, second))
  const signature = decodeBase64url(token.slice(second + 1))
  if (payload === undefined || signature === undefined) throw malformed('a part of the token is not base64url')
  // Every character is ASCII by now, but for the header's, which are compared or decoded before they count.
  const signingInput = Buffer.from(token.slice(0, second), 'latin1')
  return { token, header: token.slice(0, first), payload, signature, signingInput }
}

function readHeader(segment: string, { algorithms }: SignatureRules): JwsHeader {
  const bytes = decodeBase64url(segment)
  if (bytes === undefined) throw malformed('the header is not base64url')
  const header = parseStrictJson(bytes, 4)
  if (!isJsonObject(header)) throw malformed('the header is not a JSON object')
  for (const name of ['crit', 'b64', 'zip', 'cty']) {
    // RFC 7515 §4.1.11, RFC 7797 §7, RFC 7519 §5.2: none of these is understood here, so none may be ignored.
    if (Object.hasOwn(header, name)) throw malformed(`the header has ${name}`)
  }
  const { alg, typ, kid, x5t } = header as Record<'alg' | 'typ' | 'kid' | 'x5t', unknown>
  const names = { kid, x5t, x5tS256: header['x5t#S256'] }
  if (!areNames(names)) throw malformed('kid and x5t must be texts')
  if (typ !== undefined && typeof typ !== 'string') throw malformed('typ must be a text')
  if (typeof alg !== 'string' || !algorithms.has(alg)) {
    throw new EdgeTokenError('algorithm', `the algorithm must be ${[...algorithms].join(' or ')}`)
  }
  return { algorithm: alg as JwsAlgorithm, type: typ?.toLowerCase(), ...names }
}

function areNames(names: Record<keyof KeyNames, unknown>): names is KeyNames {
  return Object.values(names).every((name) => name === undefined || typeof name === 'string')
}

/** Throws for a header whose key is beyond finding, or is not for its algorithm; undefined for one not known yet. */
function findSigningParts(header: JwsHeader, keys: JwsKeys): SigningParts | undefined {
  const found: VerificationKey | undefined = keys.find(header)
  if (found === undefined) {
    if (header.kid !== undefined || header.x5t !== undefined || header.x5tS256 !== undefined) return undefined
    throw new EdgeTokenError('signature', 'the header names no key, and not exactly one is known')
  }
  const { algorithm } = header
  if (!suits(found.key, algorithm) || (found.algorithm !== undefined && found.algorithm !== algorithm)) {
    throw new EdgeTokenError('signature', `the key that the header names is not for ${algorithm}`)
  }
  const { hash, options } = jwsAlgorithms[algorithm]
  return { header, hash, key: options === undefined ? found.key : { key: found.key, ...options } }
}

function isSigned({ signingInput, signature }: JwsForm, { hash, key }: SigningParts): boolean {
  try {
    return verify(hash, signingInput, key, signature)
  } catch {
    // OpenSSL throws for some signatures that have not even the form of one.
    return false
  }
}

function malformed(message: string): EdgeTokenError {
  return new EdgeTokenError('malformed', message)
}
