/**
 * The demo's own certificate authority and a certificate for each of its names, for `--tls`. The authority can only
 * speak for names under `localhost`, so that a person who trusts it gives away nothing else.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CertifiedKey, createCertificate } from '../../sts/keys/certificate.ts'

/** PEM files of one name. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

export interface DemoCertificates {
  /** PEM file of the authority. */
  readonly authority: string
  readonly hosts: ReadonlyMap<string, CertificateFiles>
}

const day = 86_400_000
/** Of a name's certificate. The authority is made anew, with all of them, before it could not outlive one. */
const lifetime = 397 * day
const renewBefore = 30 * day

/**
 * Finds the authority and the certificates in a folder, and makes what is missing or about to expire.
 * @param folder made when it is not there; keys in it are readable by their owner only.
 * @param hosts the names to have a certificate for.
 * @returns the PEM files, absolute or relative as `folder` is.
 */
export async function demoCertificates(
  folder: string,
  hosts: readonly string[],
  now: Date = new Date(),
): Promise<DemoCertificates> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const filesOf = (name: string) => ({ certificate: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) })
  const authorityFiles = filesOf('ca')
  const known = await readCertificate(authorityFiles.certificate)
  const lasting = known !== undefined && remaining(known, now) > lifetime ? known : undefined
  const missing: string[] = []
  for (const host of hosts)
    if (lasting === undefined || !(await isGood(filesOf(host).certificate, lasting, now))) missing.push(host)
  if (missing.length > 0) {
    const authority =
      lasting === undefined ? await makeAuthority(authorityFiles, now) : await readCertifiedKey(authorityFiles)
    for (const host of missing) await issue(host, filesOf(host), authority, now)
  }
  return { authority: authorityFiles.certificate, hosts: new Map(hosts.map((host) => [host, filesOf(host)])) }
}

async function makeAuthority(files: CertificateFiles, now: Date): Promise<CertifiedKey> {
  const authority = await createCertificate({
    commonName: 'Gatehouse demo authority',
    purpose: 'authority',
    permittedDomain: 'localhost',
    keyType: 'ec',
    notBefore: new Date(now.getTime() - day),
    notAfter: new Date(now.getTime() + 3650 * day),
  })
  await write(files, authority)
  return authority
}

async function issue(host: string, files: CertificateFiles, authority: CertifiedKey, now: Date): Promise<void> {
  const server = await createCertificate({
    commonName: host,
    purpose: 'server',
    hosts: [host],
    keyType: 'ec',
    authority,
    notBefore: new Date(now.getTime() - day),
    notAfter: new Date(now.getTime() + lifetime),
  })
  await write(files, server)
}

async function isGood(file: string, authority: X509Certificate, now: Date): Promise<boolean> {
  const certificate = await readCertificate(file)
  return (
    certificate !== undefined && remaining(certificate, now) > renewBefore && certificate.verify(authority.publicKey)
  )
}

function remaining(certificate: X509Certificate, now: Date): number {
  return Date.parse(certificate.validTo) - now.getTime()
}

async function readCertificate(file: string): Promise<X509Certificate | undefined> {
  try {
    return new X509Certificate(await readFile(file))
  } catch {
    // Not there, or cut short by a kill: it is made again.
    return undefined
  }
}

async function readCertifiedKey(files: CertificateFiles): Promise<CertifiedKey> {
  return {
    certificate: await readFile(files.certificate, 'utf8'),
    key: createPrivateKey(await readFile(files.key, 'utf8')),
  }
}

// The certificate last: it stands for a key that is there.
async function write(files: CertificateFiles, { key, certificate }: CertifiedKey): Promise<void> {
  await writeFile(files.key, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  await writeFile(files.certificate, `${certificate.trimEnd()}\n`)
}
