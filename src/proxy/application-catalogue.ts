import { comparablePath } from '../edge-token/published-url.ts'
import type { PublishedApplication } from './published-application.ts'

/**
 * Which application a request is for: the host by one look-up, then the longest prefix of whole path segments. Ten
 * thousand hosts cost what one costs.
 */

/** Where a request leads. */
export type Route =
  | { readonly kind: 'application'; readonly application: PublishedApplication }
  /** No such host, or not at this port or scheme. */
  | { readonly kind: 'unknown-host' }
  /** The host is ours, the path is nobody's. */
  | { readonly kind: 'unknown-path' }
  /** Backends read this path in different ways, and those lead to different applications. */
  | { readonly kind: 'ambiguous' }
  /** Plain http at an application that is published with TLS and asks for the redirect. */
  | { readonly kind: 'to-https'; readonly application: PublishedApplication }
  | { readonly kind: 'malformed-host' }

export interface ApplicationCatalogue {
  /**
   * @param host the Host header as received.
   * @param path normalised, without query.
   */
  route(scheme: 'http' | 'https', host: string, path: string): Route
  /** The published host names, without ports. */
  hosts(): string[]
  /** Whether a Host header names a published host, whatever its port. */
  serves(host: string): boolean
  /** Takes another set of applications at once; requests see the old one or the new one. */
  replace(applications: readonly PublishedApplication[]): void
}

/** The applications of one origin. */
interface Site {
  /** By comparable path, lower case. */
  readonly byPath: Map<string, PublishedApplication>
  /** Those that tell upper from lower case, by comparable path as written. */
  readonly byExactPath: Map<string, PublishedApplication>
  /** Most segments of any of them. */
  depth: number
  count: number
}

interface Tables {
  /** `host` and `host:port` as clients write them, by scheme. */
  readonly authorities: { readonly http: Map<string, Site>; readonly https: Map<string, Site> }
  /** All https applications of a host name, whatever the port. */
  readonly secureByName: Map<string, Site>
  readonly names: Set<string>
}

const unknownHost: Route = { kind: 'unknown-host' }
const unknownPath: Route = { kind: 'unknown-path' }
const ambiguous: Route = { kind: 'ambiguous' }
const malformedHost: Route = { kind: 'malformed-host' }

/** Builds a catalogue; `replace` builds it anew. */
export function createApplicationCatalogue(applications: readonly PublishedApplication[] = []): ApplicationCatalogue {
  let tables = buildTables(applications)
  return {
    route(scheme, host, path) {
      let site = tables.authorities[scheme].get(host)
      if (site === undefined) {
        const parsed = parseHost(host)
        if (parsed === undefined) return malformedHost
        site = tables.authorities[scheme].get(parsed.authority)
        if (site === undefined) return scheme === 'http' ? routeToHttps(tables, parsed.name, path) : unknownHost
      }
      return routeInSite(site, path)
    },
    hosts: () => [...tables.names],
    serves(host) {
      const parsed = parseHost(host)
      return parsed !== undefined && tables.names.has(parsed.name)
    },
    replace(changed) {
      tables = buildTables(changed)
    },
  }
}

/**
 * What two applications must not have in common: host name and path. Neither port nor scheme counts, because a
 * browser's cookies do not tell them apart.
 */
export function publishedPlace(application: PublishedApplication): string {
  let place = places.get(application)
  if (place === undefined) {
    const url = new URL(application.externalUrl)
    place = url.hostname + comparablePath(url.pathname)
    places.set(application, place)
  }
  return place
}

const places = new WeakMap<PublishedApplication, string>()

/**
 * Reads a Host header (RFC 9110 §7.2): a name, lower-cased and without a dot at its end, and a port.
 * @returns undefined for lists, user info, paths, ports that are none.
 */
