import { createPrivateKey, createPublicKey, KeyObject, sign, X509Certificate } from 'node:crypto'
import { EdgeTokenError } from './edge-token-error.ts'
import { type JwsAlgorithm, jwsAlgorithms, suits } from './jws-algorithm.ts'

/**
 * The edge token: a JWS that a federation server gives to a browser for one published application, and that the proxy in
 * front of it checks. Its claims are those of AD FS ([MS-ADFSPIP] 2.2.2.18) and a few of our own, none of which weakens a
 * check where it is absent.
 */

/** The claims of an edge token as they are written. `aud`, `ver`, `iat` and `exp` are filled in where absent. */
export interface EdgeTokenClaims {
  /** Federation service identifier. */
  iss: string
  /** objectIdentifier of the application's relying party trust. */
  relyingpartytrustid: string
  /** Identifier of the proxy's own trust; `urn:AppProxy:com` unless told. */
  aud?: string | undefined
  /** Seconds since 1970; the present unless told. The token ends a lifetime later. */
  iat?: number | undefined
  nbf?: number | undefined
  upn?: string | undefined
  /** When the person signed in, seconds since 1970. */
  authinstant?: number | undefined
  /** How, as a URI. */
  authmethod?: string | undefined
  deviceregid?: string | undefined
  /** External URL prefix that the token is good for. */
  resource?: string | undefined
  /** Public id of the sign-in session. */
  sid?: string | undefined
  /** Services that the identity may be delegated to, each a `delegationDigest`. Empty: none. */
  kcd?: readonly string[] | undefined
  /** Binds an access token to the edge half of a combo, an `accessTokenHash`. */
  at_hash?: string | undefined
  /** Request id of the round trip that asked for the token. */
  clientreqid?: string | undefined
  /** Further claims, as the issuance rules of the trust have them. */
  [claim: string]: unknown
}

/** How an edge token is signed. */
export interface EdgeTokenSigning {
  /** The private key; a KeyObject made once, or PEM. */
  key: KeyObject | string | Uint8Array
  /** The certificate that federation metadata publishes for it; PEM, DER or parsed. */
  certificate: X509Certificate | string | Uint8Array
  /** Default: RS256, ES256 or EdDSA, whichever the key is for. */
  algorithm?: JwsAlgorithm | undefined
  /** Seconds from `iat` to `exp`, 1 to 86,400; default 3600. */
  lifetime?: number | undefined
}

export const DEFAULT_PROXY_IDENTIFIER = 'urn:AppProxy:com'

/**
 * Issues an edge token. The header names the certificate by `x5t` and, with the same value, by `kid`.
 * Claims that are undefined are left out; the signature is made in the thread pool.
 * @returns the JWS in compact form, as it goes into `authToken`.
 * @throws {EdgeTokenError} `malformed` for claims that no verifier would take: a user principal name, a date, a trust id or
 *   an issuer that is none.
 * @throws {TypeError} for an option that is wrong: lifetime, algorithm, a key that is not the certificate's.
 * @see [MS-ADFSPIP] 2.2.2.18
 */
export async function issueEdgeToken(claims: EdgeTokenClaims, signing: EdgeTokenSigning): Promise<string> {
  const { lifetime = 3_600 } = signing
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > 86_400) {
    throw new TypeError('lifetime must be whole seconds from 1 to 86,400')
  }
  const signer = openSigner(signing)
  const { iat = Math.floor(Date.now() / 1000), aud = DEFAULT_PROXY_IDENTIFIER } = claims
  const written = { deviceregid: '', ...claims, ver: '1.0', aud, iat, exp: iat + lifetime }
  requireIssuable(written)
  const payload = Buffer.from(JSON.stringify(written), 'utf8').toString('base64url')
  const signingInput = `${signer.header}.${payload}`
  const signature = await signer.sign(Buffer.from(signingInput, 'latin1'))
  return `${signingInput}.${signature.toString('base64url')}`
}

