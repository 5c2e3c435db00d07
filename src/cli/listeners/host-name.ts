// RFC 9110 §7.2, RFC 9112 §3.2: which host a request is for. A site is found by the name alone: the port in `Host` is
// the one that the client sees, which behind a forwarded port is not the one that is listened on, and a browser's cookies
// do not tell ports apart either. It must be a port, and that is all.

const hostAndPort = /^(?:([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?$/i
const longestName = 253

/**
 * The name in a Host header or an authority.
 * @returns lower case, without trailing dot and port; '' for an IPv6 address, which no site has; undefined for what is no
 * host at all (empty, a list, user info, a path, a port that is none).
 */
export function parseHost(text: string): string | undefined {
  const parts = hostAndPort.exec(text)
  if (parts === null || Number(parts[2] ?? 1) > 65_535) return undefined
  const name = parts[1] ?? ''
  return name.length > longestName ? undefined : name.toLowerCase()
}

/** The one Host header of a request as received; undefined when there is none, or more than one. */
export function onlyHostHeader(rawHeaders: readonly string[]): string | undefined {
  let found: string | undefined
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place] ?? ''
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (found !== undefined) return undefined
    found = rawHeaders[place + 1]
  }
  return found
}

export interface RequestPlace {
  host: string
  /** In origin form. */
  target: string
}

/**
 * The host and the path that a request is for. A target in absolute form is taken when it names the same host as the
 * Host header does (RFC 9112 §3.2.2 wants it understood), and becomes its path and query, character by character.
 * @returns undefined for what gets 400.
 */
export function placeOf(target: string, rawHeaders: readonly string[]): RequestPlace | undefined {
  const header = onlyHostHeader(rawHeaders)
  if (header === undefined) return undefined
  const host = parseHost(header)
  // No client sends these in a target; what backends make of them differs too much to guess. A backslash is none of them
  // in a query, where browsers leave it as it is; sites escape it before they read or forward it.
  if (host === undefined || /[#\0-\x20\x7f-\uffff]|^[^?]*\\/.test(target)) return undefined
  if (target.startsWith('/')) return { host, target }
  const [, authority = '', rest = ''] = /^https?:\/\/([^/?]*)(.*)$/i.exec(target) ?? []
  if (parseHost(authority) !== host || host === '') return undefined
  return { host, target: rest.startsWith('/') ? rest : `/${rest}` }
}
