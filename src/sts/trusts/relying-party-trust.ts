import type { Person } from '../people/person.ts'

/** An application as the federation server knows it: who may enter it, and where it is published. */
export interface RelyingPartyTrust {
  /** objectIdentifier: a GUID in lower case. */
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly claimsAware: boolean
  readonly identifiers: readonly string[]
  /** Who may enter; nobody unless said. */
  readonly permit: { readonly everyone: boolean; readonly groups: readonly string[] }
  /** proxyTrustedEndpoints: the external URL prefixes that proxies publish it under, each with a trailing slash. */
  readonly publishedAddresses: readonly string[]
  readonly replyAddresses: readonly string[]
  /** Service principal names that a person's identity may be delegated to. */
  readonly delegateTo: readonly string[]
  /** Seconds, 300 to 86400; default 3600. */
  readonly edgeTokenLifetime: number
  readonly allowAppOnly: boolean
}

/** What `add` takes; everything but the name has a default. */
export interface RelyingPartyTrustInput {
  id?: string | undefined
  name: string
  enabled?: boolean | undefined
  claimsAware?: boolean | undefined
  identifiers?: readonly string[] | undefined
  permit?: { everyone?: boolean | undefined; groups?: readonly string[] | undefined } | undefined
  publishedAddresses?: readonly string[] | undefined
  replyAddresses?: readonly string[] | undefined
  delegateTo?: readonly string[] | undefined
  edgeTokenLifetime?: number | undefined
  allowAppOnly?: boolean | undefined
}

export declare function permits(trust: RelyingPartyTrust, person: Person): boolean
