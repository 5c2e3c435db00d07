import type { Delegation } from './delegation.ts'
import type { EdgeTokenContent } from './edge-token-content.ts'

/** For whom a token speaks, complete. */
export interface EdgeIdentity {
  /** User principal name; undefined for an identity that is no person of the directory. */
  readonly upn: string | undefined
  /** objectIdentifier of the trust, lower case. */
  readonly relyingPartyTrust: string
  /** External URL prefix that the token is good for; undefined from a foreign federation server. */
  readonly resource: string | undefined
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly authenticationMethod: string | undefined
  readonly authenticationInstant: Date | undefined
  readonly deviceRegistrationId: string | undefined
  /** Public id of the sign-in session. */
  readonly sessionId: string | undefined
  readonly delegation: Delegation
  /** All claims as they were signed, frozen. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** The identity that claims speak for. Dates are made anew each time: a Date can be changed by whoever holds it. */
export function identityOf(content: EdgeTokenContent): EdgeIdentity {
  const { authenticationInstant } = content
  return {
    upn: content.upn,
    relyingPartyTrust: content.relyingPartyTrust,
    resource: content.resource?.text,
    issuedAt: new Date(content.issuedAt * 1000),
    expiresAt: new Date(content.expiresAt * 1000),
    authenticationMethod: content.authenticationMethod,
    authenticationInstant: authenticationInstant === undefined ? undefined : new Date(authenticationInstant * 1000),
    deviceRegistrationId: content.deviceRegistrationId,
    sessionId: content.sessionId,
    delegation: content.delegation,
    claims: content.claims,
  }
}
