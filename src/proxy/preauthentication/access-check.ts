import { type AccessSession, openSealedSession } from '../../edge-token/access-cookie.ts'
import type { AccessCookieKey } from '../../edge-token/index.ts'
import type { FederationService, SessionQuestion } from '../federation-service.ts'
import type { PublishedApplication } from '../published-application.ts'
import { onlyValue, type RequestCookies, readCookies } from './cookie-header.ts'
import { createCookieMemory } from './cookie-memory.ts'
import type { DelegationCheck, DelegationJudgement } from './delegation-check.ts'
import type { KeyRing } from './derived-keys.ts'
import { identityHeaders } from './identity-headers.ts'
import type { PreauthenticatedIdentity } from './preauthentication.ts'
import type { Publication } from './publication.ts'

/** Access that a request has by its cookie. */
export interface Access {
  readonly identity: PreauthenticatedIdentity
  /** Headers that tell the backend who this is. */
  readonly headers: Readonly<Record<string, string>>
  /** The Cookie header without ours. */
  readonly forwarded: string | undefined
  /** Whether the person may be delegated to the backend; undefined where it asks for no delegation. */
  readonly delegation: DelegationJudgement | undefined
}

/** Why there is none; `code` is absent where there was no cookie. */
export interface NoAccess {
  readonly code?:
    | 'malformed'
    | 'signature'
    | 'expired'
    | 'ambiguous'
    | 'relying-party'
    | 'trust-disabled'
    | 'session-ended'
  readonly wapEvent?: number
}

export type AccessCheck = (
  publication: Publication,
  cookieHeader: string | undefined,
  now: Date,
) =>
  | { readonly access: Access }
  | { readonly access?: undefined; readonly why: NoAccess; readonly cookies: RequestCookies }

interface Remembered extends Access {
  readonly application: PublishedApplication
  readonly ring: readonly AccessCookieKey[]
  readonly expiresAt: number
  readonly question: SessionQuestion
}

/**
 * Makes the check of access cookies: sealed by our ring for this application and host, not at its end, its trust still
 * enabled, its session not ended. Only a single cookie of the exact name counts. Deciphering is remembered; time, trust
 * and session are looked at each time. Synchronous.
 */
export function createAccessCheck(parts: {
  keys: KeyRing
  federationService: FederationService
  delegation: DelegationCheck
}): AccessCheck {
  const { keys, federationService, delegation } = parts
  const { endedSessions } = federationService
  const remembered = createCookieMemory<Remembered>()

  function refusal(application: PublishedApplication, question: SessionQuestion): NoAccess | undefined {
    if (federationService.trust(application.trustId ?? '')?.enabled !== true) return { code: 'trust-disabled' }
    return endedSessions.isEnded(question) ? { code: 'session-ended' } : undefined
  }

  return (publication, cookieHeader, now) => {
    const { application } = publication
    if (cookieHeader !== undefined) {
      const before = remembered.get(cookieHeader)
      if (
        before !== undefined &&
        before.application === application &&
        before.ring === keys() &&
        before.expiresAt > now.getTime() &&
        refusal(application, before.question) === undefined
      )
        return { access: before }
    }
    const cookies = readCookies(cookieHeader)
    const opened = open(publication, cookies, keys, now)
    if ('why' in opened) return { why: opened.why, cookies }
    const { session } = opened
    const question = { sid: session.sessionId, upn: session.upn, issuedAt: session.issuedAt }
    const why = refusal(application, question)
    if (why !== undefined) return { why, cookies }
    const entry: Remembered = {
      application,
      ring: keys(),
      expiresAt: session.expiresAt.getTime(),
      question,
      identity: identityOf(session),
      headers: identityHeaders(application, session),
      forwarded: cookies.forwarded,
      delegation: delegation(application, session),
    }
    if (cookieHeader !== undefined) remembered.set(cookieHeader, entry)
    return { access: entry }
  }
}

function open(
  { application, accessCookie, host }: Publication,
  cookies: RequestCookies,
  keys: KeyRing,
  now: Date,
): { session: AccessSession } | { why: NoAccess } {
  const values = cookies.ours.get(accessCookie)
  if (values === undefined) return { why: {} }
  const value = onlyValue(cookies, accessCookie)
  if (value === undefined) return { why: { code: 'ambiguous', wapEvent: 12_003 } }
  // Nothing but what we write: a lenient decoder would take several spellings of one cookie.
  const form = /^1\.([\w-]{1,32})\.[\w-]+$/.exec(value)
  if (form === null) return { why: { code: 'malformed', wapEvent: 12_003 } }
  const ring = keys()
  const opened = openSealedSession(value, { keys: ring, application: application.id, host }, now.getTime())
  if (opened.kind === 'refused') {
    const { code } = opened
    const unknownKey = !ring.some(({ id }) => id === form[1])
    return { why: { code, wapEvent: code === 'expired' ? 13_015 : unknownKey ? 11_005 : 12_011 } }
  }
  const { session } = opened
  if (session.relyingPartyTrust.toLowerCase() !== application.trustId)
    return { why: { code: 'relying-party', wapEvent: 12_004 } }
  return { session }
}

function identityOf(session: AccessSession): PreauthenticatedIdentity {
  return {
    upn: session.upn,
    sid: session.sessionId,
    relyingPartyTrust: session.relyingPartyTrust,
    issuedAt: session.issuedAt,
    expiresAt: session.expiresAt,
    authenticationMethod: session.authenticationMethod,
    authenticationInstant: session.authenticationInstant,
    delegation: session.delegation,
  }
}
