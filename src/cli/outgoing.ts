/**
 * How connections go out: the `resolve` map of the configuration before DNS, as curl's `--resolve`. For split DNS, and
 * for names under `localhost` that Node does not resolve by itself.
 */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Agent } from 'undici'

/**
 * The address that the map gives a host name.
 * @param resolve host names, or `*.` and a parent, and IP addresses; the exact name goes first, then the nearest parent.
 * @returns undefined for a name that is not in it.
 */
export function mappedAddress(host: string, resolve: Readonly<Record<string, string>>): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, '')
  for (const [pattern, address] of Object.entries(resolve)) if (pattern.toLowerCase() === name) return address
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const pattern = `*${name.slice(dot)}`
    for (const [written, address] of Object.entries(resolve)) if (written.toLowerCase() === pattern) return address
  }
  return undefined
}

/** A lookup function for `net.connect`, `http.request` and undici: the map first, then the system. */
export function createLookup(resolve: Readonly<Record<string, string>>): LookupFunction {
  return (host, options, callback) => {
    const address = mappedAddress(host, resolve)
    if (address === undefined) {
      systemLookup(host, options as LookupOptions, callback as Parameters<typeof systemLookup>[2])
      return
    }
    const family = isIP(address)
    const answer: LookupAddress[] = [{ address, family }]
    queueMicrotask(() => {
      if (options.all === true) callback(null, answer)
      else callback(null, address, family)
    })
  }
}

/**
 * An undici dispatcher whose connections go where the map says.
 * @param options.ca certificate authorities in PEM beside the system's own.
 * @param options.timeout milliseconds for connecting, and for each wait after that.
 */
export async function createDispatcher(options: {
  resolve: Readonly<Record<string, string>>
  ca?: readonly string[]
  rejectUnauthorized?: boolean
  timeout?: number
}): Promise<Agent> {
  const { resolve, ca = [], rejectUnauthorized = true, timeout = 10_000 } = options
  const [{ Agent }, { rootCertificates }] = await Promise.all([import('undici'), import('node:tls')])
  return new Agent({
    connect: {
      lookup: createLookup(resolve),
      rejectUnauthorized,
      timeout,
      ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
    },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connections: 8,
  })
}

/** The platform's fetch over such a dispatcher: for metadata and key sets. */
export async function createFetch(options: Parameters<typeof createDispatcher>[0]): Promise<typeof globalThis.fetch> {
  const [{ fetch }, dispatcher] = await Promise.all([import('undici'), createDispatcher(options)])
  const withDispatcher = (input: string, init?: object) => fetch(input, { ...init, dispatcher })
  return withDispatcher as unknown as typeof globalThis.fetch
}
