import { createHash, createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type JwsAlgorithm, jwsAlgorithms, suits } from './jws-algorithm.ts'
import { isJsonObject } from './strict-json.ts'

/**
 * A public key that tokens may be signed with, and the names it goes by. Keys that nobody should sign with, or that say
 * they are for something else, never become one: they are left out, and tokens made with them fail.
 */
export interface VerificationKey {
  readonly key: KeyObject
  readonly kid: string | undefined
  /** base64url of the SHA-1 of the certificate. */
  readonly x5t: string | undefined
  /** base64url of the SHA-256 of the certificate. */
  readonly x5tS256: string | undefined
  /** The one algorithm that its owner meant it for, where that was said. */
  readonly algorithm: JwsAlgorithm | undefined
}

/** The key of a certificate; it goes by its thumbprint. Whoever publishes a certificate vouches for it: its dates do not count. */
export function keyOfCertificate(certificate: X509Certificate): VerificationKey | undefined {
  const key = readPublicKey(() => certificate.publicKey)
  if (key === undefined || !isSound(key)) return undefined
  const { x5t, x5tS256 } = thumbprints(certificate)
  return { key, kid: x5t, x5t, x5tS256, algorithm: undefined }
}

/**
 * The keys of a JWK Set that edge tokens may be signed with (RFC 7517). Left out: symmetric keys; `use` other than sig;
 * `key_ops` without verify; an `alg` that is none of ours; an `x5c` or `x5t` of another key; weak keys; and every key
 * whose `kid` or `x5t` another one of the set has too, since such a name says nothing.
 */
export function keysOfJwks(jwks: unknown): VerificationKey[] {
  const { keys } = (isJsonObject(jwks) ? jwks : {}) as { keys?: unknown }
  if (!Array.isArray(keys)) return []
  const objects = keys.filter(isJsonObject)
  const names = objects.flatMap(namesOf)
  const ambiguous = new Set(names.filter((name, at) => names.indexOf(name) !== at))
  return objects
    .filter((jwk) => !namesOf(jwk).some((name) => ambiguous.has(name)))
    .flatMap((jwk) => keyOfJwk(jwk) ?? [])
}

function namesOf({ kid, x5t }: { kid?: unknown; x5t?: unknown }): string[] {
  return [...(kid === undefined ? [] : [`kid ${kid}`]), ...(x5t === undefined ? [] : [`x5t ${x5t}`])]
}

function keyOfJwk(jwk: Record<string, unknown>): VerificationKey | undefined {
  const { kty, use, key_ops, alg, kid } = jwk as Record<'kty' | 'use' | 'key_ops' | 'alg' | 'kid', unknown>
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return undefined
  if (use !== undefined && use !== 'sig') return undefined
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))) return undefined
  if (kid !== undefined && typeof kid !== 'string') return undefined
  const { n, e, crv, x, y } = jwk as JsonWebKey
  const key = readPublicKey(() => createPublicKey({ key: { kty, n, e, crv, x, y } as JsonWebKey, format: 'jwk' }))
  if (key === undefined || !isSound(key)) return undefined
  const algorithm = readAlgorithm(alg)
  if (alg !== undefined && (algorithm === undefined || !suits(key, algorithm))) return undefined
  const certified = readThumbprints(jwk, key)
  // Without a kid a key goes by its certificate, as it does in metadata.
  return certified && { key, kid: kid ?? certified.x5t, algorithm, ...certified }
}

/** The thumbprints that a JWK gives, or that follow from its certificate; undefined where the two, or the keys, differ. */
function readThumbprints(jwk: Record<string, unknown>, key: KeyObject): Thumbprints | undefined {
  const { x5t, x5c } = jwk as { x5t?: unknown; x5c?: unknown }
  const x5tS256 = jwk['x5t#S256']
  if (x5t !== undefined && typeof x5t !== 'string') return undefined
  if (x5tS256 !== undefined && typeof x5tS256 !== 'string') return undefined
  if (x5c === undefined) return { x5t, x5tS256 }
  const first: unknown = Array.isArray(x5c) ? x5c[0] : undefined
  if (typeof first !== 'string') return undefined
  try {
    const certificate = new X509Certificate(Buffer.from(first, 'base64'))
    const computed = thumbprints(certificate)
    if (!certificate.publicKey.equals(key)) return undefined
    if ((x5t ?? computed.x5t) !== computed.x5t || (x5tS256 ?? computed.x5tS256) !== computed.x5tS256) return undefined
    return computed
  } catch {
    return undefined
  }
}

interface Thumbprints {
  x5t: string | undefined
  x5tS256: string | undefined
}

function thumbprints(certificate: X509Certificate): Thumbprints {
  const digest = (name: string) => createHash(name).update(certificate.raw).digest('base64url')
  return { x5t: digest('sha1'), x5tS256: digest('sha256') }
}

function readAlgorithm(alg: unknown): JwsAlgorithm | undefined {
  return typeof alg === 'string' && Object.hasOwn(jwsAlgorithms, alg) ? (alg as JwsAlgorithm) : undefined
}

function readPublicKey(read: () => KeyObject): KeyObject | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Large enough, not too large to compute with, and made by a generator that is not known to be broken. */
function isSound(key: KeyObject): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type !== 'rsa' && type !== 'rsa-pss') return suits(key, 'ES256') || suits(key, 'EdDSA')
  const { modulusLength = 0, publicExponent = 1n } = details ?? {}
  if (modulusLength < 2048 || modulusLength > 16_384) return false
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent >= 1n << 64n) return false
  return type === 'rsa-pss' || !hasRocaFingerprint(key)
}

const SMALL_PRIMES = [
  3n,
  5n,
  7n,
  11n,
  13n,
  17n,
  19n,
  23n,
  29n,
  31n,
  37n,
  41n,
  43n,
  47n,
  53n,
  59n,
  61n,
  67n,
  71n,
  73n,
  79n,
  83n,
  89n,
  97n,
  101n,
  103n,
  107n,
  109n,
  113n,
  127n,
  131n,
  137n,
  139n,
  149n,
  151n,
  157n,
  163n,
  167n,
]

/**
 * CVE-2017-15361: the primes of that generator are 65537^a modulo the product of small primes, so the modulus is a power
 * of 65537 modulo every one of them. Of other moduli one in 2^27 is.
 */
function hasRocaFingerprint(key: KeyObject): boolean {
  const { n = '' } = key.export({ format: 'jwk' })
  const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`)
  return SMALL_PRIMES.every((prime) => isPowerOf65537(modulus % prime, prime))
}

function isPowerOf65537(residue: bigint, prime: bigint): boolean {
  const generator = 65_537n % prime
  let power = 1n
  do {
    if (power === residue) return true
    power = (power * generator) % prime
  } while (power !== 1n)
  return false
}
