import { createLookup } from '../../proxy/forwarding/name-resolution.ts'
import { type Finding, findingsOf, inParallel, reasonOf } from './finding.ts'

const { ok, warning, failed } = findingsOf('name')

/**
 * Whether each host name has an address: by the `resolve` map, or by the system.
 * @param hosts names as in addresses; each is looked up once.
 */
export async function checkNames(
  hosts: Iterable<string>,
  resolve: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const find = lookupOf(resolve)
  return inParallel([...new Set(hosts)], 16, async (host) => {
    try {
      return ok(host, (await find(host)).join(', '))
    } catch (error) {
      // Browsers know these by themselves, the resolver of Node.js does not.
      if (host.endsWith('.localhost'))
        return warning(host, 'has no address here; browsers take it for this machine, `resolve` would say so too')
      return failed(host, `has no address: ${reasonOf(error)}`)
    }
  })
}

function lookupOf(resolve: Readonly<Record<string, string>>): (host: string) => Promise<string[]> {
  const lookup = createLookup(resolve)
  return (host) =>
    new Promise((settle, reject) => {
      lookup(host, { all: true }, (error, addresses) => {
        if (error !== null) reject(error)
        else settle(Array.isArray(addresses) ? addresses.map(({ address }) => address) : [addresses])
      })
    })
}
