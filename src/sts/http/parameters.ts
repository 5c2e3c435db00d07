/**
 * Parameters of an address or a form, read strictly: what two readers could understand differently is refused, not
 * repaired. Names count without regard to case, as real proxies write `appRealm` and the specification `apprealm`.
 */

/** Values by lower-case name, each name once. */
export type Parameters = ReadonlyMap<string, string>

/** Why a text is not taken: the same name twice, something that is not UTF-8 text, or too many of them. */
export type ParameterProblem = 'duplicate' | 'encoding' | 'too-many'

const mostParameters = 100

/**
 * Reads `application/x-www-form-urlencoded` text.
 * @param text without a leading `?`.
 * @returns the values, or what is wrong: `encoding` covers broken percent signs, bytes that are not UTF-8 (unpaired
 *   surrogates with them), characters that must have been percent-encoded and NUL.
 */
export function parseParameters(text: string): Parameters | ParameterProblem {
  const values = new Map<string, string>()
  if (text === '') return values
  const pieces = text.split('&', mostParameters + 1)
  if (pieces.length > mostParameters) return 'too-many'
  for (const piece of pieces) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = decode(equals === -1 ? piece : piece.slice(0, equals))?.toLowerCase()
    const value = decode(equals === -1 ? '' : piece.slice(equals + 1))
    if (name === undefined || value === undefined) return 'encoding'
    if (values.has(name)) return 'duplicate'
    values.set(name, value)
  }
  return values
}

/** Whether `parseParameters` took the text. */
export function areParameters(read: Parameters | ParameterProblem): read is Parameters {
  return typeof read !== 'string'
}

function decode(text: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(text)) return undefined
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    const decoded = decodeURIComponent(spaced)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}
