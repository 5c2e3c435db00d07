import type { StsRequest } from '../http/sts-request.ts'
import type { PasswordAuthentication, PasswordResult } from '../people/password-authentication.ts'
import type { Person } from '../people/person.ts'
import { type SignInProblem, signInFields } from './sign-in-page.ts'

/**
 * A step of a sign-in: who the person is by now and by which methods, or why the form is to be shown again. One step
 * is enough today; another one takes the person that this one found.
 */
export type StepResult =
  | { kind: 'done'; person: Person; methods: readonly string[]; device?: string; keepMeSignedIn: boolean }
  | { kind: 'again'; problem: SignInProblem; refusal?: StepRefusal | undefined }

/** A refusal for log and audit; the person is told the same whatever it says. */
export interface StepRefusal {
  readonly who: string
  readonly code: string
  readonly locks?: string | undefined
}

/** What the password form holds, as posted. */
export interface PasswordForm {
  readonly userName: string
  readonly password: string
  readonly keepMeSignedIn: boolean
}

/** Authentication method of a name and a password on our own page. */
export const passwordMethod = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'

const mostUserName = 1024

/** Reads the posted fields. @returns undefined for a name that no person can have typed: answer 400. */
export function parsePasswordForm(form: NonNullable<StsRequest['form']>): PasswordForm | undefined {
  const field = (name: string) => form.get(name.toLowerCase()) ?? ''
  const userName = field(signInFields.userName).trim()
  if (userName.length > mostUserName || /\p{Cc}/u.test(userName)) return undefined
  return {
    userName,
    password: field(signInFields.password),
    keepMeSignedIn: form.has(signInFields.keepMeSignedIn.toLowerCase()),
  }
}

/** Checks name and password. @param device the browser's device cookie, if it has one. */
export async function passwordStep(
  { userName, password, keepMeSignedIn }: PasswordForm,
  { clientAddress, now }: Pick<StsRequest, 'clientAddress' | 'now'>,
  parts: { passwords: PasswordAuthentication; device: string | undefined },
): Promise<StepResult> {
  if (userName === '' || password === '') {
    return { kind: 'again', problem: { kind: 'missing', userName: userName === '', password: password === '' } }
  }
  const attempt = { upn: userName, password, address: clientAddress, device: parts.device, now }
  return stepResult(await parts.passwords.authenticate(attempt), userName, keepMeSignedIn)
}

function stepResult(result: PasswordResult, who: string, keepMeSignedIn: boolean): StepResult {
  switch (result.kind) {
    case 'authenticated':
      return { kind: 'done', person: result.person, methods: [passwordMethod], device: result.device, keepMeSignedIn }
    case 'busy':
      return {
        kind: 'again',
        problem: { kind: 'busy', retryAfter: result.retryAfter },
        refusal: { who, code: 'busy' },
      }
    case 'refused':
      return {
        kind: 'again',
        problem: { kind: 'credentials' },
        refusal: { who, code: result.code, locks: result.locks },
      }
  }
}
