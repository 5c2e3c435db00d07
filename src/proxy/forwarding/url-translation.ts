import type { PublishedApplication } from '../published-application.ts'

/**
 * Translates addresses between an application's external and its backend origin, in headers only. An address is
 * translated when it names exactly the mapped host; relative and protocol-relative addresses, and those of any other
 * host, stay as they are.
 */
export interface UrlTranslation {
  /** External to backend: Origin and Referer, so that a backend's own checks against forged requests still hold. */
  toBackend(address: string): string
  /** Backend to external: Location, Content-Location, Access-Control-Allow-Origin. */
  toExternal(address: string): string
  /** A Set-Cookie line with its Domain translated. */
  cookieToExternal(line: string): string
}

export function createUrlTranslation(application: PublishedApplication): UrlTranslation {
  const external = new URL(application.externalUrl)
  const backend = new URL(application.backendUrl)
  return {
    toBackend: (address) => withOrigin(address, external, backend.origin),
    toExternal: (address) => withOrigin(address, backend, external.origin),
    cookieToExternal: (line) => withCookieDomain(line, plainHost(backend), plainHost(external)),
  }
}

/** The address with `to` for its origin when it lies at `from`; the rest of it byte for byte. */
function withOrigin(address: string, from: URL, to: string): string {
  const written = /^https?:\/\/[^/?#\\]*/i.exec(address)?.[0]
  // a backslash after the host reads as a slash to a browser: leave what two readers read differently
  if (written === undefined || address[written.length] === '\\') return address
  const origin = URL.parse(written)
  if (origin === null || !sameHost(origin, from)) return address
  return to + address.slice(written.length)
}

/** Host and port equal; http and https on their default ports are one host, because TLS often ends before a backend. */
function sameHost(a: URL, b: URL): boolean {
  return plainHost(a) === plainHost(b) && a.port === b.port
}

const plainHost = (url: URL): string => url.hostname.replace(/\.$/, '')

/**
 * A Domain that names the backend's host becomes the external one. One that covers the backend (its parent) but not the
 * external host is taken out: a browser would refuse the whole cookie, host-only it works for this application.
 */
function withCookieDomain(line: string, backend: string, external: string): string {
  if (!/;[ \t]*domain[ \t]*=/i.test(line)) return line
  return line.replace(/;[ \t]*domain[ \t]*=[ \t]*\.?([^;]*)/gi, (attribute, written: string) => {
    const domain = written.trim().toLowerCase().replace(/\.$/, '')
    if (domain === external || external.endsWith(`.${domain}`)) return attribute
    if (domain === backend) return `; Domain=${external}`
    return domain !== '' && backend.endsWith(`.${domain}`) ? '' : attribute
  })
}
