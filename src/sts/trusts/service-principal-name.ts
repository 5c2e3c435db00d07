import { isIP } from 'node:net'

/**
 * Services that no identity from the edge is ever delegated to: whoever reaches one of them in a person's name owns
 * files, the directory or the machine. `host` is Windows' alias for some forty of them.
 */
const neverDelegated = new Set([
  'cifs',
  'dns',
  'gc',
  'host',
  'kadmin',
  'krbtgt',
  'ldap',
  'restrictedkrbhost',
  'rpc',
  'rpcss',
  'termsrv',
  'wsman',
])

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const syntax = new RegExp(`^([a-z][a-z0-9-]{0,31})/(${label}(?:\\.${label})*)(?::([1-9][0-9]{0,4}))?$`, 'i')

/**
 * Reads a service principal name that may be delegated to: `HTTP/app.corp.test`, with a port if need be. No realm
 * (`@…`), which would lead into another one; no third part, no wildcard, no address.
 */
export function servicePrincipalName(text: string): { value: string } | { problem: string } {
  const [, service, host, port] = (text.length <= 300 && syntax.exec(text)) || []
  if (
    service === undefined ||
    host === undefined ||
    host.length > 253 ||
    isIP(host) !== 0 ||
    Number(port ?? 1) > 65_535
  ) {
    return {
      problem: 'a service principal name is service/host or service/host:port, without realm, wildcard or address',
    }
  }
  if (neverDelegated.has(service.toLowerCase())) {
    return { problem: `identities are never delegated to ${service}/: name the web service, as in HTTP/${host}` }
  }
  return { value: text }
}
