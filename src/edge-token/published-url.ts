/**
 * The one normalisation of addresses: routing at the proxy, `returnUrl` at the federation server and the `resource` of
 * a token all look through these functions, so that no two of them read one address differently.
 *
 * An address that a backend could read otherwise than we do (encoded separators around dot segments, `..;`, overlong
 * UTF-8, a NUL) is not repaired but refused. In comparisons several slashes count as one and path parameters (`;…`)
 * do not count, because backends differ in that: what some backend takes for `/admin` is `/admin` here.
 */

/** A request target, ready to be compared and forwarded. */
export interface NormalisedTarget {
  /** Begins with `/`, has no dot segments, is ASCII; the percent-encoding is as it came. */
  path: string
  /** With its leading `?`, or empty. */
  query: string
}

/**
 * Normalises an origin-form request target (`/path?query`): dot segments go as in the WHATWG URL rules (`%2e` counts as
 * a dot), raw bytes above 0x7f and a backslash in the query are percent-encoded, everything else stays byte for byte.
 * @returns undefined (answer 400) where it does not begin with `/`, holds a control character, a blank, `#` or, in the
 *   path, a backslash or a NUL, or where encoded separators or dots, also encoded twice, make dot segments ambiguous.
 */
export function normaliseTarget(target: string): NormalisedTarget | undefined {
  const plain = /[^!-~]|[\\#]/.test(target) ? encodeUnusual(target) : target
  if (plain === undefined || plain.charCodeAt(0) !== 0x2f) return undefined
  const mark = plain.indexOf('?')
  const path = mark === -1 ? plain : plain.slice(0, mark)
  const query = mark === -1 ? '' : plain.slice(mark)
  const encoded = path.includes('%')
  if (!encoded && !path.includes('/.')) return { path, query }
  const resolved = removeDotSegments(path)
  if (encoded || path.includes(';')) {
    // Decoding first and removing dot segments first must lead to the same place, or a backend may go to the other.
    const before = decodeWholly(path)
    const after = decodeWholly(resolved)
    if (before === undefined || after === undefined || removeDotSegments(before) !== after) return undefined
  }
  return { path: resolved, query }
}

/** How paths are compared; without regard to case unless told, as IIS does. */
export interface PathComparison {
  caseSensitive?: boolean | undefined
}

/**
 * The form in which a normalised path is compared: unreserved escapes decoded (RFC 3986 §6.2.2.2), one slash for
 * several, no path parameters, no slash at the end, lower case unless `caseSensitive`. The root is the empty string.
 */
export function comparablePath(path: string, { caseSensitive = false }: PathComparison = {}): string {
  let text = path
  if (text.includes('%')) text = text.replace(/%[0-9a-f]{2}/gi, decodeUnreserved)
  if (text.includes(';')) text = text.replace(/;[^/]*/g, '')
  if (text.includes('//')) text = text.replace(/\/{2,}/g, '/')
  if (text.endsWith('/')) text = text.slice(0, -1)
  return caseSensitive ? text : text.toLowerCase()
}

/**
 * Whether a path lies under a prefix by whole segments: `/app` covers `/app`, `/app/` and `/app/x`, never `/application`.
 * @param path a path as `normaliseTarget` gives it; likewise `prefix`, with or without a slash at its end.
 */
export function pathLiesUnder(path: string, prefix: string, comparison?: PathComparison): boolean {
  const inner = comparablePath(path, comparison)
  const outer = comparablePath(prefix, comparison)
  return inner.startsWith(outer) && (inner.length === outer.length || inner.charCodeAt(outer.length) === 0x2f)
}

/** An address prefix, parsed once. */
export interface UrlPrefix {
  /** As it was given. */
  readonly text: string
  /** See `urlLiesUnder`. */
  covers(url: string | URL, comparison?: PathComparison): boolean
}

/** Parses an address prefix that many addresses will be compared with; undefined where it covers nothing at all. */
export function openUrlPrefix(prefix: string | URL): UrlPrefix | undefined {
  const outer = parsePublished(prefix)
  if (outer === undefined) return undefined
  return {
    text: String(prefix),
    covers(url, comparison) {
      const inner = parsePublished(url)
      return inner !== undefined && inner.origin === outer.origin && pathLiesUnder(inner.path, outer.path, comparison)
    },
  }
}

/**
 * Whether an http(s) address lies under an address prefix: scheme, host (a trailing dot does not count) and port equal,
 * and the path under the prefix's path by whole segments. The queries take no part. False for anything that cannot be
 * parsed, holds user info, or has an ambiguous path.
 */
export function urlLiesUnder(url: string | URL, prefix: string | URL, comparison?: PathComparison): boolean {
  return openUrlPrefix(prefix)?.covers(url, comparison) ?? false
}

/**
 * Parses an address that a person is to be sent back to, once, by the WHATWG rules; go on with what it returns, never
 * with the text.
 * @returns undefined for another scheme than http(s), user info, a control character, a backslash, a fragment, or what
 *   cannot be parsed.
 */
export function parseReturnUrl(text: string): URL | undefined {
  if (typeof text !== 'string' || !/^https?:\/\/[^/?#@]+(?:[/?]|$)/i.test(text) || /[\\#]|\p{Cc}/u.test(text))
    return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url === undefined || url.username !== '' || url.password !== '' ? undefined : url
}

function parsePublished(address: string | URL): { origin: string; path: string } | undefined {
  const url = address instanceof URL ? address : parseReturnUrl(address)
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  if (url.username !== '' || url.password !== '') return undefined
  const target = normaliseTarget(url.pathname)
  if (target === undefined) return undefined
  const host = url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname
  return { origin: `${url.protocol}//${host}:${url.port}`, path: target.path }
}

/** Percent-encodes what may stand raw in a received target, or gives up on it. */
function encodeUnusual(target: string): string | undefined {
  const mark = target.indexOf('?')
  let text = ''
  for (let at = 0; at < target.length; at++) {
    const code = target.charCodeAt(at)
    if (code <= 0x20 || code === 0x7f || code === 0x23 || code > 0xff) return undefined
    if (code === 0x5c) {
      // Browsers leave a backslash in the query as it is, so it is legitimate there; in a path they never send one.
      if (mark === -1 || at < mark) return undefined
      text += '%5C'
    } else if (code > 0x7f) text += `%${code.toString(16).toUpperCase()}`
    else text += target[at]
  }
  return text
}

/** WHATWG URL §4.4, path state: single-dot and double-dot segments, where `%2e` is a dot. */
function removeDotSegments(path: string): string {
  const segments = path.split('/')
  const kept: string[] = []
  for (let at = 1; at < segments.length; at++) {
    const segment = segments[at] as string
    const dots = segment.length <= 6 ? segment.replace(/%2e/gi, '.') : segment
    if (dots === '..') kept.pop()
    if (dots !== '..' && dots !== '.') kept.push(segment)
    else if (at === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}

/**
 * Reads a path as the most eager backend would: escapes decoded until none is left, `%u` escapes and overlong UTF-8
 * too, backslashes as slashes, dot segments with path parameters or blanks behind them as dot segments.
 * @returns undefined where that does not come to an end soon, or finds a NUL.
 */
function decodeWholly(path: string): string | undefined {
  let text = path
  for (let round = 0; round < 8; round++) {
    const next = text
      .replace(/%u00([0-9a-f]{2})/gi, '%$1')
      .replace(/%(?:c|e0%8)([01])%([89ab][0-9a-f])/gi, decodeOverlong)
      .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    if (next === text) {
      if (text.includes('\0')) return undefined
      return text.replaceAll('\\', '/').replace(/(^|\/)(\.\.?)(?:;[^/]*| +)(?=\/|$)/g, '$1$2')
    }
    text = next
  }
  return undefined
}

function decodeOverlong(_: string, high: string, low: string): string {
  return String.fromCharCode((Number(high) << 6) | (Number.parseInt(low, 16) & 0x3f))
}

function decodeUnreserved(triplet: string): string {
  const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : triplet.toUpperCase()
}
