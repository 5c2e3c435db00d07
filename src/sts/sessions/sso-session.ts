/** A person signed in at this federation server. It knows of no protocol: participants are opaque to it. */
export interface SsoSession {
  /** Public id, 128 random bits as base64url; goes into tokens and logs. */
  readonly sid: string
  readonly personId: string
  readonly upn: string
  /** Authentication method URIs. */
  readonly methods: readonly string[]
  readonly authenticatedAt: Date
  readonly expiresAt: Date
  readonly persistent: boolean
  readonly participants: readonly string[]
}
