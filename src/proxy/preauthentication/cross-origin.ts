import { headerText } from './client-kind.ts'
import type { PlainRequest } from './preauthentication.ts'
import type { Publication } from './publication.ts'

/** The Origin of a request where it is another one than the application's own; undefined: same origin, or not said. */
export function foreignOrigin(request: PlainRequest, { origin }: Publication): string | undefined {
  const said = headerText(request.headers['origin'])
  return said === undefined || said === origin ? undefined : said
}

/**
 * CORS headers for an answer of ours: none for an origin that the application does not allow, so that its pages learn
 * nothing. Vary says that it depends.
 */
export function corsHeaders(request: PlainRequest, publication: Publication): Record<string, string> {
  if (publication.allowedOrigins.size === 0) return {}
  const origin = foreignOrigin(request, publication)
  if (origin === undefined || !publication.allowedOrigins.has(origin)) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'WWW-Authenticate',
  }
}

/**
 * The answer to a CORS preflight from an allowed origin. A preflight carries no cookie, so it can never be
 * preauthenticated; it is answered here and never reaches the backend.
 * @returns undefined where it is no preflight, or of an origin that is not allowed.
 * @see https://fetch.spec.whatwg.org/#cors-preflight-fetch
 */
export function preflightHeaders(request: PlainRequest, publication: Publication): Record<string, string> | undefined {
  const { method, headers } = request
  if (method !== 'OPTIONS') return undefined
  const wanted = headerText(headers['access-control-request-method'])
  const origin = foreignOrigin(request, publication)
  if (origin === undefined || !publication.allowedOrigins.has(origin)) return undefined
  if (wanted === undefined || !/^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/i.test(wanted)) return undefined
  const asked = headerText(headers['access-control-request-headers'])
  const names = asked !== undefined && /^[!#$%&'*+.^_`|~0-9a-z, \t-]{1,4096}$/i.test(asked) ? asked : undefined
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Methods': wanted,
    ...(names === undefined ? {} : { 'Access-Control-Allow-Headers': names }),
    'Access-Control-Max-Age': '600',
    Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'Cache-Control': 'no-store',
  }
}
