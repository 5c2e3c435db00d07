import type { ProxyTrust } from '../federation-service.ts'
import { headerText } from './client-kind.ts'
import type { PlainRequest } from './preauthentication.ts'

/**
 * Whether a request is what the federation service sends to a claims application through the browser: a POST whose
 * Origin is the federation service, to exactly an address registered with this trust. Scheme, host, port and query are
 * compared as they are, the path without regard to case.
 * @param given.address the absolute address of the request, normalised.
 */
export function isFederationReply(given: {
  request: PlainRequest
  address: string
  trust: ProxyTrust
  signInUrl: string
}): boolean {
  const { request, address, trust, signInUrl } = given
  if (request.method !== 'POST' || headerText(request.headers['origin']) !== new URL(signInUrl).origin) return false
  const asked = plainAddress(address)
  return asked !== undefined && trust.replyAddresses.some((registered) => plainAddress(registered) === asked)
}

function plainAddress(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return (
    url && `${url.protocol}//${url.hostname.replace(/\.$/, '')}:${url.port}${url.pathname.toLowerCase()}${url.search}`
  )
}
