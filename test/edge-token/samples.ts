import { type KeyObject, sign } from 'node:crypto'
import type { EdgeTokenClaims } from '../../src/edge-token/index.ts'
import type { SigningCertificate } from './signing-certificate.ts'

/** What the tests of this room agree on: one federation service, one application, one moment. */
export const ISSUER = 'http://sts.contoso.test/adfs/services/trust'
export const TRUST = '4f6c2d1e-0000-4000-8000-00000000a001'
export const OTHER_TRUST = '4f6c2d1e-0000-4000-8000-00000000b002'
/** Seconds since 1970. */
export const NOW = 1_795_420_800
export const CURRENT_DATE = new Date(NOW * 1000)

/** The claims of a good token at that moment. */
export const goodClaims = {
  ver: '1.0',
  iss: ISSUER,
  aud: 'urn:AppProxy:com',
  iat: NOW - 60,
  exp: NOW + 3_540,
  relyingpartytrustid: TRUST,
  deviceregid: '',
  authinstant: NOW - 120,
  authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
  upn: 'alice@contoso.test',
} satisfies EdgeTokenClaims

/** The same with some claims changed; `undefined` leaves one out. */
export function claimsWith(changes: Record<string, unknown>): Record<string, unknown> {
  return { ...goodClaims, ...changes }
}

const DIGESTS: Record<string, string | null> = { RS256: 'sha256', RS384: 'sha384', ES256: 'sha256', EdDSA: null }

/** Signs a JWS by the book, with nothing of what is tested. Texts are taken as they are, objects become JSON. */
export function signJws(header: object | string, payload: unknown, key: KeyObject, algorithm = 'RS256'): string {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const input = `${encode(header)}.${encode(payload)}`
  const signature = sign(DIGESTS[algorithm], Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** A token with AD FS's own header over any claims. */
export function signClaims(claims: unknown, { key, x5t }: SigningCertificate): string {
  return signJws({ typ: 'JWT', alg: 'RS256', x5t, kid: x5t }, claims, key)
}
