/**
 * How a person signs in, whatever it is for. An endpoint that needs a person asks `requirePerson` and goes on with whom
 * it gets, or sends the answer that it gets instead:
 *
 *   signed in at this browser ───────────────────────────────────────────────► the person
 *   GET  ──► inside the network, with a ticket? (integrated/) ── yes ─► new session ────────────────────► the person
 *                │ no
 *                ▼
 *             the form, and the pre-login cookie that it is bound to
 *   POST ──► from our own page? ──► cookie and form token fit? ──► steps ──► new session ──► the person
 *                │ no                      │ no                      │ refused
 *                ▼                         ▼                         ▼
 *             403 page                the form again             the form again, one text for every reason
 *
 * The form is posted to the address of what asked (see continuation.ts); what that is for is not known here. A sign-in
 * is made of steps, of which the password is the only one so far (password-step.ts). Cookies are set by the answer of
 * whoever asked: a sign-in that leads nowhere has still happened.
 */
import type { Answer } from '../http/answer.ts'
import type { CookieFormat } from '../http/cookies.ts'
import type { DecisionRecord } from '../http/decision-record.ts'
import { comesFromOurPage } from '../http/same-origin.ts'
import type { StsRequest } from '../http/sts-request.ts'
import { messagePage } from '../pages/message-page.ts'
import type { PageMaker } from '../pages/page.ts'
import type { PasswordAuthentication } from '../people/password-authentication.ts'
import type { PeopleStore } from '../people/people-store.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { Transaction } from '../store/transaction.ts'
import { StsError } from '../sts-error.ts'
import { type SignedIn, whoIsSignedIn } from './browser-session.ts'
import type { Continuation } from './continuation.ts'
import { type FormTokens, formTokenField } from './form-token.ts'
import { challenge, type IntegratedSignIn } from './integrated/integrated-sign-in.ts'
import { parsePasswordForm, passwordStep, type StepResult } from './password-step.ts'
import { type SignInProblem, signInPage } from './sign-in-page.ts'

export interface SignInParts {
  readonly people: Pick<PeopleStore, 'get'>
  readonly sessions: SessionStore
  readonly passwords: PasswordAuthentication
  readonly cookieFormat: CookieFormat
  readonly formTokens: FormTokens
  readonly pages: PageMaker
  readonly decisions: DecisionRecord
  /** Scheme, host and port that browsers know this server by. */
  readonly origin: string
  readonly keepMeSignedIn: boolean
  /** Seconds that a persistent session's cookie is kept. */
  readonly persistentLifetime: number
  /** Seconds that the cookie of a familiar device is kept. */
  readonly familiarFor: number
  /** Before the form, for people inside the network; undefined where it is not set up. */
  readonly integrated?: IntegratedSignIn | undefined
}

export type SignInOutcome =
  /** Cookies and headers are for the answer of whoever asked. */
  | { kind: 'person'; signedIn: SignedIn; cookies: readonly string[]; headers?: Readonly<Record<string, string>> }
  | { kind: 'answer'; answer: Answer }

export interface SignIn {
  /** Who is signed in at this browser already. */
  current(request: StsRequest): SignedIn | undefined
  /** The person, by the session or by the form that this request posts, or the answer to send instead. */
  requirePerson(request: StsRequest, continuation: Continuation): Promise<SignInOutcome>
}

export function createSignIn(parts: SignInParts): SignIn {
  const current = (request: StsRequest) => whoIsSignedIn(request, parts)
  return {
    current,
    async requirePerson(request, continuation) {
      const { form } = request
      if (form !== undefined && !comesFromOurPage(request, parts.origin)) {
        return refuse(request, continuation, parts, { status: 403, code: 'foreign-form' })
      }
      const signedIn = current(request)
      if (signedIn !== undefined) return { kind: 'person', signedIn, cookies: [] }
      if (form === undefined) return startWithoutForm(request, continuation, parts)
      return readForm(request, form, continuation, parts)
    },
  }
}

async function startWithoutForm(
  request: StsRequest,
  continuation: Continuation,
  parts: SignInParts,
): Promise<SignInOutcome> {
  const asOf = parts.sessions.ended.number
  const result = await parts.integrated?.(request)
  if (result?.kind === 'done') {
    const { person, methods, headers } = result
    const step = { kind: 'done', person, methods, keepMeSignedIn: false } as const
    const started = await startSession(request, step, continuation, asOf, parts)
    if (started !== undefined) return { ...started, headers }
    await parts.decisions(request, { ...refused(continuation), who: person.upn, code: 'session-ended' })
  }
  if (result?.kind === 'refused') await parts.decisions(request, { ...refused(continuation), ...result.refusal })
  const shown = showForm(request, continuation, parts, {})
  return result?.kind === 'challenge' ? { ...shown, answer: challenge(shown.answer) } : shown
}

