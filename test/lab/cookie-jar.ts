/** Cookies as a browser keeps them, as far as the tests need it: host or domain, path, Secure, Max-Age and Expires. */

interface StoredCookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly hostOnly: boolean
  readonly path: string
  readonly secure: boolean
  readonly expires: number
  readonly attributes: string
}

export interface CookieJar {
  /** Takes in the Set-Cookie lines of an answer from that address. */
  take(url: URL, setCookies: readonly string[]): void
  /** The Cookie header for a request to that address, or undefined. */
  header(url: URL): string | undefined
  /** Names and values that would be sent to that address. */
  all(url: URL): Record<string, string>
  /** The attributes of a cookie as the server wrote them, from the first semicolon on. */
  attributes(url: URL, name: string): string | undefined
  put(url: URL, name: string, value: string): void
  forget(url: URL, name?: string): void
}

/** Opens an empty jar. RFC 6265 section 5.3 and 5.4, without a list of public suffixes. */
export function createCookieJar(): CookieJar {
  let cookies: StoredCookie[] = []
  const matching = (url: URL) =>
    cookies.filter(
      (cookie) =>
        cookie.expires > Date.now() &&
        (cookie.hostOnly
          ? url.hostname === cookie.domain
          : url.hostname === cookie.domain || url.hostname.endsWith(`.${cookie.domain}`)) &&
        liesUnder(url.pathname, cookie.path) &&
        (!cookie.secure || url.protocol === 'https:' || url.hostname.endsWith('.localhost')),
    )
  const keep = (cookie: StoredCookie) => {
    cookies = cookies.filter(
      ({ name, domain, path }) => !(name === cookie.name && domain === cookie.domain && path === cookie.path),
    )
    if (cookie.expires > Date.now()) cookies.push(cookie)
  }
  return {
    take: (url, setCookies) => {
      for (const line of setCookies) {
        const cookie = parseSetCookie(url, line)
        if (cookie !== undefined) keep(cookie)
      }
    },
    header: (url) => {
      const found = matching(url)
      return found.length === 0 ? undefined : found.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
    all: (url) => Object.fromEntries(matching(url).map(({ name, value }) => [name, value])),
    attributes: (url, name) => matching(url).find((cookie) => cookie.name === name)?.attributes,
    put: (url, name, value) =>
      keep({
        name,
        value,
        domain: url.hostname,
        hostOnly: true,
        path: '/',
        secure: false,
        expires: Infinity,
        attributes: '',
      }),
    forget: (url, name) => {
      const found = new Set(matching(url).filter((cookie) => name === undefined || cookie.name === name))
      cookies = cookies.filter((cookie) => !found.has(cookie))
    },
  }
}

function parseSetCookie(url: URL, line: string): StoredCookie | undefined {
  const [pair = '', ...attributes] = line.split(';')
  const equals = pair.indexOf('=')
  if (equals < 1) return undefined
  const given = new Map(
    attributes.map((attribute) => {
      const [key = '', ...value] = attribute.split('=')
      return [key.trim().toLowerCase(), value.join('=').trim()] as const
    }),
  )
  const domain = given.get('domain')?.replace(/^\./, '').toLowerCase()
  const path = given.get('path')
  const maxAge = given.get('max-age')
  const expires = given.get('expires')
  return {
    name: pair.slice(0, equals).trim(),
    value: pair.slice(equals + 1).trim(),
    domain: domain || url.hostname,
    hostOnly: !domain,
    path: path?.startsWith('/') ? path : '/',
    secure: given.has('secure'),
    expires:
      maxAge !== undefined ? Date.now() + Number(maxAge) * 1000 : expires ? (Date.parse(expires) ?? 0) : Infinity,
    attributes: line.slice(line.indexOf(';')),
  }
}

function liesUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}
