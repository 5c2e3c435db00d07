/** Cookies of the federation server: host-only, HttpOnly, SameSite=Lax, and on https Secure with the `__Host-` prefix. */

/** What came in the Cookie lines: every value of a name, in order. */
export type Cookies = ReadonlyMap<string, readonly string[]>

/** The cookies that the federation server sets: the SSO session, the form before it, and the familiar device. */
export type CookieKind = 'SsoSession' | 'SignInForm' | 'FamiliarDevice'

/** What the listeners take for all headers together: cookies of whole domains are a browser's to pile up, not a person's. */
const mostCookieText = 32 * 1024
/** Values of one cookie that are looked at; a browser sends one, or two where another site has planted its own. */
const mostValues = 8

/** Reads the Cookie header; what is not a cookie pair is passed over. */
export function parseCookies(header: string | undefined): Cookies {
  const cookies = new Map<string, string[]>()
  if (header === undefined || header.length > mostCookieText) return cookies
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = pair.slice(0, equals).trim()
    const value = pair.slice(equals + 1).trim()
    const known = cookies.get(name)
    if (known === undefined) cookies.set(name, [value])
    else known.push(value)
  }
  return cookies
}

/** The cookies of one federation server, named and flagged by whether browsers reach it over https. */
export interface CookieFormat {
  /** All values that a browser sent for this cookie, of the characters that ours are made of. */
  valuesOf(cookies: Cookies, kind: CookieKind): string[]
  /** A Set-Cookie line. Without `maxAge` (seconds) the cookie goes with the browser's session. */
  set(kind: CookieKind, value: string, options?: { maxAge?: number }): string
  /** A Set-Cookie line that removes the cookie, with the flags that it was set with. */
  clear(kind: CookieKind): string
}

/** @param secure whether browsers reach the server over https. */
export function createCookieFormat({ secure }: { secure: boolean }): CookieFormat {
  const prefix = secure ? '__Host-' : ''
  const flags = `; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    valuesOf: (cookies, kind) =>
      (cookies.get(prefix + kind) ?? [])
        .slice(0, mostValues)
        .filter((value) => value.length <= 1024 && /^[\w.~-]+$/.test(value)),
    set: (kind, value, { maxAge } = {}) =>
      `${prefix}${kind}=${value}${flags}${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`,
    clear: (kind) => `${prefix}${kind}=${flags}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`,
  }
}
