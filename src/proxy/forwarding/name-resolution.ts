import dns from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

/**
 * Makes the `lookup` of an outgoing connection from the `resolve` table of the configuration: split DNS, as curl's
 * `--resolve`. A name that the table does not hold is asked of the operating system.
 * @param resolve host name, or `*.` and a parent name, to an IP address. An exact name wins, then the longest parent;
 *   the wildcard stands for any number of labels, never for none.
 * @throws {TypeError} for a value that is not an IP address.
 */
export function createLookup(resolve: Readonly<Record<string, string>> = {}): LookupFunction {
  const exact = new Map<string, { address: string; family: number }>()
  const parents: { suffix: string; address: string; family: number }[] = []
  for (const [name, address] of Object.entries(resolve)) {
    const family = isIP(address)
    if (family === 0) throw new TypeError(`resolve: ${name} must name an IP address, not ${JSON.stringify(address)}`)
    const host = plainName(name)
    if (host.startsWith('*.')) parents.push({ suffix: host.slice(1), address, family })
    else exact.set(host, { address, family })
  }
  parents.sort((a, b) => b.suffix.length - a.suffix.length)
  return (hostname, options, callback) => {
    const host = plainName(hostname)
    const known = exact.get(host) ?? parents.find((parent) => host.endsWith(parent.suffix))
    if (known === undefined) return dns.lookup(hostname, options as dns.LookupAllOptions, callback as never)
    // net.connect expects the answer of a lookup after its own return, never within the call
    process.nextTick(() => {
      if (options.all) callback(null, [{ address: known.address, family: known.family }])
      else callback(null, known.address, known.family)
    })
  }
}

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '')
