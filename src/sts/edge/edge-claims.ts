import { delegationDigest } from '../../edge-token/delegation.ts'
import type { EdgeTokenClaims } from '../../edge-token/index.ts'
import type { Person } from '../people/person.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { RelyingPartyTrust } from '../trusts/relying-party-trust.ts'

export interface EdgeTokenSubject {
  readonly issuer: string
  readonly audience: string
  readonly trust: RelyingPartyTrust
  readonly person: Person
  readonly session: SsoSession
  /** The published address that the return address lies under. */
  readonly resource: string
  readonly requestId: string
  readonly now: Date
}

/**
 * What an edge token says of a person. Dates of its own life are set when it is issued.
 * @see [MS-ADFSPIP] 2.2.2.18
 */
export function edgeTokenClaims(subject: EdgeTokenSubject): EdgeTokenClaims {
  const { issuer, audience, trust, person, session, resource, requestId, now } = subject
  return {
    ver: '1.0',
    iss: issuer,
    aud: audience,
    relyingpartytrustid: trust.id,
    deviceregid: '',
    // a clock that was set back must not make sign-ins of the future, which no proxy takes
    authinstant: Math.floor(Math.min(session.authenticatedAt.getTime(), now.getTime()) / 1000),
    authmethod: session.methods[0] ?? '',
    upn: person.upn,
    resource,
    sid: session.sid,
    kcd: delegationDigests(trust, person),
    clientreqid: requestId,
  }
}

/**
 * The services that the person's identity may be delegated to, for every trust: an absent claim would leave it to the
 * proxy. A claims application takes nobody's Kerberos ticket, whatever its trust names.
 */
function delegationDigests(trust: RelyingPartyTrust, person: Person): string[] {
  if (trust.claimsAware || !person.delegatable) return []
  return trust.delegateTo.map((spn) => delegationDigest(trust.id, spn))
}
