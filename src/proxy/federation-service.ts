import type { EdgeTokenVerifier } from '../edge-token/index.ts'

/** A relying party trust as the proxy needs to know it. */
export interface ProxyTrust {
  /** objectIdentifier, a GUID; compared without regard to case. */
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly claimsAware: boolean
  readonly identifiers: readonly string[]
  /** Where the federation service posts this trust's tokens and sign-out messages to. */
  readonly replyAddresses: readonly string[]
}

/** What is asked about a session: by its public id, or by person and the instant the token was issued. */
export interface SessionQuestion {
  readonly sid?: string | undefined
  readonly upn?: string | undefined
  readonly issuedAt: Date
}

/** The sessions that ended before their tokens did. */
export interface EndedSessionsView {
  isEnded(question: SessionQuestion): boolean
  /** Calls `listener` for each session, or person, that is ended from now on. Returns what stops it. */
  onEnded(listener: (ended: { sid?: string; upn?: string; before?: Date }) => void): () => void
  /** When the federation service was last heard from; undefined: never, or it has no such list. */
  lastHeardFrom(): Date | undefined
}

/**
 * All that the proxy needs of a federation server: the command fills it in within one process, a foreign
 * federation service by its public addresses alone.
 */
export interface FederationService {
  /** The issuer of its edge tokens; '' until it is known. */
  issuer(): string
  /** Absolute address of the edge sign-in, `…/adfs/ls`. */
  signInUrl(): string
  signOutUrl(): string
  /** The proxy's own identifier at the federation service: `realm` of a sign-in, `aud` of an edge token. */
  readonly proxyIdentifier: string
  readonly verifier: EdgeTokenVerifier
  trusts(): readonly ProxyTrust[]
  trust(id: string): ProxyTrust | undefined
  /** Tells the federation service what is published with a trust. Absent where it is told by hand. */
  publish?(trustId: string, application: { externalUrl: string; backendUrl: string; spn?: string }): Promise<void>
  unpublish?(trustId: string, application: { externalUrl: string }): Promise<void>
  readonly endedSessions: EndedSessionsView
  /** Whether a round trip could be answered now: its keys are known. */
  ready(): boolean
  /** Resolves when it has been asked for its keys once, whether they came or not: a few seconds at most. */
  readonly started?: Promise<void>
  close(): Promise<void>
}
