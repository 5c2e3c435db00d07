import { parseReturnUrl } from '../../edge-token/published-url.ts'
import type { Parameters } from '../http/parameters.ts'
import { isGuid } from '../http/request-id.ts'

/** What a proxy asks of the federation server by redirecting a browser: an edge token for one application. */
export interface EdgeRequest {
  /** The proxy's own relying party identifier. */
  readonly realm: string
  /** objectIdentifier of the application's trust, lower case. */
  readonly trustId: string
  /** Parsed once; compared and sent on as parsed. */
  readonly returnUrl: URL
}

export type EdgeRequestProblem = 'version' | 'action' | 'realm' | 'apprealm' | 'returnurl'

/** Names of the parameters, compared without regard to case: real proxies write `appRealm` and `returnUrl`. */
const names = { version: 'version', action: 'action', realm: 'realm', trustId: 'apprealm', returnUrl: 'returnurl' }

/**
 * Reads the parameters of the edge sign-in.
 * @returns the request, or the parameter that is missing or not of its form.
 * @see [MS-ADFSPIP] 3.13.5.2.1; `client-request-id` is read with every request.
 */
export function parseEdgeRequest(query: Parameters): EdgeRequest | EdgeRequestProblem {
  if (query.get(names.version) !== '1.0') return 'version'
  if (query.get(names.action)?.toLowerCase() !== 'signin') return 'action'
  const realm = query.get(names.realm)
  if (realm === undefined || realm === '') return 'realm'
  const trustId = query.get(names.trustId)?.toLowerCase()
  if (trustId === undefined || !isGuid(trustId)) return 'apprealm'
  const returnUrl = parseReturnUrl(query.get(names.returnUrl) ?? '')
  if (returnUrl === undefined) return 'returnurl'
  return { realm, trustId, returnUrl }
}

/** The address of the same request on this server, made afresh from what was understood of it. */
export function edgeRequestAddress({ realm, trustId, returnUrl }: EdgeRequest, requestId: string): string {
  const query = new URLSearchParams({
    version: '1.0',
    action: 'signin',
    realm,
    appRealm: trustId,
    returnUrl: returnUrl.href,
    'client-request-id': requestId,
  })
  return `/adfs/ls?${query}`
}
