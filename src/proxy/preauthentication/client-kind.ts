/**
 * Person or program: who gets a redirect, who a page, who a problem document. One table, looked at for every request
 * that is not let in.
 *
 * | request                                                                            | kind    |
 * |------------------------------------------------------------------------------------|---------|
 * | an upgrade, or Authorization: Bearer                                                | program |
 * | Sec-Fetch-Mode: navigate                                                            | person  |
 * | any other Sec-Fetch-*                                                               | program |
 * | X-Requested-With                                                                    | program |
 * | Accept absent, any type, or text/html among others                                  | person  |
 * | anything else                                                                       | program |
 */

export type ClientKind = 'person' | 'program'

/** What of a request tells person and program apart. */
export interface ClientTraits {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly upgrade?: string | undefined
}

/** Says who sent a request. Pure; nothing is let in or kept out by it. */
export function clientKind({ headers, upgrade }: ClientTraits): ClientKind {
  if (upgrade !== undefined || /^bearer(?: |$)/i.test(headerText(headers['authorization']) ?? '')) return 'program'
  const mode = headerText(headers['sec-fetch-mode'])
  if (mode !== undefined) return mode === 'navigate' ? 'person' : 'program'
  for (const name in headers) if (name.startsWith('sec-fetch-') && headers[name] !== undefined) return 'program'
  if (headers['x-requested-with'] !== undefined) return 'program'
  return wantsPage(headerText(headers['accept'])) ? 'person' : 'program'
}

/** What somebody without a session gets. */
export type Challenge = 'redirect' | 'page' | 'problem'

/**
 * | kind    | GET, HEAD | another method |
 * |---------|-----------|----------------|
 * | person  | redirect  | page           |
 * | program | problem   | problem        |
 *
 * Never a redirect for a method with a body: a 307 would post it to the federation service.
 */
export function challengeFor(kind: ClientKind, method: string): Challenge {
  if (kind === 'program') return 'problem'
  return method === 'GET' || method === 'HEAD' ? 'redirect' : 'page'
}

/** A header as one text; several lines are a list (RFC 9110 §5.3). */
export function headerText(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(', ')
}

function wantsPage(accept: string | undefined): boolean {
  const ranges = (accept ?? '')
    .toLowerCase()
    .split(',')
    .map((range) => range.trim())
  if (ranges.every((range) => range === '')) return true
  if (ranges.length === 1 && /^\*\/\*(?:\s*;|$)/.test(ranges[0] ?? '')) return true
  return ranges.some((range) => /^text\/html(?:\s*;|$)/.test(range) && !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range))
}
