import { isIP } from 'node:net'

/**
 * Reads an external URL prefix that a trust is published under: http(s), a host name, a path with a trailing slash;
 * no user info, query, fragment, wildcard, or address as host; a path that means what it says.
 * @returns the URL as WHATWG spells it, which is what returned addresses are compared with.
 */
export function publishedAddress(text: string): { value: string } | { problem: string } {
  const url = webAddress(text)
  if (url === undefined) return { problem: 'a published address is an http or https URL without user info' }
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    return { problem: 'a published address has no query and no fragment' }
  }
  if (!url.pathname.endsWith('/')) return { problem: 'a published address ends with a slash' }
  if (/[*%]/.test(url.hostname)) return { problem: 'a published address has no wildcard' }
  if (isAddress(url.hostname)) return { problem: 'a published address has a host name, not an IP address' }
  // dot segments are gone by now; an encoded separator would bring them back further down
  if (/%(?:2f|5c|25|2e)/i.test(url.pathname) || url.pathname.includes('//')) {
    return { problem: 'the path of a published address has no encoded separators or dots and no empty segments' }
  }
  return { value: url.href }
}

/** Reads an address that answers may be sent to: http(s), exact, without user info and fragment. */
export function replyAddress(text: string): { value: string } | { problem: string } {
  const url = webAddress(text)
  if (url === undefined || url.hash !== '' || text.includes('#') || url.hostname.includes('*')) {
    return { problem: 'a reply address is an http or https URL without user info, fragment and wildcard' }
  }
  return { value: url.href }
}

function webAddress(text: string): URL | undefined {
  // what the URL parser would silently drop or turn is refused instead
  if (text.length > 2048 || /[\s\\\p{Cc}\p{Cf}\p{Cs}]/u.test(text) || !/^https?:\/\/[^/]/i.test(text)) return undefined
  const url = URL.parse(text)
  if (url === null || url.hostname === '' || url.username !== '' || url.password !== '') return undefined
  return /^[^/]*\/\/[^/?#]*@/.test(text) ? undefined : url
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isIP(hostname.replace(/\.$/, '')) !== 0
}
