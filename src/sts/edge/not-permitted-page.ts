import type { StsRequest } from '../http/sts-request.ts'
import { type Html, html } from '../pages/html.ts'
import { messagePage } from '../pages/message-page.ts'
import type { Page } from '../pages/page.ts'
import type { Strings } from '../pages/strings.ts'
import type { Person } from '../people/person.ts'
import type { RelyingPartyTrust } from '../trusts/relying-party-trust.ts'

/** The 403 page for a person whom the application's trust does not permit, with a way to sign in as somebody else. */
export function notPermittedPage(
  request: Pick<StsRequest, 'requestId'>,
  strings: Strings,
  { trust, person, signOutForm }: { trust: RelyingPartyTrust; person: Person; signOutForm: Html },
): Page {
  return messagePage(request, strings, {
    status: 403,
    title: strings.notPermittedTitle,
    text: strings.notPermitted(trust.name, person.upn),
    advice: strings.notPermittedAdvice,
    form: {},
    actions: html`${signOutForm}<a class="beside" href="/adfs/portal">${strings.yourApplications}</a>`,
  })
}
