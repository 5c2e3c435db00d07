import { isIP } from 'node:net'
import type { Request } from 'express'

/**
 * How a request came here: straight from the client; through trusted proxies alone, which say who the client is; or in
 * a way that proves nothing of the kind: a proxy that is not trusted stands in between (or somebody pretends so), or a
 * trusted one does not say for whom it asks.
 */
export type ClientRoute = 'direct' | 'trusted' | 'unknown'

/** Reads the route off the socket, `X-Forwarded-For` and the proxies that Express was told to trust. */
export function clientRouteOf(incoming: Request): ClientRoute {
  const stated = incoming.headers['x-forwarded-for']
  if (stated === undefined) {
    const isTrusted = incoming.app.get('trust proxy fn') as (address: string, hop: number) => boolean
    return isTrusted(incoming.socket.remoteAddress ?? '', 0) ? 'unknown' : 'direct'
  }
  // Express keeps of the list what lies this side of the first address that it does not trust; whatever it drops stands
  // behind a proxy that nobody vouches for.
  const all = String(stated).split(',').length
  return incoming.ips.length === all && isIP(incoming.ip ?? '') !== 0 ? 'trusted' : 'unknown'
}
