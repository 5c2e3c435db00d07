/**
 * Sign-out: ends the session at the server, which kills every access cookie of it at the edge, and clears the browser's
 * cookies. Two ways in: the button on a page of ours (POST with its form token), and `/adfs/ls?wa=wsignout1.0`, to
 * which proxies and applications send people: no question, no session needed, and never on to another address, whatever
 * `wreply` says (WS-Federation 1.2 §13.2.4).
 */
import type { Answer } from '../http/answer.ts'
import { redirect } from '../http/answer.ts'
import type { CookieFormat } from '../http/cookies.ts'
import type { DecisionRecord } from '../http/decision-record.ts'
import { comesFromOurPage } from '../http/same-origin.ts'
import type { StsRequest } from '../http/sts-request.ts'
import { type Html, html } from '../pages/html.ts'
import { messagePage } from '../pages/message-page.ts'
import type { PageMaker } from '../pages/page.ts'
import type { Strings } from '../pages/strings.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { SignedIn } from '../sign-in/browser-session.ts'
import { type FormTokens, formTokenField } from '../sign-in/form-token.ts'
import type { SignIn } from '../sign-in/sign-in.ts'

export const signOutPath = '/adfs/portal/sign-out'

export interface SignOutParts {
  readonly signIn: Pick<SignIn, 'current'>
  readonly sessions: Pick<SessionStore, 'end' | 'known'>
  readonly cookieFormat: CookieFormat
  readonly formTokens: FormTokens
  readonly pages: PageMaker
  readonly decisions: DecisionRecord
  readonly origin: string
}

export interface SignOut {
  /** `wa=wsignout1.0`: signs out and says so. */
  atOnce(request: StsRequest): Promise<Answer>
  /** The posted button. */
  byForm(request: StsRequest): Promise<Answer>
  /** The button, for pages that a signed-in person sees. */
  button(signedIn: SignedIn, strings: Strings): Html
}

export function createSignOut(parts: SignOutParts): SignOut {
  const { signIn, sessions, cookieFormat, formTokens, pages, decisions, origin } = parts
  const cleared = [cookieFormat.clear('SsoSession'), cookieFormat.clear('SignInForm')]
  const signedOutAddress = '/adfs/ls/?wa=wsignout1.0'

  // Every session that the browser holds, expired ones too: tokens of theirs may be alive for a while.
  const end = async (request: StsRequest) => {
    for (const secret of cookieFormat.valuesOf(request.cookies, 'SsoSession')) {
      const session = sessions.known(secret)
      if (session === undefined) continue
      const { sid, upn } = session
      await sessions.end(sid, request.now)
      await decisions(request, { event: 'sign-out', result: 'success', who: upn, detail: { sid } })
    }
  }

  return {
    async atOnce(request) {
      await end(request)
      return pages(request, (strings) => ({
        status: 200,
        title: strings.signedOutTitle,
        cookies: cleared,
        main: html`<h1>${strings.signedOutTitle}</h1>
<p class="text">${strings.signedOut}</p>
<p class="text">${strings.signedOutAdvice}</p>
<div class="actions"><a class="button" href="/adfs/portal">${strings.signInAgain}</a></div>`,
      }))
    },
    async byForm(request) {
      const signedIn = signIn.current(request)
      const token = request.form?.get(formTokenField.toLowerCase())
      const ours = comesFromOurPage(request, origin)
      if (ours && (signedIn === undefined || formTokens.matches(token, 'sign-out', signedIn.session.sid))) {
        await end(request)
        return redirect(303, signedOutAddress, cleared)
      }
      const code = ours ? 'stale' : 'foreign-form'
      await decisions(request, {
        event: 'request-refused',
        result: 'failure',
        who: signedIn?.person.upn,
        what: signOutPath,
        code,
      })
      return pages(request, (strings) =>
        messagePage(request, strings, { status: 403, title: strings.foreignFormTitle, text: strings.foreignForm }),
      )
    },
    button: ({ session }, strings) =>
      html`<form method="post" action="${signOutPath}"><input type="hidden" name="${formTokenField}" value="${formTokens.tokenFor('sign-out', session.sid)}"><button type="submit" class="quiet">${strings.signOut}</button></form>`,
  }
}
