import { openDelegation } from '../../edge-token/delegation.ts'
import { kerberosClaim, serviceProblem } from '../backend-kerberos.ts'
import type { DelegationReason } from '../pages/texts.ts'
import type { PublishedApplication } from '../published-application.ts'
import type { DelegatedIdentity } from './preauthentication.ts'

/** The person whose delegation is asked for: an access session, or what becomes one. */
export interface DelegatedPerson {
  readonly upn?: string | undefined
  readonly delegation?: readonly string[] | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface DelegationRefusal {
  readonly code: DelegationReason
  /** For an operator. */
  readonly message: string
  readonly wapEvent?: number
}

export type DelegationJudgement =
  | { readonly kind: 'permitted'; readonly delegated: DelegatedIdentity }
  | { readonly kind: 'refused'; readonly refusal: DelegationRefusal }

/** @returns undefined for an application that needs no delegation. */
export type DelegationCheck = (
  application: PublishedApplication,
  person: DelegatedPerson,
) => DelegationJudgement | undefined

/**
 * Makes the check that stands before every ticket: the service must be among those that the person's token names (`kcd`)
 * and among this proxy's own, where each is there; where neither is, and for a person without a user principal name,
 * nothing is delegated.
 * @param services service principal names that this proxy may delegate to at all; undefined: it has no list of its own.
 * @throws {TypeError} for a service that cannot be one.
 */
export function createDelegationCheck(services: readonly string[] | undefined): DelegationCheck {
  for (const spn of services ?? []) {
    const problem = serviceProblem(spn)
    if (problem !== undefined) throw new TypeError(`delegation.services: ${problem}`)
  }
  const own = services === undefined ? undefined : new Set(services.map((spn) => spn.toLowerCase()))
  return (application, person) => {
    const { backendAuthentication, backendServerAuthenticationSPN: spn = '', trustId = '' } = application
    if (backendAuthentication !== 'kerberos') return undefined
    const { upn, delegation: digests } = person
    if (upn === undefined)
      return refused({
        code: 'no-upn',
        message: 'the token names no user principal name, so there is nobody to ask a ticket for',
        wapEvent: 13_016,
      })
    if (!openDelegation({ trustId, upn, digests, services: own }).permits(spn))
      return refused({ code: 'delegation', message: whyNot(application, digests, own) })
    const name = kerberosNameOf(application, person)
    if (name === undefined)
      return refused({
        code: 'no-kerberos-name',
        message: `the token has no usable ${application.kerberosName}, which kerberosName asks for`,
        wapEvent: 13_016,
      })
    return { kind: 'permitted', delegated: { spn, name } }
  }
}

const refused = (refusal: DelegationRefusal): DelegationJudgement => ({ kind: 'refused', refusal })

function whyNot(
  { backendServerAuthenticationSPN: spn = '' }: PublishedApplication,
  digests: readonly string[] | undefined,
  own: ReadonlySet<string> | undefined,
): string {
  if (own !== undefined && !own.has(spn.toLowerCase())) return `${spn} is not among this proxy's own services`
  if (digests === undefined)
    return `the federation service does not say what may be delegated to, and this proxy has no list of services; name ${spn} in it`
  if (digests.length === 0)
    return 'the person is not delegatable, or the trust delegates to nothing (gatehouse user show, gatehouse trust show)'
  return `the person's sign-in may not be delegated to ${spn} (gatehouse trust update TRUST --delegate-to ${spn}, then sign in again)`
}

/** No claim can be called so: it has a blank. */
const KEPT = 'kerberos name'

/**
 * What the access cookie has to keep of a token so that the person can be named to the KDC.
 * @returns nothing where the user principal name is all it takes, or the claim is not one text.
 */
export function kerberosNameToKeep(
  { backendAuthentication, kerberosName = 'upn' }: PublishedApplication,
  claims: Readonly<Record<string, unknown>>,
): Record<string, string> | undefined {
  if (backendAuthentication !== 'kerberos') return undefined
  const claim = kerberosClaim(kerberosName, claims)
  const value = claim === undefined ? undefined : claims[claim]
  return typeof value === 'string' ? { [KEPT]: value } : undefined
}

/** Nobody is ever named by another name than the one that was asked for: without it there is none. */
function kerberosNameOf(
  { kerberosName = 'upn' }: PublishedApplication,
  { upn, headers }: DelegatedPerson,
): string | undefined {
  if (kerberosName === 'upn') return upn
  if (kerberosName === 'userPart') return upn?.slice(0, upn.indexOf('@'))
  const kept = headers?.[KEPT]
  if (kept === undefined || kept === '') return undefined
  if (kerberosName === 'onPremisesUpn' && !kept.includes('@')) return undefined
  if (kerberosName === 'sAMAccountName' && kept.includes('@')) return undefined
  return kept
}
