/**
 * The demo's own certificate authority and a certificate for each of its names, for `--tls`. The authority can only
 * speak for names under `localhost` (RFC 5280 section 4.2.1.10), so that a person who trusts it gives away nothing else.
 */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

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

interface Authority {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000
/** Of a name's certificate. The authority is made anew, with all of them, before it could not outlive one. */
const lifetime = 397 * day
const renewBefore = 30 * day

/**
 * Finds the authority and the certificates in a folder, and makes what is missing or about to expire.
 * @param folder made when it is not there; keys in it are readable by their owner only.
 * @param hosts the names to have a certificate for.
 * @returns absolute or relative as `folder` is: the PEM files.
 */
export async function demoCertificates(
  folder: string,
  hosts: readonly string[],
  now: Date = new Date(),
): Promise<DemoCertificates> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const authority = join(folder, 'ca.pem')
  const authorityKey = join(folder, 'ca-key.pem')
  const filesOf = (host: string) => ({
    certificate: join(folder, `${host}.pem`),
    key: join(folder, `${host}-key.pem`),
  })
  const files = new Map(hosts.map((host) => [host, filesOf(host)]))
  const known = await readCertificate(authority)
  const lasting = known !== undefined && known.notAfter.getTime() - now.getTime() > lifetime ? known : undefined
  const missing: string[] = []
  for (const [host, { certificate }] of files)
    if (lasting === undefined || !(await isGood(certificate, lasting, now))) missing.push(host)
  if (missing.length > 0) {
    const issuer =
      lasting === undefined
        ? await makeAuthority(authority, authorityKey, now)
        : await openAuthority(lasting, authorityKey)
    for (const host of missing) await issue(host, filesOf(host), issuer, now)
  }
  return { authority, hosts: files }
}

async function openAuthority(certificate: X509Certificate, keyFile: string): Promise<Authority> {
  const [pkcs8] = PemConverter.decode(await readFile(keyFile, 'utf8'))
  const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8 ?? new ArrayBuffer(), algorithm, true, ['sign'])
  const publicKey = await certificate.publicKey.export(algorithm, ['verify'], webcrypto)
  return { certificate, keys: { privateKey, publicKey } }
}

async function makeAuthority(file: string, keyFile: string, now: Date): Promise<Authority> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: 'CN=Gatehouse demo authority',
      notBefore: new Date(now.getTime() - day),
      notAfter: new Date(now.getTime() + 3650 * day),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        new Extension('2.5.29.30', true, onlyUnder('localhost')),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  await writeKey(keyFile, keys)
  await writeFile(file, `${certificate.toString('pem')}\n`)
  return { certificate, keys }
}

async function issue(host: string, files: CertificateFiles, authority: Authority, now: Date): Promise<void> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: `CN=${host}`,
      issuer: authority.certificate.subject,
      notBefore: new Date(now.getTime() - day),
      notAfter: new Date(now.getTime() + lifetime),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: authority.keys.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
        await AuthorityKeyIdentifierExtension.create(authority.keys.publicKey, false, webcrypto),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  await writeKey(files.key, keys)
  await writeFile(files.certificate, `${certificate.toString('pem')}\n`)
}

/** NameConstraints with one permitted subtree: SEQUENCE { [0] { SEQUENCE { [2] name } } }. */
function onlyUnder(name: string): Uint8Array<ArrayBuffer> {
  const wrap = (tag: number, bytes: Uint8Array) => Buffer.concat([Buffer.from([tag, bytes.length]), bytes])
  return new Uint8Array(wrap(0x30, wrap(0xa0, wrap(0x30, wrap(0x82, Buffer.from(name, 'ascii'))))))
}

async function isGood(file: string, authority: X509Certificate, now: Date): Promise<boolean> {
  const certificate = await readCertificate(file)
  return (
    certificate !== undefined &&
    certificate.notAfter.getTime() - now.getTime() > renewBefore &&
    (await certificate.verify({ publicKey: authority, date: now }, webcrypto))
  )
}

async function readCertificate(file: string): Promise<X509Certificate | undefined> {
  try {
    return new X509Certificate(await readFile(file, 'utf8'))
  } catch {
    // Not there, or cut short by a kill: it is made again.
    return undefined
  }
}

async function writeKey(file: string, keys: webcrypto.CryptoKeyPair): Promise<void> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  await writeFile(file, `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`, { mode: 0o600 })
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
}

function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
  // Positive and of full length, whatever was drawn (RFC 5280 section 4.1.2.2).
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}
