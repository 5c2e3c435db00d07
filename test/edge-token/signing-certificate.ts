import { execFile } from 'node:child_process'
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A signing certificate with its key, made by openssl. */
export interface SigningCertificate {
  key: KeyObject
  /** PEM, PKCS#8. */
  privateKey: string
  /** PEM. */
  certificate: string
  /** base64url of its SHA-1, as `x5t` has it. */
  x5t: string
}

const KINDS = {
  rsa: ['-newkey', 'rsa:2048'],
  'rsa-1024': ['-newkey', 'rsa:1024'],
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ed25519: ['-newkey', 'ed25519'],
}

/** Makes a self-signed certificate. */
export async function createCertificate(kind: keyof typeof KINDS = 'rsa'): Promise<SigningCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificate-'))
  try {
    const keyFile = join(folder, 'key.pem')
    const subject = ['-subj', '/CN=token signing', '-days', '2', '-nodes', '-keyout', keyFile]
    const { stdout } = await run('openssl', ['req', '-x509', ...KINDS[kind], ...subject])
    const privateKey = await readFile(keyFile, 'utf8')
    const fingerprint = new X509Certificate(stdout).fingerprint.replaceAll(':', '')
    const x5t = Buffer.from(fingerprint, 'hex').toString('base64url')
    return { key: createPrivateKey(privateKey), privateKey, certificate: stdout, x5t }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
