import { openUrlPrefix, type UrlPrefix } from '../../edge-token/published-url.ts'
import type { Person } from '../people/person.ts'
import { permits, type RelyingPartyTrust } from '../trusts/relying-party-trust.ts'
import type { EdgeRequest } from './edge-request.ts'

/** Why a request for an edge token cannot be followed, whoever asks. */
export type EdgeRefusal = 'realm' | 'trust-unknown' | 'trust-disabled' | 'trust-not-published' | 'return-url'

export type EdgeDecision =
  | { kind: 'bad-request'; code: EdgeRefusal }
  | { kind: 'sign-in'; trust: RelyingPartyTrust }
  | { kind: 'not-permitted'; trust: RelyingPartyTrust; person: Person }
  | { kind: 'issue'; trust: RelyingPartyTrust; person: Person; resource: string }

/** What the decision needs to know beside the request. */
export interface EdgeCircumstances {
  /** The one proxy identifier that this server issues edge tokens for. */
  readonly proxyIdentifier: string
  readonly trust: RelyingPartyTrust | undefined
  /** Who is signed in. */
  readonly person: Person | undefined
}

/**
 * Decides about a request for an edge token. Pure. Nobody is asked to sign in for a request that would be refused
 * anyway, and a token only ever leads to an address that is published for its trust.
 * @see [MS-ADFSPIP] 3.12.5.1, 3.12.5.1.1.3 (whole path segments beyond it)
 */
export function decideEdgeSignIn(request: EdgeRequest, circumstances: EdgeCircumstances): EdgeDecision {
  const { proxyIdentifier, trust, person } = circumstances
  if (request.realm.toLowerCase() !== proxyIdentifier.toLowerCase()) return { kind: 'bad-request', code: 'realm' }
  if (trust === undefined) return { kind: 'bad-request', code: 'trust-unknown' }
  if (!trust.enabled) return { kind: 'bad-request', code: 'trust-disabled' }
  if (trust.publishedAddresses.length === 0) return { kind: 'bad-request', code: 'trust-not-published' }
  const resource = prefixesOf(trust).find((prefix) => prefix.covers(request.returnUrl))?.text
  if (resource === undefined) return { kind: 'bad-request', code: 'return-url' }
  if (person === undefined) return { kind: 'sign-in', trust }
  if (!permits(trust, person)) return { kind: 'not-permitted', trust, person }
  return { kind: 'issue', trust, person, resource }
}

/** A trust is never changed in place, so its prefixes are parsed once. */
const prefixes = new WeakMap<RelyingPartyTrust, readonly UrlPrefix[]>()

/** The published addresses, the longest first. */
function prefixesOf(trust: RelyingPartyTrust): readonly UrlPrefix[] {
  let known = prefixes.get(trust)
  if (known === undefined) {
    const addresses = trust.publishedAddresses.toSorted((a, b) => b.length - a.length)
    known = addresses.map((address) => openUrlPrefix(address)).filter((prefix) => prefix !== undefined)
    prefixes.set(trust, known)
  }
  return known
}
