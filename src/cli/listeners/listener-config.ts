import { isIP } from 'node:net'
import { isLoopback } from './address-list.ts'
import { ListenerError } from './listener-error.ts'
import type { CertificateFiles } from './server-certificate.ts'

export interface ListenerConfig {
  /** An IP address of this machine; `0.0.0.0` or `::` for all of them. */
  address: string
  /** 0 takes a free one. */
  port: number
  protocol: 'http' | 'https'
  certificates?: readonly CertificateFiles[] | undefined
  /** Addresses or CIDR ranges of the reverse proxies in front of a plain http listener. */
  trustedProxies?: readonly string[] | undefined
  /** Answers nothing but redirects to https. */
  redirectToHttps?: boolean | undefined
}

/** @throws {ListenerError} `address`, `plain-http`, `configuration` */
export function checkConfig({
  address,
  port,
  protocol,
  certificates = [],
  trustedProxies = [],
  redirectToHttps = false,
}: ListenerConfig): void {
  const name = `${protocol}://${urlHost(address)}:${port}`
  const fail = (code: 'address' | 'plain-http' | 'configuration', message: string) => {
    throw new ListenerError(code, `The listener ${name} ${message}`)
  }
  if (isIP(address) === 0) fail('address', 'needs an IP address to listen on')
  if (!Number.isInteger(port) || port < 0 || port > 65_535) fail('address', 'needs a port from 0 to 65535')
  if (protocol === 'https') {
    if (redirectToHttps) fail('configuration', 'speaks https already: redirectToHttps is for http')
    if (certificates.length === 0) fail('configuration', 'needs a certificate')
  } else {
    if (certificates.length > 0) fail('configuration', 'speaks http: it has no use for certificates')
    if (!redirectToHttps && !isLoopback(address) && trustedProxies.length === 0) {
      fail('plain-http', 'would serve plain http to others: name trustedProxies, use https, or listen on 127.0.0.1')
    }
  }
}

/** An address as it stands in a URL. */
export function urlHost(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address
}
