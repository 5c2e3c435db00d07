import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { placeOf } from './host-name.ts'
import type { Refusal } from './refusal.ts'
import type { ServerCertificate } from './server-certificate.ts'
import type { Site } from './site.ts'

/** What one listener is particular about. */
export interface Rules {
  sites: readonly Site[]
  /** Who may speak plain http; undefined where everybody may, or TLS is spoken. */
  allowed?: ((address: string | undefined) => boolean) | undefined
  /** The certificate that a connection was opened with; the function is undefined where plain http is spoken. */
  presented?: ((socket: Socket) => ServerCertificate | undefined) | undefined
  /** On a listener that only redirects: where to; undefined for a host that plain http knows nothing of. */
  redirect?: ((site: Site, host: string, target: string) => string | undefined) | undefined
}

/** What `Allow` says (RFC 9110 §10.2.1). */
export const allowedMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
/** More header lines than any client sends; Node would drop those above a limit of its own without a word. */
const mostHeaderLines = 250

/**
 * Whether a request asks for a WebSocket (RFC 6455 §4.1). Any other `Upgrade` is an offer that a server may leave aside
 * (RFC 9110 §7.8): curl offers h2c with every request, for example.
 */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

/** Which site a request is for, or why it is for none. Brings a target in absolute form into origin form. */
export function judge(request: IncomingMessage, rules: Rules): { site: Site } | Refusal {
  const { socket, rawHeaders, method = '', headers } = request
  if (rules.allowed?.(socket.remoteAddress) === false) {
    return { status: 403, reason: 'plain http from an address that is not among trustedProxies' }
  }
  if (rawHeaders.length > 2 * mostHeaderLines) return { status: 431, reason: 'too many headers' }
  if (method === 'TRACE') return { status: 405, reason: method, allow: allowedMethods }
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    // RFC 9112 §6.1: without chunked as the only coding, where the body ends is anybody's guess.
    if (request.httpVersion !== '1.1') return { status: 400, reason: 'Transfer-Encoding before HTTP/1.1' }
    if (coding.toLowerCase() !== 'chunked') return { status: 501, reason: 'Transfer-Encoding other than chunked' }
  }
  const place = placeOf(request.url ?? '', rawHeaders)
  if (place === undefined) return { status: 400, reason: 'Host header or request target' }
  const { host, target } = place
  const site = rules.sites.find((each) => each.serves(host))
  if (site === undefined) return unknownHost
  if (rules.presented !== undefined) {
    // A connection is good for the hosts of the certificate that it was opened with, and for no other site's.
    const certificate = rules.presented(socket)
    if (certificate === undefined) return unknownServerName
    if (!certificate.covers(host)) return otherServerName
  }
  if (rules.redirect !== undefined) return redirection(method, rules.redirect(site, host, target))
  request.url = target
  return { site }
}

const unknownHost: Refusal = { status: 421, reason: 'unknown host' }
const unknownServerName: Refusal = { status: 421, reason: 'unknown server name' }
const otherServerName: Refusal = { status: 421, reason: 'host does not match the server name' }

function redirection(method: string, location: string | undefined): Refusal {
  if (location === undefined) return unknownHost
  if (method === 'GET' || method === 'HEAD') return { status: 301, reason: 'plain http', location }
  // Its body has crossed the network in the open already; sending it again by itself would hide that.
  return { status: 405, reason: 'plain http', allow: 'GET, HEAD' }
}