async function readForm(
  request: StsRequest,
  form: NonNullable<StsRequest['form']>,
  continuation: Continuation,
  parts: SignInParts,
): Promise<SignInOutcome> {
  const posted = parsePasswordForm(form)
  if (posted === undefined) return refuse(request, continuation, parts, { status: 400, code: 'invalid-form' })
  const { userName, keepMeSignedIn } = posted
  const again = (problem: SignInProblem) =>
    showForm(request, continuation, parts, { userName, keepMeSignedIn, problem })

  const kept = parts.cookieFormat.valuesOf(request.cookies, 'SignInForm')
  const token = form.get(formTokenField.toLowerCase())
  if (!kept.some((value) => parts.formTokens.matches(token, 'sign-in', value))) {
    const code = kept.length === 0 ? 'cookie-not-kept' : 'stale'
    await parts.decisions(request, { ...refused(continuation), code })
    return again({ kind: code })
  }

  const device = parts.cookieFormat.valuesOf(request.cookies, 'FamiliarDevice')[0]
  const asOf = parts.sessions.ended.number
  const result = await passwordStep(posted, request, { passwords: parts.passwords, device })
  if (result.kind === 'done') {
    const started = await startSession(request, result, continuation, asOf, parts)
    if (started !== undefined) return started
    await parts.decisions(request, { ...refused(continuation), who: result.person.upn, code: 'session-ended' })
    return again({ kind: 'credentials' })
  }
  if (result.refusal !== undefined) {
    const { who, code, locks } = result.refusal
    const lockout = { event: 'lockout', result: 'failure', who, detail: { place: locks ?? '' } } as const
    await Promise.all([
      parts.decisions(request, { ...refused(continuation), who, code }),
      locks !== undefined && parts.decisions(request, lockout),
    ])
  }
  return again(result.problem)
}

/** @returns undefined when the account was disabled, or its password changed, while the steps were taken. */
async function startSession(
  request: StsRequest,
  { person, methods, device, keepMeSignedIn }: Extract<StepResult, { kind: 'done' }>,
  continuation: Continuation,
  asOf: number,
  parts: SignInParts,
): Promise<Extract<SignInOutcome, { kind: 'person' }> | undefined> {
  const persistent = parts.keepMeSignedIn && keepMeSignedIn
  // On disk together: nobody is signed in without its being in the audit trail.
  const record = (transaction: Transaction, { sid }: SsoSession) =>
    parts.decisions.within(transaction, request, {
      event: 'sign-in',
      result: 'success',
      who: person.upn,
      what: continuation.application?.name ?? 'portal',
      detail: { sid, method: methods.join(' ') },
    })
  const started = await parts.sessions
    .start({ person, methods, persistent, asOf, now: request.now, alongside: record })
    .catch(endedMeanwhile)
  if (started === undefined) return undefined
  const { session, secret } = started
  const { cookieFormat, formTokens } = parts
  const cookies = [
    cookieFormat.set('SsoSession', secret, persistent ? { maxAge: parts.persistentLifetime } : {}),
    // A value that was known before the sign-in is worth nothing after it.
    cookieFormat.set('SignInForm', formTokens.newBrowserValue()),
    ...(device === undefined ? [] : [cookieFormat.set('FamiliarDevice', device, { maxAge: parts.familiarFor })]),
  ]
  return { kind: 'person', signedIn: { person, session }, cookies }
}

function endedMeanwhile(error: unknown): undefined {
  if (!(error instanceof StsError && error.code === 'session-ended')) throw error
}

function showForm(
  request: StsRequest,
  continuation: Continuation,
  parts: SignInParts,
  typed: { userName?: string; keepMeSignedIn?: boolean; problem?: SignInProblem },
): Extract<SignInOutcome, { kind: 'answer' }> {
  const { cookieFormat, formTokens } = parts
  const [kept] = cookieFormat.valuesOf(request.cookies, 'SignInForm')
  const browserValue = kept ?? formTokens.newBrowserValue()
  const answer = parts.pages(request, (strings) => ({
    ...signInPage(strings, {
      continuation,
      formToken: formTokens.tokenFor('sign-in', browserValue),
      userName: typed.userName ?? '',
      offerKeepMeSignedIn: parts.keepMeSignedIn,
      keepMeSignedIn: typed.keepMeSignedIn ?? false,
      problem: typed.problem,
    }),
    cookies: [cookieFormat.set('SignInForm', browserValue)],
  }))
  return { kind: 'answer', answer }
}

async function refuse(
  request: StsRequest,
  continuation: Continuation,
  parts: SignInParts,
  { status, code }: { status: 400 | 403; code: 'foreign-form' | 'invalid-form' },
): Promise<SignInOutcome> {
  await parts.decisions(request, { ...refused(continuation), code })
  const answer = parts.pages(request, (strings) =>
    messagePage(request, strings, {
      status,
      title: code === 'foreign-form' ? strings.foreignFormTitle : strings.badRequestTitle,
      text: code === 'foreign-form' ? strings.foreignForm : strings.badRequest,
    }),
  )
  return { kind: 'answer', answer }
}

const refused = ({ application }: Continuation) => ({
  event: 'sign-in-refused',
  result: 'failure' as const,
  what: application?.name ?? 'portal',
})
