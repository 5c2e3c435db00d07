import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { readMetadataCertificates } from '../../src/edge-token/federation-metadata.ts'
import { createEdgeTokenVerifier } from '../../src/edge-token/index.ts'
import { CURRENT_DATE, goodClaims, ISSUER, NOW, signClaims, TRUST } from './samples.ts'
import { createCertificate, type SigningCertificate } from './signing-certificate.ts'

const signing = await createCertificate()
const next = await createCertificate()
const other = await createCertificate()

const keyDescriptor = ({ certificate }: SigningCertificate, use = 'use="signing"') =>
  `<KeyDescriptor ${use}><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${new X509Certificate(
    certificate,
  ).raw.toString('base64')}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`
const role = (type: string, keys: string) =>
  `<RoleDescriptor xsi:type="fed:${type}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706">${keys}</RoleDescriptor>`
const service = (...keys: string[]) => role('SecurityTokenServiceType', keys.join(''))
const entity = (content: string, attributes = `entityID="${ISSUER}"`) =>
  `<?xml version="1.0"?><EntityDescriptor ID="_1" ${attributes} xmlns="urn:oasis:names:tc:SAML:2.0:metadata">${content}</EntityDescriptor>`

const read = async (document: string) => {
  const certificates = await readMetadataCertificates(Buffer.from(document), { issuer: ISSUER, now: () => NOW * 1000 })
  return certificates.map((certificate) => certificate.fingerprint256)
}
const fingerprint = ({ certificate }: SigningCertificate) => new X509Certificate(certificate).fingerprint256

t.test('reads the signing certificates of the security token service', async (t) => {
  const document = entity(
    `<!-- ${keyDescriptor(other)} -->
    ${role('ApplicationServiceType', keyDescriptor(other))}
    ${service(keyDescriptor(signing), keyDescriptor(next, ''), keyDescriptor(other, 'use="encryption"'))}
    <SPSSODescriptor>${keyDescriptor(other)}</SPSSODescriptor>
    <IDPSSODescriptor>${keyDescriptor(other)}</IDPSSODescriptor>`,
  )
  t.same(await read(document), [fingerprint(signing), fingerprint(next)])
})

t.test('reads those of the identity provider where there is no security token service', async (t) => {
  t.same(await read(entity(`<IDPSSODescriptor>${keyDescriptor(signing)}</IDPSSODescriptor>`)), [fingerprint(signing)])
})

t.test('reads a document with a byte order mark and prefixes', async (t) => {
  const document = entity(service(keyDescriptor(signing)), `entityID="${ISSUER}" validUntil="2099-01-01T00:00:00Z"`)
    .replaceAll('<EntityDescriptor', '<m:EntityDescriptor xmlns:m="urn:oasis:names:tc:SAML:2.0:metadata"')
    .replaceAll('</EntityDescriptor', '</m:EntityDescriptor')
  t.same(await read(`\ufeff${document}`), [fingerprint(signing)])
})

const good = service(keyDescriptor(signing))
for (const { name, document } of [
  { name: 'of another service', document: entity(good, 'entityID="http://sts.fabrikam.test/adfs/services/trust"') },
  { name: 'without entityID', document: entity(good, '') },
  { name: 'that is over', document: entity(good, `entityID="${ISSUER}" validUntil="2020-01-01T00:00:00Z"`) },
  { name: 'valid until no date', document: entity(good, `entityID="${ISSUER}" validUntil="soon"`) },
  {
    name: 'of several services',
    document: `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">${good}</EntitiesDescriptor>`,
  },
  { name: 'in no namespace', document: `<EntityDescriptor entityID="${ISSUER}">${good}</EntityDescriptor>` },
  { name: 'that is not well-formed', document: entity(good).slice(0, -5) },
  { name: 'that is HTML', document: '<!doctype html><p>Sign in' },
  { name: 'that is empty', document: '' },
  { name: 'with entities', document: `<!DOCTYPE a [<!ENTITY b "c">]>${entity(good)}` },
  {
    name: 'with a certificate that is none',
    document: entity(good).replace(/<X509Certificate>[^<]+/, '<X509Certificate>AAAA'),
  },
]) {
  t.test(`refuses metadata ${name}`, (t) =>
    t.rejects(read(document), { name: 'EdgeTokenError', code: 'keys-unavailable' }),
  )
}

t.test('a verifier takes tokens by the keys of the metadata address', async (t) => {
  let document = entity(service(keyDescriptor(signing), keyDescriptor(signing)))
  const server = createServer((_, response) => response.end(document))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  const metadataUrl = `http://127.0.0.1:${port}/FederationMetadata/2007-06/FederationMetadata.xml`
  const verifier = createEdgeTokenVerifier({ issuer: ISSUER, keys: { metadataUrl } })
  const expected = { relyingParty: TRUST, currentDate: CURRENT_DATE }
  t.match(await verifier.verify(signClaims(goodClaims, signing), expected), { upn: 'alice@contoso.test' })
  await t.rejects(verifier.verify(signClaims(goodClaims, { ...other, x5t: signing.x5t }), expected), {
    code: 'signature',
  })
  document = entity(service(keyDescriptor(next)))
  t.match(await verifier.verify(signClaims(goodClaims, next), expected), { upn: 'alice@contoso.test' })
  await t.rejects(verifier.verify(signClaims(goodClaims, signing), expected), { code: 'signature' })
  const stranger = createEdgeTokenVerifier({ issuer: 'http://sts.fabrikam.test/trust', keys: { metadataUrl } })
  await t.rejects(stranger.verify(signClaims(goodClaims, next), expected), { code: 'keys-unavailable' })
})
