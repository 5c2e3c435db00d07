export type PreauthenticationKind = 'adfs' | 'pass-through'

/** A published application, complete and valid: the outcome of {@link parsePublishedApplication}. */
export interface PublishedApplication {
  /** GUID, lower case. */
  readonly id: string
  readonly name: string
  /** Where people find it: a WHATWG-serialised http(s) URL whose path ends in a slash. */
  readonly externalUrl: string
  /** Where it lives; same path. */
  readonly backendUrl: string
  readonly preauthentication: PreauthenticationKind
  /** The relying party trust, for `adfs`. */
  readonly trustId?: string
  /** Above 0: the access cookie outlives the browser, at most this many seconds. */
  readonly persistentAccessCookieExpirationTimeSec: number
  readonly disableHttpOnlyCookieProtection: boolean
  /** Send the external host to the backend instead of its own. */
  readonly disableTranslateUrlInRequestHeaders: boolean
  readonly disableTranslateUrlInResponseHeaders: boolean
  readonly backendServerCertificateValidation: 'ValidateCertificate' | 'None'
  readonly inactiveTransactionsTimeoutSec: number
  readonly enableHttpRedirect: boolean
  readonly enableSignOut: boolean
  /** Header name to claim: what the backend is told about the person. */
  readonly identityHeaders: Readonly<Record<string, string>>
  /** What becomes of a value outside visible ASCII. */
  readonly identityHeaderEncoding: 'percent-encode' | 'omit'
  /** Origins that may call from a browser: CORS and WebSocket. */
  readonly allowedOrigins: readonly string[]
  /** Who answers /robots.txt. */
  readonly robots: 'deny' | 'application'
  readonly caseSensitivePaths: boolean
  readonly backendAuthentication: 'none'
}
