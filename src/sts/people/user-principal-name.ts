import { StsError } from '../sts-error.ts'

/** Longest user principal name, in UTF-16 code units; the same limit as in the edge token. */
export const longestUpn = 1024

// blanks, control and invisible characters, and the separators of Kerberos names and of DOMAIN\user
const forbidden = /[\s/\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * Reads a user principal name: something, one `@`, something; 1 to 1024 characters; no `/`, `\`, blank, control or
 * invisible character. Stricter than what a foreign token may carry, because these names are made here.
 * @returns the name in Unicode's composed form, or undefined.
 */
export function parseUpn(text: string): string | undefined {
  if (typeof text !== 'string' || text.length === 0 || text.length > longestUpn) return undefined
  if (!text.isWellFormed() || forbidden.test(text)) return undefined
  const upn = text.normalize('NFC')
  const at = upn.indexOf('@')
  if (at < 1 || at === upn.length - 1 || at !== upn.lastIndexOf('@') || upn.length > longestUpn) return undefined
  return upn
}

/**
 * The form in which names are compared: without regard to case and to how an accent was typed.
 * @param upn a name that `parseUpn` returned.
 */
export function upnKey(upn: string): string {
  return upn.toLowerCase().normalize('NFC')
}

/** @throws {StsError} `invalid-upn` */
export function requireUpn(text: string): string {
  const upn = parseUpn(text)
  if (upn !== undefined) return upn
  throw new StsError(
    'invalid-upn',
    `a user principal name is name@domain: one @, 1 to ${longestUpn} characters, no blank, slash or control character`,
  )
}
