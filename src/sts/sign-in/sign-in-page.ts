import { html } from '../pages/html.ts'
import type { Page } from '../pages/page.ts'
import type { Strings } from '../pages/strings.ts'
import type { Continuation } from './continuation.ts'
import { formTokenField } from './form-token.ts'

/** Why the form is shown again. */
export type SignInProblem =
  | { kind: 'credentials' }
  | { kind: 'missing'; userName: boolean; password: boolean }
  | { kind: 'cookie-not-kept' }
  | { kind: 'stale' }
  | { kind: 'busy'; retryAfter: number }

export interface SignInPageContent {
  readonly continuation: Continuation
  readonly formToken: string
  readonly userName: string
  readonly offerKeepMeSignedIn: boolean
  readonly keepMeSignedIn: boolean
  readonly problem?: SignInProblem | undefined
}

/** Names of the form's fields; AD FS's own, so that scripts that fill in its form fill in ours. */
export const signInFields = { userName: 'UserName', password: 'Password', keepMeSignedIn: 'Kmsi' }

const statusOf = { credentials: 200, missing: 200, 'cookie-not-kept': 400, stale: 400, busy: 503 }

/** Name and password in one form. Every problem is said in words above the fields that it is tied to. */
export function signInPage(strings: Strings, content: SignInPageContent): Page {
  const { continuation, problem } = content
  const missing = problem?.kind === 'missing' ? problem : undefined
  const wrong = problem?.kind === 'credentials'
  const alert = problem && alertText(strings, problem)
  const describedBy = (...ids: (string | false | undefined)[]) => ids.filter(Boolean).join(' ')
  const nameProblem = missing?.userName === true
  const passwordProblem = missing?.password === true
  const focusPassword = content.userName !== ''
  return {
    status: problem === undefined ? 200 : statusOf[problem.kind],
    title: strings.signIn,
    form: { endsAt: continuation.endsAt },
    ...(problem?.kind === 'busy' && { headers: { 'retry-after': String(problem.retryAfter) } }),
    main: html`<h1>${strings.signIn}</h1>
${
  continuation.application === undefined
    ? html`<p class="lead">${strings.signInToPortal}</p>`
    : html`<p class="lead">${strings.signInTo(continuation.application.name)}</p>
<p class="address">${continuation.application.host}</p>`
}
${alert !== undefined && html`<p class="alert" role="alert" id="problem">${alert}</p>`}
<form method="post" action="${continuation.address}" accept-charset="utf-8" novalidate>
<input type="hidden" name="${formTokenField}" value="${content.formToken}">
<div class="field">
<label for="user-name">${strings.userName}</label>
<input type="text" id="user-name" name="${signInFields.userName}" value="${content.userName}" autocomplete="username" inputmode="email" autocapitalize="none" autocorrect="off" spellcheck="false" required${invalid(wrong || nameProblem)} aria-describedby="${describedBy(wrong && 'problem', nameProblem && 'user-name-problem', 'user-name-hint')}"${autofocus(!focusPassword)}>
${nameProblem && html`<p class="problem" role="alert" id="user-name-problem">${strings.userNameMissing}</p>`}
<p class="hint" id="user-name-hint">${strings.userNameHint}</p>
</div>
<div class="field">
<label for="password">${strings.password}</label>
<input type="password" id="password" name="${signInFields.password}" autocomplete="current-password" required${invalid(wrong || passwordProblem)}${
      (wrong || passwordProblem) &&
      html` aria-describedby="${describedBy(wrong && 'problem', passwordProblem && 'password-problem')}"`
    }${autofocus(focusPassword)}>
${passwordProblem && html`<p class="problem" role="alert" id="password-problem">${strings.passwordMissing}</p>`}
</div>
${
  content.offerKeepMeSignedIn &&
  html`<div class="check">
<input type="checkbox" id="keep-me-signed-in" name="${signInFields.keepMeSignedIn}" value="true" aria-describedby="keep-me-signed-in-hint"${content.keepMeSignedIn && html` checked`}>
<label for="keep-me-signed-in">${strings.keepMeSignedIn}</label>
<div class="hint" id="keep-me-signed-in-hint">${strings.keepMeSignedInHint}</div>
</div>`
}
<div class="actions"><button type="submit" class="whole">${strings.signIn}</button></div>
</form>`,
  }
}

const invalid = (is: boolean) => is && html` aria-invalid="true"`

const autofocus = (is: boolean) => is && html` autofocus`

function alertText(strings: Strings, problem: SignInProblem): string | undefined {
  switch (problem.kind) {
    case 'credentials':
      return strings.credentialsRefused
    case 'cookie-not-kept':
      return strings.cookieNotKept
    case 'stale':
      return strings.formStale
    case 'busy':
      return strings.busy(problem.retryAfter)
    case 'missing':
      return undefined
  }
}