export function parseHost(host: string): { name: string; authority: string } | undefined {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]{1,254})(?::(\d{1,5}))?$/i.exec(host)
  if (parts === null) return undefined
  const name = (parts[1] ?? '').toLowerCase().replace(/\.$/, '')
  const port = parts[2] === undefined ? undefined : Number(parts[2])
  if (name === '' || name.startsWith('.') || name.includes('..') || port === 0 || (port ?? 1) > 65_535) return undefined
  return { name, authority: port === undefined ? name : `${name}:${port}` }
}

function buildTables(applications: readonly PublishedApplication[]): Tables {
  const tables: Tables = {
    authorities: { http: new Map(), https: new Map() },
    secureByName: new Map(),
    names: new Set(),
  }
  for (const application of applications) {
    const url = new URL(application.externalUrl)
    const secure = url.protocol === 'https:'
    const byAuthority = tables.authorities[secure ? 'https' : 'http']
    const port = url.port === '' ? (secure ? '443' : '80') : url.port
    const site = siteOf(byAuthority, `${url.hostname}:${port}`)
    if (url.port === '') byAuthority.set(url.hostname, site)
    addTo(site, application, url.pathname)
    if (secure) addTo(siteOf(tables.secureByName, url.hostname), application, url.pathname)
    tables.names.add(url.hostname)
  }
  return tables
}

function siteOf(sites: Map<string, Site>, key: string): Site {
  let site = sites.get(key)
  if (site === undefined) {
    site = { byPath: new Map(), byExactPath: new Map(), depth: 0, count: 0 }
    sites.set(key, site)
  }
  return site
}

function addTo(site: Site, application: PublishedApplication, path: string): void {
  const exact = application.caseSensitivePaths
  const key = comparablePath(path, { caseSensitive: exact })
  ;(exact ? site.byExactPath : site.byPath).set(key, application)
  site.depth = Math.max(site.depth, key.split('/').length - 1)
  site.count++
}

function routeToHttps(tables: Tables, name: string, path: string): Route {
  const site = tables.secureByName.get(name)
  const route = site === undefined ? unknownHost : routeInSite(site, path)
  return route.kind === 'application' && route.application.enableHttpRedirect
    ? { kind: 'to-https', application: route.application }
    : unknownHost
}

function routeInSite(site: Site, path: string): Route {
  const found = longestPrefix(site, path)
  // With one application there is nothing to confuse it with.
  if (site.count > 1 && /%(?:2[f5]|5c|u)|[ .](?:\/|$)|%2[0e](?:\/|$)/i.test(path)) {
    for (let eager = path, round = 0; round < 4; round++) {
      const next = readEagerly(eager)
      if (longestPrefix(site, next) !== found) return ambiguous
      if (next === eager) break
      eager = next
    }
  }
  return found === undefined ? unknownPath : { kind: 'application', application: found }
}

/** One more round of decoding, as some backends do it, with `\` for `/` and dots and blanks at a segment's end dropped, as Windows does. */
function readEagerly(path: string): string {
  return path
    .replace(/%(?:u00)?([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll('\\', '/')
    .replace(/[. ]+(?=\/|$)/g, '')
}

function longestPrefix(site: Site, path: string): PublishedApplication | undefined {
  if (site.depth === 0) return site.byPath.get('') ?? site.byExactPath.get('')
  const exact = comparablePath(path, { caseSensitive: true })
  const lower = exact.toLowerCase()
  let end = endOfSegment(lower, site.depth)
  for (;;) {
    const application = site.byExactPath.get(exact.slice(0, end)) ?? site.byPath.get(lower.slice(0, end))
    if (application !== undefined || end <= 0) return application
    end = lower.lastIndexOf('/', end - 1)
  }
}

/** Where the first `depth` segments of a path end. */
function endOfSegment(path: string, depth: number): number {
  let at = 0
  for (let segment = 0; segment < depth; segment++) {
    at = path.indexOf('/', at + 1)
    if (at === -1) return path.length
  }
  return at
}
