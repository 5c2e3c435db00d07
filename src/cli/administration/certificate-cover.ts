import type { Configuration } from '../configuration/configuration.ts'
import { loadServerCertificate } from '../listeners/server-certificate.ts'

/**
 * The first https listener that has no good certificate for a host; undefined when each has one, or none speaks https.
 * Reads the certificate files as they are now: they may have been replaced since the start.
 */
export async function listenerWithoutCertificate(
  { listeners }: Configuration,
  host: string,
  now = new Date(),
): Promise<{ address: string; port: number } | undefined> {
  for (const { protocol, address, port, certificates } of listeners) {
    if (protocol !== 'https') continue
    const loaded = await Promise.all(
      certificates.map((files) => loadServerCertificate(files, now).catch(() => undefined)),
    )
    if (!loaded.some((certificate) => certificate?.covers(host) === true)) return { address, port }
  }
  return undefined
}
