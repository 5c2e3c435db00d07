import { connect } from 'node:tls'
import { createLookup } from '../../proxy/forwarding/name-resolution.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { loadServerCertificate, type ServerCertificate } from '../listeners/server-certificate.ts'
import { daysUntil, type Finding, findingsOf, inParallel, reasonOf } from './finding.ts'

const { ok, warning, failed } = findingsOf('certificate')

/**
 * Whether the certificates of the https listeners can be served and cover every host that is published with https.
 * @param hosts host names of https addresses.
 */
export async function checkCertificates(
  configuration: Configuration,
  hosts: readonly string[],
  now: Date,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { protocol, address, port, certificates } of configuration.listeners) {
    if (protocol !== 'https') continue
    const good: ServerCertificate[] = []
    for (const files of certificates) {
      const file = files.pkcs12 ?? files.certificate ?? ''
      try {
        const certificate = await loadServerCertificate(files, now)
        good.push(certificate)
        const days = daysUntil(certificate.notAfter, now)
        const said = `${certificate.names.join(', ')}, ends ${certificate.notAfter.toISOString()} (in ${days} days)`
        findings.push(days < 30 ? warning(file, `${said}: time to replace it`) : ok(file, said))
      } catch (error) {
        findings.push(failed(file, error instanceof Error ? error.message : String(error)))
      }
    }
    for (const host of new Set(hosts)) {
      if (!good.some((certificate) => certificate.covers(host))) {
        findings.push(failed(host, `no certificate of the listener ${address} port ${port} covers it`))
      }
    }
  }
  return findings
}

/** Whether a TLS handshake with each https address ends well, as a browser would have it. */
export async function checkHandshakes(
  urls: readonly string[],
  resolve: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const lookup = createLookup(resolve)
  const origins = [
    ...new Set(
      urls
        .map((url) => new URL(url))
        .filter(({ protocol }) => protocol === 'https:')
        .map(({ origin }) => origin),
    ),
  ]
  return inParallel(origins, 16, (origin) => {
    const { hostname, port } = new URL(origin)
    return new Promise<Finding>((settle) => {
      const socket = connect({
        host: hostname,
        port: port === '' ? 443 : Number(port),
        servername: hostname,
        lookup,
        // Judged below: an authority of one's own is worth a word, not a failure.
        rejectUnauthorized: false,
      })
      const finish = (finding: Finding) => {
        socket.destroy()
        settle(finding)
      }
      socket.setTimeout(5000, () => finish(failed(origin, 'the TLS handshake did not end within 5 s')))
      socket.once('error', (error) => finish(failed(origin, `the TLS handshake failed: ${reasonOf(error)}`)))
      socket.once('secureConnect', () => {
        const code = String(socket.authorizationError ?? '')
        const said = `${socket.getProtocol() ?? 'TLS'}, ${socket.getCipher().standardName}`
        if (socket.authorized) finish(ok(origin, said))
        else if (unknownAuthority.has(code))
          finish(warning(origin, `${said}; this machine does not know the certificate's authority (${code})`))
        else finish(failed(origin, `browsers will refuse its certificate: ${code}`))
      })
    })
  })
}

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])
