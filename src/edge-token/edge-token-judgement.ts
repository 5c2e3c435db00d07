import type { AccessTokenContent } from './access-token-content.ts'
import type { EdgeTokenContent } from './edge-token-content.ts'
import { EdgeTokenError, type EdgeTokenErrorCode } from './edge-token-error.ts'

/**
 * What is judged of a token each time, its signature known to be good. Every comparison is written so that what is no
 * number, no date or not there at all refuses.
 */

/** What a token must be good for. */
export interface EdgeTokenExpectations {
  /** objectIdentifier of the application's trust, without regard to case: the audience check. */
  relyingParty: string
  /** Refuse unless this address lies under the token's `resource`; a token without `resource` is then refused too. */
  url?: string | URL | undefined
  /** Refuse unless the identity may be delegated to this service principal name. */
  delegateTo?: string | undefined
  /** The present unless told. */
  currentDate?: Date | undefined
}

/** What a combo token must be good for. */
export interface ComboExpectations extends EdgeTokenExpectations {
  /** Identifiers of the application's trust: `aud` of the access token must be one. Needed for halves that are not bound by `at_hash`. */
  accessTokenAudience?: string | readonly string[] | undefined
  /** Take a combo without any user principal name: it speaks for an application, not for a person. Default false. */
  allowAppOnly?: boolean | undefined
  /** As in the verifier's options; true in either place refuses. */
  requireComboBinding?: boolean | undefined
}

/** What of the verifier's options a judgement depends on. */
export interface JudgementRules {
  issuer: string
  proxyIdentifier: string
  /** Seconds. */
  clockTolerance: number
  /** Seconds. */
  maxLifetime: number
  requireComboBinding: boolean
}

/**
 * Judges an edge token's claims: issuer, audience, relying party trust, resource, times, lifetime, delegation, in this order.
 * @param now seconds since 1970; NaN refuses.
 * @throws {EdgeTokenError} with the first that is wrong.
 */
export function judgeEdgeToken(
  content: EdgeTokenContent,
  expected: EdgeTokenExpectations | undefined,
  now: number,
  rules: JudgementRules,
): void {
  const { issuer, audience, relyingPartyTrust, resource, delegation } = content
  if (issuer !== rules.issuer) refuse('issuer', `the token is not issued by ${rules.issuer}`)
  if (audience !== rules.proxyIdentifier) refuse('audience', `the token is not for ${rules.proxyIdentifier}`)
  const { relyingParty, url, delegateTo } = expected ?? { relyingParty: undefined }
  if (relyingPartyTrust === '' || !isSameName(relyingParty, relyingPartyTrust)) {
    refuse('relying-party', `the token is not for the relying party trust ${String(relyingParty)}`)
  }
  if (url !== undefined && resource?.covers(url) !== true) {
    refuse(
      'resource',
      resource === undefined ? 'the token names no resource' : `the address is not under ${resource.text}`,
    )
  }
  judgeTimes(content, now, rules, 'the token')
  const lifetime = content.expiresAt - content.issuedAt
  if (!(lifetime > 0 && lifetime <= rules.maxLifetime)) {
    refuse('lifetime', `the token lives ${lifetime} s, more than 0 and at most ${rules.maxLifetime} are taken`)
  }
  if (delegateTo !== undefined && !delegation.permits(delegateTo)) {
    refuse('delegation', `the identity may not be delegated to ${String(delegateTo)}`)
  }
}

/**
 * Judges that the halves of a combo token belong together, and the claims of its access token.
 * @throws {EdgeTokenError} `combo`, `issuer`, `audience`, `not-yet-valid`, `expired`
 */
export function judgeCombo(
  { edge, access }: { edge: EdgeTokenContent; access: AccessTokenContent },
  expected: ComboExpectations,
  now: number,
  rules: JudgementRules,
): void {
  const { accessTokenAudience, allowAppOnly = false, requireComboBinding = false } = expected
  const audiences = typeof accessTokenAudience === 'string' ? [accessTokenAudience] : accessTokenAudience
  if (edge.accessTokenHash === undefined) {
    if (edge.sessionId !== undefined) refuse('combo', "the edge token is a browser's, not half of a combo")
    if (rules.requireComboBinding || requireComboBinding !== false)
      refuse('combo', 'the halves are not bound by at_hash')
    if (access.issuer !== rules.issuer) refuse('issuer', `the access token is not issued by ${rules.issuer}`)
    if (audiences === undefined)
      refuse('combo', 'accessTokenAudience is needed to tell that the halves are for one application')
  }
  if (
    audiences !== undefined &&
    !(Array.isArray(audiences) && access.audiences.some((name) => audiences.includes(name)))
  ) {
    refuse('audience', 'the access token is not for this application')
  }
  judgeTimes(access, now, rules, 'the access token')
  if (edge.upn === undefined && access.upn === undefined) {
    if (allowAppOnly !== true) refuse('combo', 'the token speaks for no person, and allowAppOnly is not set')
  } else if (edge.upn === undefined || access.upn === undefined || !isSameName(edge.upn, access.upn)) {
    refuse('combo', 'the halves are not for one person')
  }
}

function judgeTimes(
  content: { issuedAt: number | undefined; notBefore: number | undefined; expiresAt: number },
  now: number,
  { clockTolerance }: JudgementRules,
  name: string,
): void {
  if (Number.isNaN(now)) refuse('expired', 'currentDate is not a valid Date, so nothing is valid')
  for (const start of [content.issuedAt, content.notBefore]) {
    if (start !== undefined && !(start <= now + clockTolerance)) {
      refuse('not-yet-valid', `${name} is not valid for another ${Math.ceil(start - now)} s`)
    }
  }
  // RFC 7519 §4.1.4: at `exp` itself it has expired.
  if (!(now < content.expiresAt + clockTolerance)) {
    refuse('expired', `${name} has been expired for ${Math.floor(now - content.expiresAt)} s`)
  }
}

/** Trust ids and user principal names are compared without regard to case. */
function isSameName(one: unknown, other: string): boolean {
  return one === other || (typeof one === 'string' && one.toLowerCase() === other.toLowerCase())
}

function refuse(code: EdgeTokenErrorCode, message: string): never {
  throw new EdgeTokenError(code, message)
}
