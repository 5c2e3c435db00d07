import { X509Certificate } from 'node:crypto'
import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'
import { readMetadataCertificates } from '../../edge-token/federation-metadata.ts'
import { type DocumentFetch, fetchDocument } from '../../edge-token/key-document.ts'
import { type Finding, findingsOf, reasonOf } from './finding.ts'

const { ok, warning, failed } = findingsOf('metadata')

/**
 * Fetches the federation metadata as a verifier would and looks at what it says: whose it is, whether its signature holds,
 * and whether it publishes the keys that the federation server has.
 * @param expected.certificates of the federation server, in PEM; none where it is elsewhere.
 */
export async function checkMetadata(
  url: string,
  expected: { issuer: string | undefined; certificates: readonly string[] },
  fetch: DocumentFetch,
): Promise<Finding[]> {
  let document: Buffer
  try {
    document = await fetchDocument(url, fetch)
  } catch (error) {
    return [failed(url, `could not be fetched: ${reasonOf(error)}`)]
  }
  try {
    const text = document.toString('utf8')
    const issuer = expected.issuer ?? entityIdOf(text)
    const published = await readMetadataCertificates(document, { issuer, now: Date.now })
    if (published.length === 0) return [failed(url, 'names no signing certificate')]
    const findings = [
      ok(url, `of ${issuer}, ${published.length} signing ${published.length === 1 ? 'certificate' : 'certificates'}`),
    ]
    const prints = new Set(published.map(({ fingerprint256 }) => fingerprint256))
    const missing = expected.certificates.filter((pem) => !prints.has(new X509Certificate(pem).fingerprint256))
    if (missing.length > 0)
      findings.push(
        failed(url, 'does not publish the keys that the federation server has: something else answers, or a cache'),
      )
    if (!isSigned(text, published)) findings.push(warning(url, 'is not signed by a key that it names'))
    return findings
  } catch (error) {
    return [failed(url, reasonOf(error))]
  }
}

function entityIdOf(text: string): string {
  return (
    new DOMParser({ errorHandler: () => {} })
      .parseFromString(text, 'text/xml')
      .documentElement?.getAttribute('entityID') ?? ''
  )
}

function isSigned(text: string, certificates: readonly X509Certificate[]): boolean {
  const root = new DOMParser({ errorHandler: () => {} }).parseFromString(text, 'text/xml').documentElement
  const signature = Array.from(root?.childNodes ?? []).find((node) => node.nodeName.endsWith('Signature'))
  // Each transform costs time; a signature of metadata has two.
  if (signature === undefined || (text.match(/<(?:\w+:)?Transform\b/g)?.length ?? 0) > 2) return false
  return certificates.some((certificate) => {
    try {
      const signed = new SignedXml({ publicCert: certificate.toString() })
      signed.loadSignature(signature)
      return signed.checkSignature(text) && signed.getSignedReferences().length === 1
    } catch {
      return false
    }
  })
}
