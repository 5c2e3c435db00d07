import { sealAccessCookie } from '../../edge-token/access-cookie.ts'
import { type EdgeIdentity, EdgeTokenError } from '../../edge-token/index.ts'
import { urlLiesUnder } from '../../edge-token/published-url.ts'
import type { FederationService } from '../federation-service.ts'
import { setCookie } from './cookie-header.ts'
import { kerberosNameToKeep } from './delegation-check.ts'
import type { KeyRing } from './derived-keys.ts'
import { claimsForHeaders } from './identity-headers.ts'
import type { Publication } from './publication.ts'
import type { RefusalCode } from './refusal.ts'
import { sealReplyCookie } from './reply-cookie.ts'

/** How a token that came back with its sign-in cookie was judged. */
export type TokenJudgement =
  | { readonly kind: 'accepted'; readonly identity: EdgeIdentity; readonly setCookies: readonly string[] }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string; readonly seconds: number }
  /** There are no keys to judge it with. */
  | { readonly kind: 'unavailable'; readonly message: string }

/** The return of a round trip of this browser's own. */
export interface TokenReturn {
  readonly token: string
  readonly publication: Publication
  /** Absolute, without what the federation service added. */
  readonly address: string
  readonly requestId: string
  readonly now: Date
}

/**
 * Judges the token of a round trip and makes the cookies that it earns. The verifier decides signature, issuer, audience,
 * trust and times; here come the acceptance window, the request it was asked for with, the address, the trust and the
 * session as they are now.
 */
export async function judgeTokenReturn(
  { token, publication, address, requestId, now }: TokenReturn,
  parts: { keys: KeyRing; federationService: FederationService; acceptanceWindow: number },
): Promise<TokenJudgement> {
  const { keys, federationService, acceptanceWindow } = parts
  const { application, host, secure, secureContext, accessCookie, replyCookie } = publication
  const refused = (code: RefusalCode, message: string, seconds = 0): TokenJudgement => ({
    kind: 'refused',
    code,
    message,
    seconds,
  })
  const trust = federationService.trust(application.trustId ?? '')
  if (trust?.enabled !== true) return refused('trust-disabled', 'the relying party trust is disabled or gone')
  let identity: EdgeIdentity
  try {
    identity = await federationService.verifier.verify(token, { relyingParty: trust.id, currentDate: now })
  } catch (error) {
    if (!(error instanceof EdgeTokenError)) throw error
    if (error.code === 'keys-unavailable') return { kind: 'unavailable', message: error.message }
    return refused(error.code, error.message, error.code === 'not-yet-valid' ? secondsAhead(token, now) : 0)
  }
  const { claims, resource, issuedAt, expiresAt, sessionId, upn } = identity
  // A foreign AD FS names no resource; its trust id has been checked, and that is all it says.
  if (resource !== undefined && !urlLiesUnder(address, resource))
    return refused('resource', `the address is not under ${resource}`)
  if (claims['at_hash'] !== undefined) return refused('combo', 'half of a combo token is not taken from an address')
  const asked = claims['clientreqid']
  if (asked !== undefined && String(asked).toLowerCase() !== requestId.toLowerCase())
    return refused('request-id', 'the token was issued for another round trip')
  const age = (now.getTime() - issuedAt.getTime()) / 1000
  if (age > acceptanceWindow)
    return refused(
      'acceptance-window',
      `the token came back ${Math.round(age)} s after it was issued; ${acceptanceWindow} s are taken`,
    )
  if (federationService.endedSessions.isEnded({ sid: sessionId, upn, issuedAt }))
    return refused('session-ended', 'the session of the token has been ended')
  const session = {
    upn,
    relyingPartyTrust: trust.id,
    sessionId,
    issuedAt,
    expiresAt,
    authenticationMethod: identity.authenticationMethod,
    authenticationInstant: identity.authenticationInstant,
    delegation: Array.isArray(claims['kcd']) ? (claims['kcd'] as string[]) : undefined,
    headers: joined(claimsForHeaders(application, claims), kerberosNameToKeep(application, claims)),
  }
  let value: string
  try {
    value = sealAccessCookie(session, { keys: keys(), application: application.id, host })
  } catch (error) {
    if (!(error instanceof EdgeTokenError)) throw error
    return refused('cookie-too-large', error.message)
  }
  const wanted = application.persistentAccessCookieExpirationTimeSec
  const left = Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / 1000))
  const maxAge = wanted > 0 ? Math.min(wanted, left) : undefined
  const httpOnly = !application.disableHttpOnlyCookieProtection
  const setCookies = [setCookie(accessCookie, value, { secure, httpOnly, sameSite: 'Lax', maxAge })]
  if (trust.claimsAware && secureContext) {
    const twin = sealReplyCookie({ sid: sessionId, expiresAt }, { keys, application: application.id, host })
    setCookies.push(setCookie(replyCookie, twin, { secure: true, httpOnly: true, sameSite: 'None', maxAge }))
  }
  return { kind: 'accepted', identity, setCookies }
}

function joined(
  one: Record<string, string> | undefined,
  other: Record<string, string> | undefined,
): Record<string, string> | undefined {
  return other === undefined ? one : { ...one, ...other }
}

/** How far in the future a token begins. The verifier has found its signature good before it looked at the times. */
function secondsAhead(token: string, now: Date): number {
  try {
    const { iat, nbf } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const begins = Math.max(...[iat, nbf].filter((date): date is number => Number.isFinite(date)))
    return Math.max(0, Math.ceil(begins - now.getTime() / 1000))
  } catch {
    return 0
  }
}
