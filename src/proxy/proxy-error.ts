/** What can go wrong in the proxy's own house: publishing, its store, its federation service. */
export type ProxyErrorCode =
  | 'invalid-application'
  | 'not-supported'
  | 'trust-unknown'
  | 'trust-disabled'
  | 'trust-claims-aware'
  | 'application-exists'
  | 'application-unknown'
  | 'overlap'
  | 'reply-needs-tls'
  | 'store-unusable'
  | 'newer-schema'
  | 'federation-service'

/**
 * The one error class of the proxy. `message` is for an operator and names what was expected and what came;
 * `parameter` names the setting of a published application at fault, as the caller wrote it.
 */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code: ProxyErrorCode
  readonly parameter: string | undefined

  constructor(code: ProxyErrorCode, message: string, options?: { cause?: unknown; parameter?: string }) {
    super(message, options)
    this.code = code
    this.parameter = options?.parameter
  }
}
