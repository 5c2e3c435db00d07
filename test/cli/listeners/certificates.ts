import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertifiedKey, createCertificate } from '../../../src/sts/keys/certificate.ts'

const day = 86_400_000

/** Self-signed server certificates made on the spot, for the listeners' tests. */
export function serverCertificate(hosts: readonly string[], { from = -1, to = 30 } = {}): Promise<CertifiedKey> {
  return createCertificate({
    commonName: hosts[0] ?? 'nobody',
    purpose: hosts.length === 0 ? 'signature' : 'server',
    hosts,
    keyType: 'ec',
    notBefore: new Date(Date.now() + from * day),
    notAfter: new Date(Date.now() + to * day),
  })
}

/** Writes `<name>.crt` and `<name>.key` and gives their paths. */
export function writePair(folder: string, name: string, { key, certificate }: CertifiedKey) {
  const files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  writeFileSync(files.certificate, certificate)
  writeFileSync(files.key, key.export({ type: 'pkcs8', format: 'pem' }))
  return files
}
