import type { PublishedApplication } from '../published-application.ts'

/** The person whom identity headers speak of. */
export interface HeaderSource {
  readonly upn?: string | undefined
  /** Other claims that were kept in the access cookie, by name. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * The identity headers of an application for one person. A claim that is not there makes no header; whatever the client
 * sent under the name is gone all the same.
 */
export function identityHeaders(application: PublishedApplication, person: HeaderSource): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, claim] of Object.entries(application.identityHeaders)) {
    const value = claimValue(claim, person)
    const written = value === undefined ? undefined : headerValue(value, application.identityHeaderEncoding)
    if (written !== undefined) headers[name] = written
  }
  return headers
}

/**
 * The claims of a token that an application's identity headers need, to be kept in its access cookie; no others.
 * Several values of a claim become one, joined by commas, a comma within a value as `%2C`.
 */
export function claimsForHeaders(
  application: PublishedApplication,
  claims: Readonly<Record<string, unknown>>,
): Record<string, string> | undefined {
  const kept: Record<string, string> = {}
  for (const claim of Object.values(application.identityHeaders)) {
    if (claim === 'upn' || claim === 'user-part' || !Object.hasOwn(claims, claim)) continue
    const value = plainValue(claims[claim])
    if (value !== undefined) kept[claim] = value
  }
  return Object.keys(kept).length === 0 ? undefined : kept
}

/**
 * A value as it can stand in a header: visible ASCII as it is; otherwise percent-encoded UTF-8 or none at all. Where
 * encoding is the rule `%` itself is encoded too, so that no two people share a value.
 */
export function headerValue(
  value: string,
  encoding: PublishedApplication['identityHeaderEncoding'],
): string | undefined {
  if (encoding === 'omit') return /^[\x21-\x7e]{1,8192}$/.test(value) ? value : undefined
  const written = value
    .toWellFormed()
    .replace(/[^\x21-\x24\x26-\x7e]+/g, (run) =>
      [...Buffer.from(run)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
  return written === '' || written.length > 8192 ? undefined : written
}

function claimValue(claim: string, { upn, headers }: HeaderSource): string | undefined {
  if (claim === 'upn') return upn
  if (claim === 'user-part') return upn?.slice(0, upn.indexOf('@'))
  return headers !== undefined && Object.hasOwn(headers, claim) ? headers[claim] : undefined
}

function plainValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!Array.isArray(value)) return undefined
  const values = value.map((item) => plainValue(Array.isArray(item) ? undefined : item)?.replaceAll(',', '%2C'))
  return values.includes(undefined) || values.length === 0 ? undefined : values.join(',')
}
