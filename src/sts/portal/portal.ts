/**
 * The person's home: the applications that they may open, and the way out. Whoever is not signed in signs in here; the
 * page changes nothing.
 */
import { type Answer, redirect, withCookies } from '../http/answer.ts'
import type { StsRequest } from '../http/sts-request.ts'
import { html } from '../pages/html.ts'
import type { PageMaker } from '../pages/page.ts'
import type { Person } from '../people/person.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import type { SignOut } from '../sign-out/sign-out.ts'
import { permits, type RelyingPartyTrust } from '../trusts/relying-party-trust.ts'

export const portalPath = '/adfs/portal'

/** An application on a person's page. */
export interface PortalApplication {
  readonly name: string
  /** Its external address, http or https. */
  readonly url: string
}

/** Says which applications a person may open. */
export type PortalApplications = (person: Person) => readonly PortalApplication[]

export interface PortalParts {
  readonly signIn: SignIn
  readonly signOut: SignOut
  readonly pages: PageMaker
  readonly applications: PortalApplications
}

/** Answers GET (the page, or the sign-in form) and POST (the sign-in form). */
export function createPortal({
  signIn,
  signOut,
  pages,
  applications,
}: PortalParts): (request: StsRequest) => Promise<Answer> {
  return async (request) => {
    const outcome = await signIn.requirePerson(request, { address: portalPath })
    if (outcome.kind === 'answer') return outcome.answer
    if (request.form !== undefined) return redirect(303, portalPath, outcome.cookies)
    const { signedIn, cookies, headers } = outcome
    const links = applications(signedIn.person).filter(({ url }) => /^https?:\/\//i.test(url))
    const answer = pages(request, (strings) => ({
      status: 200,
      title: strings.yourApplications,
      wide: true,
      form: {},
      main: html`<div class="bar">
<h1>${strings.yourApplications}</h1>
<p class="lead">${strings.signedInAs(signedIn.person.displayName)}${signedIn.person.displayName !== signedIn.person.upn && ` (${signedIn.person.upn})`}</p>
${signOut.button(signedIn, strings)}
</div>
${
  links.length === 0
    ? html`<p class="text">${strings.portalEmpty}</p>`
    : html`<ul class="applications">
${links.map(({ name, url }) => html`<li><a href="${url}"><strong>${name}</strong><span>${url}</span></a></li>\n`)}</ul>`
}`,
    }))
    return withCookies(answer, cookies, headers)
  }
}

/** The applications of enabled trusts that permit the person, at the addresses that they are published under. */
export function applicationsOfTrusts(trusts: { list(): readonly RelyingPartyTrust[] }): PortalApplications {
  return (person) =>
    trusts
      .list()
      .filter((trust) => trust.enabled && permits(trust, person))
      .flatMap(({ name, publishedAddresses }) => publishedAddresses.map((url) => ({ name, url })))
}
