/**
 * The edge sign-in at `/adfs/ls`: a proxy sends a browser here to learn who is there, and gets it back with a signed
 * edge token in the address. Parse (edge-request.ts), decide (edge-decision.ts), answer (here). Who the person is, is
 * the business of sign-in/; whether the token is good, of src/edge-token.
 *
 *   400 page  the request itself cannot be followed: parameters, trust, return address
 *   the form  nobody is signed in at this browser
 *   403 page  the person may not open the application
 *   302, 303  to the return address, with `authToken` and `client-request-id` behind its own query
 *
 * Headers that say where a request came from (`X-MS-Proxy` and the like) decide nothing here.
 */
import { issueEdgeToken } from '../../edge-token/index.ts'
import { type Answer, redirect, withCookies } from '../http/answer.ts'
import type { DecisionRecord } from '../http/decision-record.ts'
import type { StsRequest } from '../http/sts-request.ts'
import type { SigningKeys } from '../keys/signing-keys.ts'
import type { Html } from '../pages/html.ts'
import { messagePage } from '../pages/message-page.ts'
import type { PageMaker } from '../pages/page.ts'
import type { Strings } from '../pages/strings.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { SignedIn } from '../sign-in/browser-session.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import type { TrustStore } from '../trusts/trust-store.ts'
import { edgeTokenClaims } from './edge-claims.ts'
import { decideEdgeSignIn, type EdgeDecision } from './edge-decision.ts'
import { type EdgeRequest, type EdgeRequestProblem, edgeRequestAddress, parseEdgeRequest } from './edge-request.ts'
import { notPermittedPage } from './not-permitted-page.ts'

export interface EdgeSignInParts {
  readonly signIn: SignIn
  readonly trusts: Pick<TrustStore, 'get'>
  readonly sessions: Pick<SessionStore, 'join'>
  readonly keys: Pick<SigningKeys, 'current'>
  readonly pages: PageMaker
  readonly decisions: DecisionRecord
  readonly signOutForm: (signedIn: SignedIn, strings: Strings) => Html
  readonly issuer: string
  readonly proxyIdentifier: string
}

/** Answers GET (a proxy's redirect) and POST (the sign-in form on top of it). */
export function createEdgeSignIn(parts: EdgeSignInParts): (request: StsRequest) => Promise<Answer> {
  return async (http) => {
    const request = parseEdgeRequest(http.query)
    if (typeof request === 'string') return badRequest(http, request, {}, parts)
    const decide = (signedIn: SignedIn | undefined) =>
      decideEdgeSignIn(request, {
        proxyIdentifier: parts.proxyIdentifier,
        trust: parts.trusts.get(request.trustId),
        person: signedIn?.person,
      })
    // A posted form is always read by the sign-in first, which checks where it came from.
    const known = http.form === undefined ? parts.signIn.current(http) : undefined
    const decision = decide(known)
    if (decision.kind === 'bad-request') return badRequest(http, decision.code, { request, signedIn: known }, parts)
    if (known !== undefined) return answerPerson(http, request, decision, known, parts)

    const outcome = await parts.signIn.requirePerson(http, {
      address: edgeRequestAddress(request, http.requestId),
      application: { name: decision.trust.name, host: request.returnUrl.host },
      endsAt: request.returnUrl.origin,
    })
    if (outcome.kind === 'answer') return outcome.answer
    const answer = await answerPerson(http, request, decide(outcome.signedIn), outcome.signedIn, parts)
    return withCookies(answer, outcome.cookies, outcome.headers)
  }
}

async function answerPerson(
  http: StsRequest,
  request: EdgeRequest,
  decision: EdgeDecision,
  signedIn: SignedIn,
  parts: EdgeSignInParts,
): Promise<Answer> {
  switch (decision.kind) {
    case 'issue':
      return issue(http, request, decision, signedIn, parts)
    case 'not-permitted':
      return notPermitted(http, decision, signedIn, parts)
    // Only when the trust changed while the person signed in.
    case 'bad-request':
      return badRequest(http, decision.code, { request, signedIn }, parts)
    case 'sign-in':
      throw new Error('a person was given and the decision asked for one')
  }
}

async function issue(
  http: StsRequest,
  { returnUrl }: EdgeRequest,
  { trust, person, resource }: Extract<EdgeDecision, { kind: 'issue' }>,
  { session }: SignedIn,
  parts: EdgeSignInParts,
): Promise<Answer> {
  const { key, certificate } = parts.keys.current()
  const { issuer, proxyIdentifier: audience } = parts
  const { requestId, now } = http
  const claims = edgeTokenClaims({ issuer, audience, trust, person, session, resource, requestId, now })
  const token = await issueEdgeToken(claims, { key, certificate, lifetime: trust.edgeTokenLifetime })
  await Promise.all([
    parts.sessions.join(session.sid, `edge:${trust.id}`),
    parts.decisions(http, {
      event: 'edge-token-issued',
      result: 'success',
      who: person.upn,
      what: trust.name,
      detail: { sid: session.sid, trust: trust.id },
    }),
  ])
  return redirect(http.form === undefined ? 302 : 303, returnAddress(returnUrl, token, http.requestId))
}

/** The return address as it was parsed, with the token behind its own query, which stays byte for byte. */
function returnAddress({ href }: URL, token: string, requestId: string): string {
  const separator = !href.includes('?') ? '?' : href.endsWith('?') ? '' : '&'
  return `${href}${separator}authToken=${token}&client-request-id=${requestId}`
}

async function notPermitted(
  http: StsRequest,
  { trust, person }: Extract<EdgeDecision, { kind: 'not-permitted' }>,
  signedIn: SignedIn,
  parts: EdgeSignInParts,
): Promise<Answer> {
  await parts.decisions(http, {
    event: 'edge-refused',
    result: 'failure',
    who: person.upn,
    what: trust.name,
    code: 'not-permitted',
    detail: { sid: signedIn.session.sid, trust: trust.id },
  })
  return parts.pages(http, (strings) =>
    notPermittedPage(http, strings, { trust, person, signOutForm: parts.signOutForm(signedIn, strings) }),
  )
}

async function badRequest(
  http: StsRequest,
  code: EdgeRequestProblem | Extract<EdgeDecision, { kind: 'bad-request' }>['code'],
  { request, signedIn }: { request?: EdgeRequest; signedIn?: SignedIn | undefined },
  parts: EdgeSignInParts,
): Promise<Answer> {
  await parts.decisions(http, {
    event: 'edge-refused',
    result: 'failure',
    who: signedIn?.person.upn,
    what: request && (parts.trusts.get(request.trustId)?.name ?? request.trustId),
    code,
  })
  return parts.pages(http, (strings) => {
    const texts: Partial<Record<typeof code, string>> = {
      'trust-unknown': strings.trustUnknown,
      'trust-disabled': strings.trustDisabled,
      'trust-not-published': strings.trustNotPublished,
      'return-url': strings.returnUrlRefused,
    }
    const text = texts[code] ?? strings.badRequest
    return messagePage(http, strings, { status: 400, title: strings.badRequestTitle, text })
  })
}
