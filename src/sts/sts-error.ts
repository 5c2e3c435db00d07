/**
 * Every way in which the federation server refuses what an administrator, a file or a caller asked of it. What a
 * browser does wrong is not among them: a bad request is answered with a page, not thrown.
 */
export type StsErrorCode =
  // people and groups
  | 'person-unknown'
  | 'person-exists'
  | 'invalid-upn'
  | 'invalid-password'
  | 'password-too-long'
  | 'group-unknown'
  | 'group-exists'
  | 'invalid-group'
  // relying party trusts
  | 'trust-unknown'
  | 'trust-exists'
  | 'invalid-trust'
  // sessions
  | 'session-unknown'
  | 'session-ended'
  | 'integrated-sign-in'
  // what lies on disk
  | 'newer-schema'
  | 'store-unusable'
  | 'store-closed'
  | 'master-key'
  | 'keys'

/** An error of the federation server: `code` is the contract, `message` is for an operator and never holds a secret. */
export class StsError extends Error {
  override readonly name = 'StsError'
  readonly code: StsErrorCode

  constructor(code: StsErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
