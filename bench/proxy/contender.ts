import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'

/** What every program here is told on its command line. */
export const { values: told } = parseArgs({
  options: {
    backend: { type: 'string', default: '0' },
    folder: { type: 'string', default: '' },
    applications: { type: 'string', default: '1' },
    /** Whose cookie it is. */
    upn: { type: 'string', default: 'alice@contoso.test' },
    /** The configuration's `kerberos`, as JSON: the backend is reached in the person's name, by Kerberos. */
    kerberos: { type: 'string' },
    kerberosMode: { type: 'string', default: 'auto' },
    spn: { type: 'string', default: '' },
  },
})

/** Tells the bench where this process listens, and from then on, when asked, how much memory it holds. */
export function ready(port: number, more: { cookie?: string } = {}): void {
  process.on('message', () => {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    process.send?.({ megabytes: (heapUsed + external) / 2 ** 20 })
  })
  process.send?.({ port, ...more })
}

export function listen(server: Server): void {
  server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port))
}
