import { lookup as platformLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

/**
 * A lookup for connections that answers some names itself, as curl's `--resolve` does.
 * @param resolve addresses by host name; `*.corp.test` stands for every name below it. Without regard to case.
 * @param otherwise who answers the other names; default: the system.
 * @throws {TypeError} for an address that is none.
 */
export function lookupByMap(
  resolve: Readonly<Record<string, string>>,
  otherwise: LookupFunction = platformLookup,
): LookupFunction {
  const addresses = new Map<string, string>()
  for (const [name, address] of Object.entries(resolve)) {
    if (isIP(address) === 0) throw new TypeError(`resolve: ${JSON.stringify(address)} of ${name} is no address`)
    addresses.set(name.toLowerCase(), address)
  }
  const find = (host: string) => {
    const name = host.toLowerCase().replace(/\.$/, '')
    const labels = name.split('.')
    const wildcards = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`)
    return [name, ...wildcards].map((one) => addresses.get(one)).find((address) => address !== undefined)
  }
  return (host, options, callback) => {
    const address = find(host)
    if (address === undefined) return otherwise(host, options, callback)
    const family = isIP(address)
    if (options.all === true) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}
