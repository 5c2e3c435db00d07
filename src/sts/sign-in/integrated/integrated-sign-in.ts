/**
 * Integrated sign-in: people inside the network, whose computer has signed them in to the directory, are not asked
 * again. It stands before the form and never in its way: whatever does not work out ends in the form.
 *
 *   GET, nobody signed in ──► a client inside? ──no──► the form
 *                                │ yes
 *                                ├─ no token ────────► 401 `Negotiate`, with the form for whoever has no ticket
 *                                ├─ NTLM, unreadable ► the form
 *                                └─ Kerberos ──► good? ──► a person of ours, enabled? ──► signed in
 *                                                 │ no              │ no
 *                                                 └────────► the form, and why into the audit trail
 *
 * Who is inside: clients-inside.ts. Which mechanism: negotiate-token.ts. Whether the ticket is good: ticket-acceptor.ts.
 * Whose it is: principal-person.ts. RFC 4559; as AD FS's Windows integrated authentication (WIASupportedUserAgents).
 */
import type { Answer } from '../../http/answer.ts'
import type { StsRequest } from '../../http/sts-request.ts'
import type { PeopleStore } from '../../people/people-store.ts'
import type { Person } from '../../people/person.ts'
import { clientsInside } from './clients-inside.ts'
import { type IntegratedSignInOptions, readIntegratedSignIn } from './integrated-sign-in-options.ts'
import { readNegotiateHeader } from './negotiate-token.ts'
import { personOfPrincipal } from './principal-person.ts'
import { createRefusedTries } from './refused-tries.ts'
import { openTicketAcceptor } from './ticket-acceptor.ts'

/** What integrated sign-in makes of a request that a person is needed for. */
export type IntegratedResult =
  /** Not for this client. */
  | { kind: 'form' }
  /** Ask for a ticket: the form, sent by {@link challenge}. */
  | { kind: 'challenge' }
  | { kind: 'refused'; refusal: IntegratedRefusal }
  | { kind: 'done'; person: Person; methods: readonly string[]; headers: Readonly<Record<string, string>> }

/** A refusal for log and audit; the person is shown the form whatever it says. */
export interface IntegratedRefusal {
  readonly code: string
  /** The principal, where the ticket was good. */
  readonly who?: string
  readonly detail?: Readonly<Record<string, string>>
}

export type IntegratedSignIn = (request: StsRequest) => Promise<IntegratedResult>

/** Authentication method of a person whom the directory has signed in; AD FS's own name for it. */
export const windowsMethod = 'urn:federation:authentication:windows'

/**
 * Sets integrated sign-in up.
 * @throws {TypeError} for an option that is wrong.
 * @throws {StsError} `integrated-sign-in`; see {@link openTicketAcceptor}.
 */
export async function openIntegratedSignIn(
  options: IntegratedSignInOptions,
  { people }: { people: Pick<PeopleStore, 'find'> },
): Promise<IntegratedSignIn> {
  const settings = readIntegratedSignIn(options)
  const isInside = clientsInside(settings)
  const acceptor = await openTicketAcceptor(settings)
  const suffixes = new Map([[acceptor.realm, acceptor.realm], ...settings.upnSuffixes])
  const tries = createRefusedTries()

  async function judge(request: StsRequest): Promise<IntegratedResult> {
    const header = readNegotiateHeader(request.headers.authorization)
    if (header.kind === 'none') return { kind: 'challenge' }
    if (header.kind === 'refused') return { kind: 'refused', refusal: { code: header.code } }
    const ticket = await acceptor.accept(header.token)
    if (ticket.kind === 'refused') {
      const { code, reason } = ticket
      return { kind: 'refused', refusal: { code, ...(reason !== undefined && { detail: { reason } }) } }
    }
    const { principal, reply } = ticket
    const found = personOfPrincipal(principal, { people, suffixes })
    if (found.kind === 'nobody') return { kind: 'refused', refusal: { code: found.code, who: principal } }
    // RFC 4559 §5: the last token of the exchange proves to the client that this server has the service's key.
    const headers = reply === undefined ? {} : { 'www-authenticate': `Negotiate ${reply}` }
    return { kind: 'done', person: found.person, methods: [windowsMethod], headers }
  }

  return async (request) => {
    const { clientAddress, now } = request
    if (!isInside(request) || tries.tooMany(clientAddress, now)) return { kind: 'form' }
    const result = await judge(request)
    if (result.kind === 'refused') tries.refused(clientAddress, now)
    return result
  }
}

/** The form as the body of a challenge: a browser that has no ticket shows it. */
export function challenge(form: Answer): Answer {
  return { ...form, status: 401, headers: { ...form.headers, 'www-authenticate': 'Negotiate' } }
}
