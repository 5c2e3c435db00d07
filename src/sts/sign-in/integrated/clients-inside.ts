import { isIPv6 } from 'node:net'
import type { StsRequest } from '../../http/sts-request.ts'
import type { IntegratedSignInSettings } from './integrated-sign-in-options.ts'

type Asking = Pick<StsRequest, 'method' | 'headers' | 'clientAddress' | 'route'>

/** What a proxy adds on the way. A browser sends none of it. */
const addedByProxies =
  /^(?:via|forwarded|x-forwarded(?:-.+)?|x-original-(?:host|forwarded-for)|x-real-ip|x-client-ip|true-client-ip)$/
/** What Web Application Proxy and its like add: the request comes from outside, whoever forwards it. */
const addedByExtranetProxies = ['x-ms-proxy', 'x-ms-forwarded-client-ip', 'x-ms-endpoint-absolute-path']

const longestUserAgent = 512

/**
 * Says whether integrated sign-in is for the client of a request: a browser's own navigation, from a network inside,
 * by a browser that is named, and with nothing in between but trusted proxies that say who asks. A proxy that publishes
 * this server to the internet has an address inside as well: what it forwards must never count as coming from there.
 */
export function clientsInside({
  networks,
  userAgents,
}: Pick<IntegratedSignInSettings, 'networks' | 'userAgents'>): (request: Asking) => boolean {
  return ({ method, headers, clientAddress, route }) => {
    if (method !== 'GET' || route === 'unknown') return false
    const mode = headers['sec-fetch-mode']
    if (mode !== undefined && mode !== 'navigate') return false
    if (addedByExtranetProxies.some((name) => headers[name] !== undefined)) return false
    if (route === 'direct' && Object.keys(headers).some((name) => addedByProxies.test(name))) return false
    const address = clientAddress.replace(/%.*$/, '')
    if (!networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return false
    const userAgent = (headers['user-agent'] ?? '').slice(0, longestUserAgent)
    return userAgents.some((matches) => matches(userAgent))
  }
}
