import { X509Certificate } from 'node:crypto'
import { EdgeTokenError } from './edge-token-error.ts'

const METADATA = 'urn:oasis:names:tc:SAML:2.0:metadata'
const SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#'
const SCHEMA_INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance'

/**
 * Reads from FederationMetadata.xml the certificates that the federation service signs tokens with: those of its security
 * token service role, or where there is none, of its identity provider role. Does NOT verify the document's own signature
 * (see `openKeySource`).
 * @param expected the issuer, which the document's entityID must equal, and the clock for validUntil.
 * @throws {EdgeTokenError} `keys-unavailable`
 * @see [MS-ADFSPIP] 3.13.5.1; SAML 2.0 Metadata §2.3.2, §2.4.1.1; WS-Federation 1.2 §3.1.2
 */
export async function readMetadataCertificates(
  document: Uint8Array,
  expected: { issuer: string; now: () => number },
): Promise<X509Certificate[]> {
  const root = await parseXml(document)
  if (root?.namespaceURI !== METADATA || root.localName !== 'EntityDescriptor') {
    throw unavailable('the document is not federation metadata of one service')
  }
  const entityId = root.getAttribute('entityID')
  if (entityId !== expected.issuer) throw unavailable(`the metadata is of ${entityId}, not of ${expected.issuer}`)
  const validUntil = root.getAttribute('validUntil')
  if (validUntil && !(Date.parse(validUntil) > expected.now()))
    throw unavailable(`the metadata was valid until ${validUntil}`)
  const roles = childrenOf(root, METADATA, 'RoleDescriptor').filter(isSecurityTokenService)
  const signing = (roles.length > 0 ? roles : childrenOf(root, METADATA, 'IDPSSODescriptor'))
    .flatMap((role) => childrenOf(role, METADATA, 'KeyDescriptor'))
    .filter((descriptor) => (descriptor.getAttribute('use') || 'signing') === 'signing')
  return signing
    .flatMap((descriptor) => childrenOf(descriptor, SIGNATURE, 'KeyInfo'))
    .flatMap((keyInfo) => childrenOf(keyInfo, SIGNATURE, 'X509Data'))
    .flatMap((data) => childrenOf(data, SIGNATURE, 'X509Certificate').slice(0, 1))
    .map((element) => parseCertificate(element.textContent ?? ''))
}

async function parseXml(document: Uint8Array): Promise<Element | null> {
  const { DOMParser } = await import('@xmldom/xmldom').catch((cause: unknown) => {
    throw new EdgeTokenError('keys-unavailable', 'metadataUrl needs the package @xmldom/xmldom', { cause })
  })
  const text = Buffer.from(document.buffer, document.byteOffset, document.byteLength).toString('utf8')
  // Metadata has no document type; entities would only serve whoever wants to exhaust us.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw unavailable('the metadata has a document type')
  const refuse = (message: string) => {
    throw unavailable(`the metadata is not well-formed XML: ${message}`)
  }
  const parser = new DOMParser({ errorHandler: { warning: refuse, error: refuse, fatalError: refuse } })
  return parser.parseFromString(text.replace(/^\ufeff/, ''), 'text/xml').documentElement
}

function childrenOf(parent: Element, namespace: string, name: string): Element[] {
  return Array.from(parent.childNodes).filter(
    (node): node is Element =>
      node.nodeType === 1 && (node as Element).namespaceURI === namespace && (node as Element).localName === name,
  )
}

function isSecurityTokenService(role: Element): boolean {
  return /(?:^|:)SecurityTokenServiceType$/.test(role.getAttributeNS(SCHEMA_INSTANCE, 'type') ?? '')
}

function parseCertificate(base64: string): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'))
  } catch (cause) {
    throw new EdgeTokenError('keys-unavailable', 'the metadata has a certificate that is none', { cause })
  }
}

function unavailable(message: string): EdgeTokenError {
  return new EdgeTokenError('keys-unavailable', message)
}
