import 'reflect-metadata'
import { KeyObject, randomBytes } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509Certificate as X509Document,
} from '@peculiar/x509'

/** A private key and the certificate of its public half. */
export interface CertifiedKey {
  key: KeyObject
  /** PEM. */
  certificate: string
}

export interface CertificateRequest {
  /** Common name; cut to the 64 characters that X.520 allows. */
  commonName: string
  /** `signature`: digital signatures only. `server`: a TLS server of the `hosts`. `authority`: signs other certificates. */
  purpose: 'signature' | 'server' | 'authority'
  /** DNS names (a wildcard too) of a server. */
  hosts?: readonly string[] | undefined
  /** DNS name under which alone an authority can speak; default anywhere. */
  permittedDomain?: string | undefined
  notBefore: Date
  notAfter: Date
  /** RSA with 2,048 bits, or ECDSA on P-256; default RSA. */
  keyType?: 'rsa' | 'ec' | undefined
  /** Who signs it; itself without one. */
  authority?: CertifiedKey | undefined
}

const keyTypes = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  ec: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' },
} as const

/**
 * Makes a key and a certificate for it: 126 random bits of serial number, SHA-256, the key usages of its purpose alone.
 * @see RFC 5280 §4.1, §4.2
 */
export async function createCertificate(request: CertificateRequest): Promise<CertifiedKey> {
  const { commonName, notBefore, notAfter, keyType = 'rsa', authority } = request
  const subject = await crypto.subtle.generateKey(keyTypes[keyType], true, ['sign', 'verify'])
  const signer = authority === undefined ? undefined : await signerOf(authority)
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [{ CN: [commonName.slice(0, 64)] }],
      issuer: signer?.name ?? [{ CN: [commonName.slice(0, 64)] }],
      notBefore,
      notAfter,
      publicKey: subject.publicKey,
      signingKey: signer?.privateKey ?? subject.privateKey,
      signingAlgorithm: signer?.algorithm ?? keyTypes[keyType],
      extensions: [
        ...extensionsFor(request),
        await SubjectKeyIdentifierExtension.create(subject.publicKey),
        ...(signer === undefined ? [] : [await AuthorityKeyIdentifierExtension.create(signer.publicKey)]),
      ],
    },
    crypto,
  )
  return { key: KeyObject.from(subject.privateKey), certificate: `${certificate.toString('pem')}\n` }
}

function extensionsFor({ purpose, hosts = [], permittedDomain }: CertificateRequest) {
  switch (purpose) {
    case 'signature':
      return [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ]
    case 'authority':
      return [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        ...(permittedDomain === undefined ? [] : [nameConstraints(permittedDomain)]),
      ]
    case 'server':
      return [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns' as const, value }))),
      ]
  }
}

/** RFC 5280 §4.2.1.10 with one permitted subtree: SEQUENCE { [0] { SEQUENCE { [2] dNSName } } }. */
function nameConstraints(permittedDomain: string): Extension {
  const wrap = (tag: number, content: Uint8Array) => Buffer.concat([Buffer.from([tag, content.length]), content])
  const subtree = wrap(0x30, wrap(0x82, Buffer.from(permittedDomain, 'ascii')))
  return new Extension('2.5.29.30', true, new Uint8Array(wrap(0x30, wrap(0xa0, subtree))))
}

/** A positive number of 16 bytes whose first byte is never 0, so that its length in DER does not vary. */
function serialNumber(): string {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial.toString('hex')
}

async function signerOf({ key, certificate }: CertifiedKey) {
  const algorithm = keyTypes[key.asymmetricKeyType === 'ec' ? 'ec' : 'rsa']
  const document = new X509Document(certificate)
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' })
  return {
    algorithm,
    name: document.subjectName,
    privateKey: await crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), algorithm, false, ['sign']),
    publicKey: document.publicKey,
  }
}
