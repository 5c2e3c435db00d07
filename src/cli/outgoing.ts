/**
 * How connections go out: the `resolve` map of the configuration before DNS, as curl's `--resolve`. For split DNS, and
 * for names under `localhost` that Node does not resolve by itself.
 */
import type { Agent } from 'undici'
import type { DocumentFetch } from '../edge-token/index.ts'
import { createLookup } from '../proxy/forwarding/name-resolution.ts'

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

/** A fetch whose connections go where the map says: for metadata and key sets. */
export async function createFetch(options: Parameters<typeof createDispatcher>[0]): Promise<DocumentFetch> {
  const [{ fetch }, dispatcher] = await Promise.all([import('undici'), createDispatcher(options)])
  return (url, init) => fetch(url, { ...init, dispatcher })
}
