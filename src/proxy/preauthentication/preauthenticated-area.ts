import type { NormalisedTarget } from '../../edge-token/published-url.ts'
import type { FederationService } from '../federation-service.ts'
import { type Access, createAccessCheck, type NoAccess } from './access-check.ts'
import { answer, redirect } from './answers.ts'
import { challengeFor, clientKind, headerText } from './client-kind.ts'
import { deleteCookie, onlyValue, type RequestCookies, readCookies } from './cookie-header.ts'
import { preflightHeaders } from './cross-origin.ts'
import type { DelegationCheck } from './delegation-check.ts'
import type { KeyRing } from './derived-keys.ts'
import { isFederationReply } from './federation-reply.ts'
import { removalFor } from './forgeable-headers.ts'
import type { Allowed, Outcome, PlainRequest, Preauthentication, Responded } from './preauthentication.ts'
import type { Publication } from './publication.ts'
import { openReplyCookie } from './reply-cookie.ts'
import { issueRequestId, type RequestId, readRequestId } from './request-id.ts'
import { cutRoundTrip, type RoundTripParameters } from './return-address.ts'
import { createSeenRoundTrips } from './seen-round-trips.ts'
import { beginSignIn, findSignIn, keepsCookies, SIGN_IN_LIFETIME } from './sign-in-cookie.ts'
import { signInAddress } from './sign-in-request.ts'
import { judgeTokenReturn } from './token-return.ts'
import { addressOf, trustOf, type Visit } from './visit.ts'
import { addressTooLong, allow, askForSignIn, notReady, preflight, refuse, refuseDelegation } from './visit-answers.ts'

/** The longest Location that servers and browsers on the way are known to take, both sides being set to 32 kB of headers. */
const LONGEST_LOCATION = 30_000
/** Attempts in a row whose answers come without our cookie: at the second it is the browser. */
const ATTEMPTS = 2
/** How fresh word from the federation service must be for a silent renewal; milliseconds. */
const HEARD_WITHIN = 30_000

/**
 * Decides about requests for applications with preauthentication.
 *
 *     no access ──▶ person, GET or HEAD: 307 to the federation service, with a sign-in cookie ──▶ … comes back with a token
 *        │          person, other method: page; program: problem document
 *        └─ token in the address: (a) without its sign-in cookie: cut out, never looked at
 *                                 (b) with it: judged, once; accepted: access cookie and 307 to the clean address
 *                                                            refused: a page that says why, never another redirect
 */
