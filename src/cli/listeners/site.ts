import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Something that answers for a set of host names: the federation server, or the web application proxy. */
export interface Site {
  /** Every host name it answers for at this moment: lower case, without port and trailing dot. */
  hosts(): readonly string[]
  /** Whether it answers for `host` (as in `hosts`). Asked for every request, so it must not cost a walk through all of them. */
  serves(host: string): boolean
  handle(request: IncomingMessage, response: ServerResponse): void
  /** A WebSocket handshake. The site owns the socket from here on. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** A request with `Expect: 100-continue`; without this, 100 is sent at once and `handle` is called. */
  checkContinue?(request: IncomingMessage, response: ServerResponse): void
  /** The listeners are closing: what never ends by itself (WebSockets, event streams) should be ended now. */
  closing?(): void
  /**
   * Where plain http on a redirecting listener goes: an https origin without a path, or undefined for a host that plain
   * http knows nothing of. Without this, every host goes to the port of the first https listener.
   */
  httpsOrigin?(host: string): string | undefined
  /** Seconds within which the whole body of a request must have come; without this only standstill ends a request. */
  readonly requestTimeout?: number
}

/**
 * A site with one host name that never upgrades a connection, such as the federation server.
 * @param url its public base address; only the host name counts.
 * @param handle answers a request; an express application is one.
 */
export function siteOf(url: string, handle: Site['handle'], options: Pick<Site, 'requestTimeout'> = {}): Site {
  const { hostname, protocol, origin } = new URL(url)
  const host = hostname.replace(/\.$/, '')
  return {
    ...options,
    hosts: () => [host],
    serves: (asked) => asked === host,
    handle: (request, response) => handle(request, response),
    upgrade(_request, socket) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    },
    httpsOrigin: () => (protocol === 'https:' ? origin : undefined),
  }
}
