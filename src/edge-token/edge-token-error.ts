/** Every way in which a token, a cookie or the keys to check them with can fail. The codes are the contract; the messages are not. */
export type EdgeTokenErrorCode =
  | 'malformed'
  | 'signature'
  | 'algorithm'
  | 'issuer'
  | 'audience'
  | 'relying-party'
  | 'resource'
  | 'expired'
  | 'not-yet-valid'
  | 'lifetime'
  | 'delegation'
  | 'combo'
  | 'keys-unavailable'

/**
 * What this room rejects with. `message` is for an operator: what was expected and what came, never a token, a cookie
 * or a key. `cause` is the error that was caught, where there was one.
 */
export class EdgeTokenError extends Error {
  override readonly name = 'EdgeTokenError'
  readonly code: EdgeTokenErrorCode

  constructor(code: EdgeTokenErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
