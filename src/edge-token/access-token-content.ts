import { isUserPrincipalName } from './edge-token.ts'
import { readDate } from './edge-token-content.ts'
import { EdgeTokenError } from './edge-token-error.ts'
import { isJsonObject, parseStrictJson } from './strict-json.ts'

/** What the edge has to know of an access token: whose it is, for what, and when. Dates are seconds since 1970. */
export interface AccessTokenContent {
  readonly issuer: unknown
  readonly audiences: readonly string[]
  readonly issuedAt: number | undefined
  readonly notBefore: number | undefined
  readonly expiresAt: number
  readonly upn: string | undefined
}

/**
 * Reads the claims of an access token that is a JWT. Does NOT verify it.
 * @throws {EdgeTokenError} `malformed`
 * @see RFC 9068 §2.2
 */
export function readAccessTokenContent(payload: Uint8Array): AccessTokenContent {
  const claims = parseStrictJson(payload, 16)
  if (!isJsonObject(claims)) throw new EdgeTokenError('malformed', "the access token's claims are not a JSON object")
  const { iss, aud, iat, nbf, exp, upn } = claims as Record<'iss' | 'aud' | 'iat' | 'nbf' | 'exp' | 'upn', unknown>
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.every((audience) => typeof audience === 'string')) {
    throw new EdgeTokenError('malformed', "the access token's aud must be a text or texts")
  }
  if (upn !== undefined && !isUserPrincipalName(upn)) {
    throw new EdgeTokenError('malformed', "the access token's upn is not a user principal name")
  }
  return {
    issuer: iss,
    audiences,
    issuedAt: iat === undefined ? undefined : readDate(iat, "the access token's iat"),
    notBefore: nbf === undefined ? undefined : readDate(nbf, "the access token's nbf"),
    expiresAt: readDate(exp, "the access token's exp"),
    upn,
  }
}
