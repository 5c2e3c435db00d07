/**
 * The Cookie header: which of its pairs are ours, and what of it goes to the backend. Ours never do, in any copy; all
 * others stay byte for byte.
 */

export interface RequestCookies {
  /** Our cookies by their exact name; every value that came under it. */
  readonly ours: ReadonlyMap<string, readonly string[]>
  /** What is left for the backend; undefined: no Cookie header. */
  readonly forwarded: string | undefined
}

const none: ReadonlyMap<string, readonly string[]> = new Map()
const mayHoldOurs = /edge(?:accesscookie|signin_|reply)/i
/** Whatever a lenient reader could still take for one of ours: other case, blanks, quotes, a nameless pair. */
const looksLikeOurs = /^[\s="]*edge(?:accesscookie|signin_|reply)/i

/** Takes a Cookie header apart; lines are joined with `; `. */
export function readCookies(header: string | undefined): RequestCookies {
  if (header === undefined || !mayHoldOurs.test(header))
    return { ours: none, forwarded: header === '' ? undefined : header }
  const ours = new Map<string, string[]>()
  const kept: string[] = []
  for (const part of header.split(';')) {
    const pair = part.replace(/^[ \t]+/, '')
    if (!looksLikeOurs.test(pair)) {
      if (pair !== '') kept.push(pair)
      continue
    }
    const at = pair.indexOf('=')
    const name = at === -1 ? pair : pair.slice(0, at)
    const values = ours.get(name) ?? []
    values.push(at === -1 ? '' : pair.slice(at + 1).replace(/[ \t]+$/, ''))
    ours.set(name, values)
  }
  return { ours, forwarded: kept.length === 0 ? undefined : kept.join('; ') }
}

/** The value of a cookie that came exactly once; undefined where it is absent or ambiguous. */
export function onlyValue(cookies: RequestCookies, name: string): string | undefined {
  const values = cookies.ours.get(name)
  return values?.length === 1 ? values[0] : undefined
}

export interface CookieAttributes {
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: 'Lax' | 'None'
  /** Seconds; absent: until the browser is closed. */
  readonly maxAge?: number | undefined
}

/** A Set-Cookie line; always for the whole host, and for this host alone. */
export function setCookie(name: string, value: string, attributes: CookieAttributes): string {
  const { secure, httpOnly, sameSite, maxAge } = attributes
  return `${name}=${value}; Path=/${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}${httpOnly ? '; HttpOnly' : ''}${
    secure ? '; Secure' : ''
  }; SameSite=${sameSite}`
}

/** A Set-Cookie line that deletes. @param domain only to get rid of one that somebody else set for a parent domain. */
export function deleteCookie(name: string, secure: boolean, domain?: string): string {
  return `${name}=; Path=/; Max-Age=0${domain === undefined ? '' : `; Domain=${domain}`}; HttpOnly${secure ? '; Secure' : ''}; SameSite=Lax`
}
