import { createHash } from 'node:crypto'
import { decodeBase64url } from './base64url.ts'
import { EdgeTokenError } from './edge-token-error.ts'
import { isJsonObject, parseStrictJson } from './strict-json.ts'

/** The two halves of a combo token: who may pass the edge, and what the application itself asks for. */
export interface ComboHalves {
  /** The edge token, a compact JWS. */
  edgeToken: string
  /** The token for the application behind the edge, as its Authorization header will carry it. */
  accessToken: string
}

const LONGEST_COMBO = 65_536

/**
 * Joins an edge token and an access token into the one value that OAuth clients carry as their bearer token.
 * @throws {EdgeTokenError} `malformed` where a half is not a bearer token (RFC 6750 §2.1) or the whole is over 64 KiB.
 * @see [MS-ADFSPIP] 2.2.2.19
 */
export function joinComboToken({ edgeToken, accessToken }: ComboHalves): string {
  requireBearerToken(edgeToken, 'the edge token')
  requireBearerToken(accessToken, 'the access token')
  const combo = Buffer.from(JSON.stringify({ proxy_token: edgeToken, access_token: accessToken })).toString('base64url')
  if (combo.length > LONGEST_COMBO) throw new EdgeTokenError('malformed', 'the combo token is over 64 KiB')
  return combo
}

/**
 * Splits a combo token. Does NOT verify either half; that is `verifyCombo`.
 * @throws {EdgeTokenError} `malformed` for anything else: a plain JWS, over 64 KiB, not canonical base64url, a member twice,
 *   missing or unknown, a half that is not a bearer token (so no control characters get into a header).
 * @see [MS-ADFSPIP] 2.2.2.19, 3.13.5.1.2
 */
export function splitComboToken(bearer: string): ComboHalves {
  if (typeof bearer !== 'string' || bearer.length === 0 || bearer.length > LONGEST_COMBO) {
    throw new EdgeTokenError('malformed', 'a combo token is a text of 1 to 65,536 characters')
  }
  const bytes = decodeBase64url(bearer)
  if (bytes === undefined) throw new EdgeTokenError('malformed', 'the combo token is not base64url')
  const halves = parseStrictJson(bytes, 1)
  if (!isJsonObject(halves) || Object.keys(halves).length !== 2) {
    throw new EdgeTokenError('malformed', 'a combo token has the members proxy_token and access_token and no other')
  }
  const { proxy_token: edgeToken, access_token: accessToken } = halves as Record<
    'proxy_token' | 'access_token',
    unknown
  >
  requireBearerToken(edgeToken, 'proxy_token')
  requireBearerToken(accessToken, 'access_token')
  return { edgeToken, accessToken }
}

/**
 * What binds an edge token to the access token it travels with (`at_hash`): base64url of the left 16 bytes of SHA-256.
 * @see OpenID Connect Core 1.0 §3.1.3.6
 */
export function accessTokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken, 'latin1').digest().toString('base64url', 0, 16)
}

function requireBearerToken(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string' || !/^[\w.~+/-]+=*$/.test(value)) {
    throw new EdgeTokenError('malformed', `${name} is not a bearer token`)
  }
}
