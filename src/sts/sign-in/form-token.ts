import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Proof that a posted form was shown to the very browser that posts it. Its hidden field is an HMAC of what the browser
 * keeps in a cookie (before sign-in a random value of its own, after sign-in the session's id), so that neither a
 * foreign site nor a cookie that was planted without the field gets anything done.
 */
export interface FormTokens {
  /** A new value for the cookie of a browser that has none. */
  newBrowserValue(): string
  /** The hidden field of a form. @param purpose forms of one purpose do not pass for another. */
  tokenFor(purpose: FormPurpose, bound: string): string
  matches(token: string | undefined, purpose: FormPurpose, bound: string): boolean
}

export type FormPurpose = 'sign-in' | 'sign-out'

/** Name of the hidden field. */
export const formTokenField = 'FormToken'

/** @param key made once, for this purpose alone. */
export function createFormTokens(key: KeyObject): FormTokens {
  const tokenFor = (purpose: FormPurpose, bound: string) =>
    createHmac('sha256', key).update(`${purpose}\n${bound}`).digest('base64url')
  return {
    newBrowserValue: () => randomBytes(18).toString('base64url'),
    tokenFor,
    matches(token, purpose, bound) {
      const expected = Buffer.from(tokenFor(purpose, bound))
      const given = Buffer.from(token ?? '')
      return given.length === expected.length && timingSafeEqual(given, expected)
    },
  }
}
