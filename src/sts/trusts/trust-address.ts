import { isIP } from 'node:net'
import { normaliseTarget, parseReturnUrl } from '../../edge-token/published-url.ts'

/**
 * Reads an external URL prefix that a trust is published under: http(s), a host name, a path with a trailing slash;
 * no user info, query, fragment, wildcard, or address as host; a path that means what it says.
 * @returns the URL as WHATWG spells it, which is what returned addresses are compared with.
 */
export function publishedAddress(text: string): { value: string } | { problem: string } {
  const url = webAddress(text)
  if (url === undefined)
    return { problem: 'a published address is an http or https URL without user info, fragment and blanks' }
  if (text.includes('?')) {
    return { problem: 'a published address has no query' }
  }
  if (!url.pathname.endsWith('/')) return { problem: 'a published address ends with a slash' }
  if (/[*%]/.test(url.hostname)) return { problem: 'a published address has no wildcard' }
  if (isAddress(url.hostname)) return { problem: 'a published address has a host name, not an IP address' }
  // the URL parser lets `;`, `,` and quotes pass, which mean something in the headers that name the host
  if (!/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/.test(url.hostname)) {
    return { problem: 'a published address has a host name of letters, digits, hyphens and dots' }
  }
  // prefixes are compared without path parameters and with several slashes as one: what is said here is what counts
  if (/%(?:2f|5c|25|2e)|;|\/\//i.test(url.pathname) || normaliseTarget(url.pathname)?.path !== url.pathname) {
    return {
      problem: 'the path of a published address has no encoded separators or dots, no `;` and no empty segments',
    }
  }
  return { value: url.href }
}

/** Reads an address that answers may be sent to: http(s), exact, without user info and fragment. */
export function replyAddress(text: string): { value: string } | { problem: string } {
  const url = webAddress(text)
  if (url === undefined || url.hostname.includes('*')) {
    return { problem: 'a reply address is an http or https URL without user info, fragment and wildcard' }
  }
  return { value: url.href }
}

function webAddress(text: string): URL | undefined {
  // blanks are what the URL parser would silently drop
  if (text.length > 2048 || /[\s\p{Cf}\p{Cs}]/u.test(text)) return undefined
  return parseReturnUrl(text)
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isIP(hostname.replace(/\.$/, '')) !== 0
}
