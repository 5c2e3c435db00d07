import type { Access } from './access-check.ts'
import { answer, bearerChallenge } from './answers.ts'
import type { ClientKind } from './client-kind.ts'
import type { DelegationRefusal } from './delegation-check.ts'
import { removalFor } from './forgeable-headers.ts'
import type { Allowed, DelegatedIdentity, Outcome, Responded } from './preauthentication.ts'
import type { Publication } from './publication.ts'
import { type RefusalCode, refusals } from './refusal.ts'
import { addressOf, trustOf, type Visit } from './visit.ts'

/**
 * Lets a visit through as the person whom its access cookie names.
 * @param delegated in whose name the backend is to be reached, where it takes Kerberos alone.
 */
export function allow(
  { request, publication, path, query }: Visit,
  { identity, headers, forwarded }: Access,
  delegated?: DelegatedIdentity,
): Allowed {
  const { upn, relyingPartyTrust } = identity
  return {
    kind: 'allow',
    application: publication.application,
    identity,
    ...(delegated === undefined ? {} : { delegation: delegated }),
    request: {
      target: path + query,
      cookie: forwarded,
      setHeaders: headers,
      removeHeaders: removalFor(request.headers, publication.removeHeaders),
    },
    response: { setCookies: [] },
    outcome:
      upn === undefined
        ? { decision: 'access-cookie', trustId: relyingPartyTrust }
        : { decision: 'access-cookie', upn, trustId: relyingPartyTrust },
  }
}

/**
 * Refuses a sign-in: the step that failed in plain words, the request id, *Sign in again*; never a redirect, which would
 * go round for ever.
 * @param given.seconds how far apart the clocks are, for `not-yet-valid`.
 */
export function refuse(
  visit: Visit,
  code: RefusalCode,
  given: { message: string; seconds?: number; setCookies?: readonly string[] },
): Responded {
  const { message, seconds = 0, setCookies = [] } = given
  const { request, publication } = visit
  const { reason, wapEvent } = refusals[code]
  return answer(request, {
    status: 403,
    code,
    application: publication.application,
    message: (texts) => ({
      title: code === 'cookie-not-kept' ? texts.cookieTitle : texts.refusedTitle,
      lines: [texts.refusal(reason, seconds), texts.refusedAdvice],
    }),
    action: (texts) => ({ text: texts.signInAgain, href: addressOf(visit) }),
    headers: setCookies.length === 0 ? {} : { 'Set-Cookie': setCookies },
    outcome: {
      decision: 'refused',
      code,
      message,
      audit: true,
      ...(wapEvent === undefined ? {} : { wapEvent }),
      ...trustOf(publication),
    },
  })
}

/** 403: signed in, but the backend must not be reached in this person's name. */
export function refuseDelegation(
  { request, publication }: Visit,
  { identity: { upn } }: Access,
  { code, message, wapEvent }: DelegationRefusal,
): Responded {
  return answer(request, {
    status: 403,
    code,
    application: publication.application,
    message: (texts) => texts.notDelegated(code),
    outcome: {
      decision: 'refused',
      code,
      message,
      audit: true,
      ...(wapEvent === undefined ? {} : { wapEvent }),
      ...(upn === undefined ? {} : { upn }),
      ...trustOf(publication),
    },
  })
}

/** 401, for who cannot be redirected: a page that says what was not sent, or a document that says where to sign in. */
export function askForSignIn({ request, publication, path }: Visit, kind: ClientKind, outcome: Outcome): Responded {
  const signIn = `${publication.origin}${publication.ownPath}sign-in`
  return answer(request, {
    status: 401,
    kind,
    code: 'sign-in-required',
    application: publication.application,
    outcome,
    message: (texts) => texts.notSent(`${request.method.slice(0, 16)} ${path.slice(0, 200)}`),
    action: (texts) => ({ text: texts.signInNewTab, href: signIn, newTab: true }),
    problem: {
      title: 'Sign-in required',
      detail: 'There is no valid session. Open sign_in in a browser, then repeat the request.',
      sign_in: signIn,
    },
    headers: { 'WWW-Authenticate': bearerChallenge(publication, request) },
  })
}

/** 503 while the federation service's keys are not known. */
export function notReady(
  { request, publication }: Visit,
  message: string,
  setCookies: readonly string[] = [],
): Responded {
  return answer(request, {
    status: 503,
    code: 'keys-unavailable',
    application: publication.application,
    message: (texts) => texts.notReady,
    headers: { 'Retry-After': '5', ...(setCookies.length === 0 ? {} : { 'Set-Cookie': setCookies }) },
    outcome: { decision: 'not-ready', code: 'keys-unavailable', message },
  })
}

/** 414 for an address that would not survive the way to the federation service and back. */
export function addressTooLong({ request, publication }: Visit, outcome: Outcome): Responded {
  return answer(request, {
    status: 414,
    code: 'address-too-long',
    application: publication.application,
    message: (texts) => texts.addressTooLong,
    outcome: { ...outcome, code: 'address-too-long' },
  })
}

/** The answer to a CORS preflight. */
export function preflight({ application }: Publication, headers: Readonly<Record<string, string>>): Responded {
  return { kind: 'respond', status: 204, headers, body: '', application, outcome: { decision: 'preflight' } }
}
