import type { PublishedApplication } from '../published-application.ts'

/** A request as plain data, before anything of it is believed. */
export interface PlainRequest {
  readonly method: string
  /** How the client reached us: by the listener, or as a trusted proxy in front says. */
  readonly scheme: 'http' | 'https'
  /** The Host header as received. */
  readonly host: string
  /** The request target as received. */
  readonly target: string
  /** Lower-case names, as in Node's `request.headers`: Cookie lines joined with `; `. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The client's IP address, as far as it may be believed. */
  readonly clientAddress: string
  readonly requestId: string
  /** The protocol asked for, where the request is an upgrade (`websocket`). */
  readonly upgrade?: string | undefined
  readonly currentDate?: Date | undefined
}

/** Who a request speaks for. */
export interface PreauthenticatedIdentity {
  readonly upn: string | undefined
  /** The public id of the sign-in session: when it ends, so do this request's streams. */
  readonly sid: string | undefined
  readonly relyingPartyTrust: string
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly authenticationMethod: string | undefined
  readonly authenticationInstant: Date | undefined
  /** Digests of the services this identity may be delegated to; undefined where a foreign AD FS issued it. */
  readonly delegation: readonly string[] | undefined
}

/** What was decided, for the log and the audit trail; never shown to a client. */
export interface Outcome {
  readonly decision: Decision
  /** Why, as a stable code (`expired`, `signature`, `relying-party` …). */
  readonly code?: string
  /** The event number that Windows' Web Application Proxy logs for the same thing. */
  readonly wapEvent?: number
  /** In words, for an operator. */
  readonly message?: string
  /** A security event: belongs into the audit trail. */
  readonly audit?: boolean
  readonly upn?: string
  readonly trustId?: string
}

export type Decision =
  | 'access-cookie'
  | 'pass-through'
  | 'federation-reply'
  | 'signed-in'
  | 'sign-in-required'
  | 'renewal'
  | 'token-discarded'
  | 'refused'
  | 'preflight'
  | 'robots'
  | 'sign-in-page'
  | 'bad-request'
  | 'bad-method'
  | 'unknown-host'
  | 'unknown-application'
  | 'foreign-origin'
  | 'not-ready'
  | 'sign-out'
  | 'to-https'

/** In whose name a backend that takes Kerberos alone is reached, and by which service principal name. */
export interface DelegatedIdentity {
  /** As published; never from a request. */
  readonly spn: string
  /** What the KDC knows the person by: a user principal name, or an account name without `@` in the delegator's realm. */
  readonly name: string
}

/** Let the request through, changed as told. */
export interface Allowed {
  readonly kind: 'allow'
  readonly application: PublishedApplication
  /** Absent for a pass-through application and for a federation reply. */
  readonly identity?: PreauthenticatedIdentity
  /**
   * Present for each request of an application with `backendAuthentication: 'kerberos'`: the delegation was checked.
   * Whoever forwards reaches the backend in this name or not at all.
   */
  readonly delegation?: DelegatedIdentity
  readonly request: {
    /** The normalised target: this is what is forwarded. */
    readonly target: string
    /** The Cookie header without ours; undefined: send none. */
    readonly cookie: string | undefined
    /**
     * Headers that say who this is, by the name to send them under, after all that `removeHeaders` says were dropped.
     * Those that speak of the connection (X-Forwarded-*, Via) are the forwarder's to write.
     */
    readonly setHeaders: Readonly<Record<string, string>>
    /** Whether a header of the client, by its lower-case name, must not reach the backend. */
    readonly removeHeaders: (lowerName: string) => boolean
  }
  /** Set-Cookie lines that go with the backend's answer. */
  readonly response: { readonly setCookies: readonly string[] }
  readonly outcome: Outcome
}

/** Answer the request here; nothing of it reaches a backend. */
export interface Responded {
  readonly kind: 'respond'
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** Already empty where the request was HEAD. */
  readonly body: string
  readonly application?: PublishedApplication
  readonly outcome: Outcome
}

export type Preauthentication = Allowed | Responded

/** The framework-free decision: synchronous where a cookie or a rule decides, a promise where a token is verified. */
export type Preauthenticator = (request: PlainRequest) => Preauthentication | Promise<Preauthentication>