export function createPreauthenticatedArea(parts: {
  keys: KeyRing
  federationService: FederationService
  acceptanceWindow: number
  delegation: DelegationCheck
}) {
  const { keys, federationService } = parts
  const check = createAccessCheck(parts)
  const isFirstReturn = createSeenRoundTrips()

  return (
    request: PlainRequest,
    publication: Publication,
    { path, query }: NormalisedTarget,
  ): Preauthentication | Promise<Preauthentication> => {
    const now = request.currentDate ?? new Date()
    const visit: Visit = { request, publication, path, query, now }
    if (request.method === 'OPTIONS') {
      const headers = preflightHeaders(request, publication)
      if (headers !== undefined) return preflight(publication, headers)
    }
    const cookieHeader = headerText(request.headers['cookie'])
    const checked = check(publication, cookieHeader, now)
    const returned = query === '' ? undefined : cutRoundTrip(query)
    if (returned !== undefined) {
      const cookies = checked.access === undefined ? checked.cookies : readCookies(cookieHeader)
      return judgeReturn({ ...visit, query: returned.query }, returned, cookies, checked.access)
    }
    const { ownPath } = publication
    if (path.length >= ownPath.length && path.slice(0, ownPath.length).toLowerCase() === ownPath.toLowerCase())
      return ownPage(visit, checked.access, checked.access === undefined ? checked.cookies : undefined)
    if (checked.access !== undefined) {
      if (isDueForRenewal(visit, checked.access))
        return beginRoundTrip(visit, readCookies(cookieHeader), { decision: 'renewal' })
      return enter(visit, checked.access)
    }
    const { cookies, why } = checked
    if (request.method === 'POST') {
      const reply = federationReply(visit, cookies)
      if (reply !== undefined) return reply
    }
    return challenge(visit, cookies, why)
  }

  function enter(visit: Visit, access: Access): Preauthentication {
    const { delegation } = access
    return delegation?.kind === 'refused'
      ? refuseDelegation(visit, access, delegation.refusal)
      : allow(visit, access, delegation?.delegated)
  }

  function judgeReturn(
    visit: Visit,
    returned: RoundTripParameters,
    cookies: RequestCookies,
    access: Access | undefined,
  ): Responded | Promise<Responded> {
    const { request, publication, now } = visit
    const { application, host } = publication
    const address = addressOf(visit)
    const safe = request.method === 'GET' || request.method === 'HEAD'
    const requestId = readRequestId(returned.requestId, keys, host)
    if (safe && requestId !== undefined && returned.token !== undefined) {
      const roundTrip = { requestId, application: application.id, returnAddress: address }
      const cookie = findSignIn(roundTrip, { keys, host, cookies, now })
      if (cookie !== undefined && isFirstReturn(requestId.text, now))
        return finishRoundTrip(visit, address, returned.token, requestId, cookie)
    }
    const outcome: Outcome = {
      decision: 'token-discarded',
      message: 'the token came without the sign-in cookie it belongs to',
    }
    if (access !== undefined) return redirect(address, { application, outcome })
    if (!safe) return refuse(visit, 'stray-token', { message: outcome.message ?? '' })
    const recent = requestId !== undefined && now.getTime() - requestId.issuedAt.getTime() <= SIGN_IN_LIFETIME * 1000
    const lost = recent && !keepsCookies(cookies)
    if (lost && requestId.attempt >= ATTEMPTS)
      return refuse(visit, 'cookie-not-kept', {
        message: `attempt ${requestId.attempt} came back without any sign-in cookie`,
      })
    return challenge(visit, cookies, {}, lost ? requestId.attempt + 1 : 1)
  }

  async function finishRoundTrip(
    visit: Visit,
    address: string,
    token: string,
    requestId: RequestId,
    cookie: string,
  ): Promise<Responded> {
    const { publication, now } = visit
    const { application, secure } = publication
    const over = deleteCookie(cookie, secure)
    const judgement = await judgeTokenReturn({ token, publication, address, requestId: requestId.text, now }, parts)
    if (judgement.kind === 'unavailable') return notReady(visit, judgement.message, [over])
    if (judgement.kind === 'refused') {
      const { code, message, seconds } = judgement
      return refuse(visit, code, { message, seconds, setCookies: [over] })
    }
    const { upn } = judgement.identity
    return redirect(address, {
      application,
      setCookies: [over, ...judgement.setCookies],
      outcome: { decision: 'signed-in', audit: true, ...(upn === undefined ? {} : { upn }), ...trustOf(publication) },
    })
  }

  function challenge(visit: Visit, cookies: RequestCookies, why: NoAccess, attempt = 1): Responded {
    const { request, publication } = visit
    const { application } = publication
    if (federationService.trust(application.trustId ?? '')?.enabled !== true)
      return refuse(visit, 'trust-disabled', { message: 'the relying party trust is disabled or gone' })
    if (!federationService.ready()) return notReady(visit, 'the keys of the federation service are not known yet')
    const outcome: Outcome = { decision: 'sign-in-required', ...why, ...trustOf(publication) }
    const kind = clientKind(request)
    const given = challengeFor(kind, request.method)
    if (given === 'redirect') return beginRoundTrip(visit, cookies, outcome, attempt)
    return askForSignIn(visit, kind, outcome)
  }

  function beginRoundTrip(
    visit: Visit,
    cookies: RequestCookies,
    outcome: Outcome,
    attempt = 1,
    address = addressOf(visit),
  ): Responded {
    const { publication, now } = visit
    const { application, host, secure, accessCookie } = publication
    const requestId = issueRequestId(keys, { host, attempt, now })
    const location = signInAddress(federationService.signInUrl(), {
      proxyIdentifier: federationService.proxyIdentifier,
      trustId: application.trustId ?? '',
      returnAddress: address,
      requestId: requestId.text,
    })
    if (location.length > LONGEST_LOCATION) return addressTooLong(visit, outcome)
    const roundTrip = { requestId, application: application.id, returnAddress: address }
    const setCookies = beginSignIn(roundTrip, { keys, host, secure, cookies })
    // Two of them: one was set from elsewhere, for a parent domain, and would stand in the way for ever.
    if (outcome.code === 'ambiguous')
      for (const domain of parentDomains(host)) setCookies.push(deleteCookie(accessCookie, secure, domain))
    return redirect(location, { application, setCookies, outcome })
  }

  function ownPage(visit: Visit, access: Access | undefined, cookies: RequestCookies | undefined): Responded {
    const { request, publication, path } = visit
    const { application, origin, ownPath, secure, secureContext, accessCookie, replyCookie } = publication
    const page = path.slice(ownPath.length).toLowerCase()
    const signedIn = `${origin}${ownPath}signed-in`
    const outcome: Outcome = { decision: 'sign-in-page', ...trustOf(publication) }
    if (request.method === 'GET' || request.method === 'HEAD') {
      if (page === 'sign-out' && application.enableSignOut)
        return redirect(federationService.signOutUrl(), {
          application,
          outcome: { ...outcome, decision: 'sign-out' },
          setCookies: [deleteCookie(accessCookie, secure), ...(secureContext ? [deleteCookie(replyCookie, true)] : [])],
        })
      if (page === 'sign-in' && access !== undefined) return redirect(signedIn, { application, outcome })
      if (
        page === 'sign-in' &&
        federationService.ready() &&
        federationService.trust(application.trustId ?? '')?.enabled === true
      )
        return beginRoundTrip(
          visit,
          cookies ?? readCookies(undefined),
          { ...outcome, decision: 'sign-in-required' },
          1,
          signedIn,
        )
      if (page === 'signed-in' && access !== undefined)
        return answer(request, {
          status: 200,
          code: 'signed-in',
          application,
          outcome,
          message: (texts) => texts.signedIn,
        })
    }
    if (access === undefined) return challenge(visit, cookies ?? readCookies(undefined), {})
    return answer(request, {
      status: 404,
      code: 'nothing-here',
      application,
      outcome,
      message: (texts) => texts.nothingHere,
    })
  }

  function federationReply(visit: Visit, cookies: RequestCookies): Allowed | undefined {
    const { request, publication, path, query, now } = visit
    const { application, host, replyCookie } = publication
    const value = onlyValue(cookies, replyCookie)
    // A reply comes without a person, and a Kerberos backend is never reached without one.
    if (value === undefined || application.backendAuthentication === 'kerberos') return undefined
    const session = openReplyCookie(value, { keys, application: application.id, host, now })
    const trust = federationService.trust(application.trustId ?? '')
    if (session === undefined || trust?.enabled !== true) return undefined
    if (
      !isFederationReply({
        request,
        address: publication.origin + path + query,
        trust,
        signInUrl: federationService.signInUrl(),
      })
    )
      return undefined
    if (federationService.endedSessions.isEnded({ sid: session.sid, issuedAt: now })) return undefined
    return {
      kind: 'allow',
      application,
      request: {
        target: path + query,
        cookie: cookies.forwarded,
        setHeaders: {},
        removeHeaders: removalFor(request.headers, publication.removeHeaders),
      },
      response: { setCookies: [] },
      outcome: { decision: 'federation-reply', ...trustOf(publication) },
    }
  }

  function isDueForRenewal({ request, now }: Visit, { identity }: Access): boolean {
    const { issuedAt, expiresAt } = identity
    const left = expiresAt.getTime() - now.getTime()
    if (left * 10 >= expiresAt.getTime() - issuedAt.getTime()) return false
    const { method, headers, upgrade } = request
    // A person's own navigation, never a frame or a prefetch: those could not show the federation service.
    if (method !== 'GET' || upgrade !== undefined || headerText(headers['sec-fetch-dest']) !== 'document') return false
    if (headers['sec-purpose'] !== undefined || !federationService.ready()) return false
    const heard = federationService.endedSessions.lastHeardFrom()
    return heard !== undefined && now.getTime() - heard.getTime() < HEARD_WITHIN
  }
}

function parentDomains(host: string): string[] {
  const labels = host.split('.')
  return labels
    .slice(0, -1)
    .map((_, at) => labels.slice(at).join('.'))
    .slice(0, 4)
}
