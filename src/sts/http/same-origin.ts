import type { StsRequest } from './sts-request.ts'

/**
 * Whether a posted form can have come from a page of ours, as far as the browser says: `Origin` must be our own where
 * it is sent (`null` proves nothing and is refused), and `Sec-Fetch-Site` must not name another site. A browser that
 * says neither passes; the form's own token decides then.
 */
export function comesFromOurPage({ headers }: Pick<StsRequest, 'headers'>, origin: string): boolean {
  const { origin: stated } = headers
  if (stated !== undefined && stated !== origin) return false
  const site = headers['sec-fetch-site']
  return site === undefined || site === 'same-origin' || site === 'none'
}