/**
 * The form of a user principal name: one `@` with something on both sides, 1 to 1024 characters, no `/`, no control
 * character, no half of a surrogate pair.
 */
export function isUserPrincipalName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= 1024 &&
    /^[^@/\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+@[^@/\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+$/u.test(value)
  )
}

function requireIssuable(claims: EdgeTokenClaims): void {
  const { iss, relyingpartytrustid, aud, upn } = claims
  for (const [name, value] of Object.entries({ iss, relyingpartytrustid, aud })) {
    if (typeof value !== 'string' || value === '') throw new EdgeTokenError('malformed', `${name} must be a text`)
  }
  for (const name of ['iat', 'nbf', 'authinstant']) {
    const date = claims[name]
    if (date !== undefined && !Number.isSafeInteger(date)) {
      throw new EdgeTokenError('malformed', `${name} must be whole seconds since 1970`)
    }
  }
  if (upn !== undefined && !isUserPrincipalName(upn)) {
    throw new EdgeTokenError('malformed', 'upn must be a user principal name: one @, no / and no control character')
  }
}

interface Signer {
  /** The protected header, encoded. */
  header: string
  sign(signingInput: Uint8Array): Promise<Buffer>
}

/** A key that is handed in as an object again and again is parsed and matched with its certificate once. */
const signers = new WeakMap<KeyObject, Map<string, Signer>>()

function openSigner({ key, certificate, algorithm }: EdgeTokenSigning): Signer {
  if (!(key instanceof KeyObject)) return createSigner(parsePrivateKey(key), certificate, algorithm)
  const name = `${algorithm ?? ''}|${certificate instanceof X509Certificate ? certificate.fingerprint256 : certificate}`
  let known = signers.get(key)
  if (known === undefined) {
    known = new Map()
    signers.set(key, known)
  }
  let signer = known.get(name)
  if (signer === undefined) {
    signer = createSigner(key, certificate, algorithm)
    known.clear()
    known.set(name, signer)
  }
  return signer
}

function createSigner(key: KeyObject, certificate: EdgeTokenSigning['certificate'], algorithm?: JwsAlgorithm): Signer {
  if (key.type !== 'private') throw new TypeError('key must be a private key')
  const x509 = certificate instanceof X509Certificate ? certificate : parseCertificate(certificate)
  if (!x509.checkPrivateKey(key)) throw new TypeError('key is not the key of the certificate')
  const alg = algorithm ?? (['RS256', 'ES256', 'EdDSA'] as const).find((name) => suits(createPublicKey(key), name))
  if (alg === undefined || !Object.hasOwn(jwsAlgorithms, alg) || !suits(createPublicKey(key), alg)) {
    throw new TypeError('algorithm must be one that the key is for: RS256, PS256, ES256 or EdDSA')
  }
  const thumbprint = Buffer.from(x509.fingerprint.replaceAll(':', ''), 'hex').toString('base64url')
  const header = Buffer.from(JSON.stringify({ typ: 'JWT', alg, x5t: thumbprint, kid: thumbprint })).toString(
    'base64url',
  )
  const { hash, options } = jwsAlgorithms[alg]
  return {
    header,
    sign: (signingInput) =>
      new Promise((resolve, reject) => {
        sign(hash, signingInput, options === undefined ? key : { key, ...options }, (error, signature) =>
          error ? reject(error) : resolve(signature),
        )
      }),
  }
}

function parsePrivateKey(key: string | Uint8Array): KeyObject {
  try {
    return createPrivateKey(typeof key === 'string' ? key : Buffer.from(key))
  } catch (cause) {
    throw new TypeError('key must be a private key in PEM', { cause })
  }
}

function parseCertificate(certificate: string | Uint8Array): X509Certificate {
  try {
    return new X509Certificate(certificate)
  } catch (cause) {
    throw new TypeError('certificate must be PEM or DER', { cause })
  }
}
