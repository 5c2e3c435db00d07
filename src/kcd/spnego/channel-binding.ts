import { createHash } from 'node:crypto'
import { type BaseBlock, Constructed, fromBER, ObjectIdentifier } from 'asn1js'

const PREFIX = Buffer.from('tls-server-end-point:')

/** The largest certificate that is looked at. */
const MOST_OCTETS = 64 * 1024

/** Hashes of signature algorithms and of the parameters of RSASSA-PSS. Those that may be broken stand for SHA-256. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'sha256',
  '1.2.840.113549.1.1.5': 'sha256',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha256',
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.10040.4.3': 'sha256',
  '2.16.840.1.101.3.4.3.1': 'sha224',
  '2.16.840.1.101.3.4.3.2': 'sha256',
  '1.3.14.3.2.26': 'sha256',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
}

const RSASSA_PSS = '1.2.840.113549.1.1.10'

/**
 * The channel binding `tls-server-end-point` of a TLS server's certificate: what a backend with Extended Protection
 * compares with the certificate it showed, so that a ticket caught by a man in the middle is worth nothing elsewhere.
 * @param certificate DER, as `socket.getPeerCertificate().raw` has it.
 * @returns the application data of the binding, or undefined where none is defined: not a certificate, or signed by an
 * algorithm without a hash of its own (Ed25519).
 * @see RFC 5929 §4
 */
export function tlsServerEndPoint(certificate: Uint8Array): Buffer | undefined {
  const hash = signatureHash(certificate)
  return hash === undefined ? undefined : Buffer.concat([PREFIX, createHash(hash).update(certificate).digest()])
}

/**
 * The hash of a channel binding for the checksum 0x8003: no addresses, the application data alone.
 * @see RFC 4121 §4.1.1.2, RFC 2744 §3.11
 */
export function channelBindingHash(applicationData: Uint8Array): Buffer {
  const fields = Buffer.alloc(20)
  fields.writeUInt32LE(applicationData.length, 16)
  return createHash('md5').update(fields).update(applicationData).digest()
}

function signatureHash(certificate: Uint8Array): string | undefined {
  if (certificate.length > MOST_OCTETS) return undefined
  const view = new Uint8Array(certificate.buffer, certificate.byteOffset, certificate.length)
  try {
    const { offset, result } = fromBER(view, { maxDepth: 24, parseEmbedded: false, copyInput: false })
    if (offset !== certificate.length) return undefined
    const algorithm = childrenOf(result)[1]
    const [name, parameters] = childrenOf(algorithm)
    const identifier = objectIdentifierOf(name)
    if (identifier !== RSASSA_PSS) return identifier === undefined ? undefined : HASHES[identifier]
    // RFC 4055 §3.1: hashAlgorithm is [0], SHA-1 where it is absent.
    const hash = childrenOf(parameters).find((block) => block.idBlock.tagClass === 3 && block.idBlock.tagNumber === 0)
    if (hash === undefined) return 'sha256'
    return HASHES[objectIdentifierOf(childrenOf(childrenOf(hash)[0])[0]) ?? '']
  } catch {
    return undefined
  }
}

function childrenOf(block: BaseBlock | undefined): BaseBlock[] {
  return block instanceof Constructed ? block.valueBlock.value : []
}

function objectIdentifierOf(block: BaseBlock | undefined): string | undefined {
  return block instanceof ObjectIdentifier ? block.getValue() : undefined
}
