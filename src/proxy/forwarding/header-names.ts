/**
 * What the proxy does with each header field, decided once per name and remembered: the hot path looks a name up as it
 * came, in whatever case, and neither lowers nor compares strings.
 *
 * Hop-by-hop fields (RFC 9110 §7.6.1) and framing end here in both directions; what a client could forge about itself
 * or a backend could tell the proxy's own server to do (X-Accel-Redirect, X-Sendfile) ends here as well.
 */
export interface HeaderName {
  readonly lower: string
  /** As it is usually written; an unusual name in lower case. */
  readonly spelling: string
  readonly request: RequestRule
  readonly response: ResponseRule
}

export type RequestRule = 'copy' | 'drop' | 'origin' | 'referer' | 'authorization'
export type ResponseRule =
  | 'copy'
  | 'drop'
  | 'address'
  | 'set-cookie'
  | 'connection'
  | 'content-length'
  | 'transfer-encoding'
  | 'www-authenticate'
  | 'content-type'
  | 'allow-origin'

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

/** Instructions to a reverse proxy or its web server, and the relics of attacks by header (httpoxy). */
const PROXY_INSTRUCTIONS = ['proxy', 'x-accel-redirect', 'x-sendfile', 'x-lighttpd-send-file', 'x-lighttpd-sendfile']

const requestRules = new Map<string, RequestRule>([
  ...[...HOP_BY_HOP, ...PROXY_INSTRUCTIONS].map((name) => [name, 'drop'] as const),
  // set afresh: Host by the backend, Cookie by preauthentication, the length by the framing of the body
  ...['host', 'cookie', 'content-length', 'expect', 'forwarded', 'via', 'x-real-ip'].map((n) => [n, 'drop'] as const),
  ['origin', 'origin'],
  ['referer', 'referer'],
  ['authorization', 'authorization'],
])

const responseRules = new Map<string, ResponseRule>([
  ...[...HOP_BY_HOP, ...PROXY_INSTRUCTIONS].map((name) => [name, 'drop'] as const),
  // Alt-Svc speaks of the backend's own ports: a browser would leave the proxy for them
  ['alt-svc', 'drop'],
  ['connection', 'connection'],
  ['location', 'address'],
  ['content-location', 'address'],
  ['set-cookie', 'set-cookie'],
  ['content-length', 'content-length'],
  ['transfer-encoding', 'transfer-encoding'],
  ['www-authenticate', 'www-authenticate'],
  ['content-type', 'content-type'],
  ['access-control-allow-origin', 'allow-origin'],
])

/** Names are remembered as they were spelt, at most so many: what a client invents beyond that is looked at each time. */
const REMEMBERED = 2_000
const remembered = new Map<string, HeaderName>()

/** @param spelt a field name as it came. */
export function headerName(spelt: string): HeaderName {
  const known = remembered.get(spelt)
  if (known !== undefined) return known
  const lower = spelt.toLowerCase()
  const made = judge(lower, remembered.get(lower)?.spelling ?? lower)
  if (remembered.size < REMEMBERED && spelt.length <= 64) remembered.set(spelt, made)
  return made
}

function judge(lower: string, spelling: string): HeaderName {
  // X_Forwarded_For and X-Forwarded-For are one name to a backend that speaks CGI, Content_Length and Content-Length too
  const dashed = lower.replaceAll('_', '-')
  const request = dashed.startsWith('x-forwarded-') ? 'drop' : (requestRules.get(dashed) ?? 'copy')
  return {
    lower,
    spelling,
    request: dashed === lower || request === 'copy' ? request : 'drop',
    response: lower.startsWith('x-accel-') ? 'drop' : (responseRules.get(lower) ?? 'copy'),
  }
}

// what everybody sends cannot be crowded out of the table by what an attacker invents
for (const name of [
  ...['Host', 'Connection', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Cookie', 'Origin'],
  ...['Referer', 'Cache-Control', 'Pragma', 'Upgrade-Insecure-Requests', 'Sec-Fetch-Dest', 'Sec-Fetch-Mode'],
  ...['Sec-Fetch-Site', 'Sec-Fetch-User', 'Priority', 'If-None-Match', 'If-Modified-Since', 'Range', 'Authorization'],
  ...['Content-Type', 'Content-Length', 'Content-Encoding', 'Transfer-Encoding', 'X-Requested-With', 'DNT', 'Date'],
  ...['Server', 'ETag', 'Last-Modified', 'Expires', 'Vary', 'Location', 'Set-Cookie', 'WWW-Authenticate', 'Keep-Alive'],
  ...['Strict-Transport-Security', 'X-Powered-By', 'X-Content-Type-Options', 'X-Frame-Options', 'Accept-Ranges'],
  ...['Content-Security-Policy', 'Referrer-Policy', 'Content-Disposition', 'Content-Range', 'Age', 'Via', 'Link'],
]) {
  const known = judge(name.toLowerCase(), name)
  remembered.set(name, known).set(known.lower, known)
}

/**
 * The names that a Connection field makes hop-by-hop.
 * @param connection the field's value, lines joined.
 * @returns undefined where it names none beyond the connection's own options.
 */
export function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  const names = new Set<string>()
  for (const token of connection.split(',')) {
    const name = token.trim().toLowerCase()
    if (name !== '' && name !== 'keep-alive' && name !== 'close' && name !== 'upgrade') names.add(name)
  }
  return names.size === 0 ? undefined : names
}
