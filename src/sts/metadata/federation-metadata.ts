import { randomUUID, X509Certificate } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import type { PublishedKey, SigningKey, SigningKeys } from '../keys/signing-keys.ts'

// FederationMetadata.xml: who the federation service is, where a browser is sent, and which keys it signs with, signed
// with the current one. One role so far, the security token service; each role is an entry of `roles`, and further ones
// (an application service, SAML's identity provider) are further entries. It names public addresses and public keys only.

export interface FederationMetadataOptions {
  /** The federation service identifier, which becomes the entityID. */
  issuer: string
  /** The public base address, without a path. */
  url: string
  keys: SigningKeys
}

export interface FederationMetadata {
  /** The signed document; the same text until the keys change. */
  document(): string
  /** Lets go of the keys. */
  close(): void
}

const namespaces = {
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  federation: 'http://docs.oasis-open.org/wsfed/federation/200706',
  addressing: 'http://www.w3.org/2005/08/addressing',
  instance: 'http://www.w3.org/2001/XMLSchema-instance',
}
const exclusiveC14n = 'http://www.w3.org/2001/10/xml-exc-c14n#'

/**
 * The metadata of a federation service. It is signed when it is first asked for after a key change, so that asking costs
 * nothing and a change nobody asks about costs nothing either.
 * @see WS-Federation 1.2 §3, SAML 2.0 metadata §2.3.2
 */
export function createFederationMetadata({ issuer, url, keys }: FederationMetadataOptions): FederationMetadata {
  let signed: string | undefined
  const close = keys.onChange(() => {
    signed = undefined
  })
  return {
    document() {
      signed ??= signedDocument(issuer, new URL(url).origin, keys)
      return signed
    },
    close,
  }
}

function signedDocument(issuer: string, origin: string, keys: SigningKeys): string {
  const roles = [securityTokenService(origin, keys.published())]
  // Written in exclusive canonical form (namespaces, then attributes in order, no blanks between elements).
  return sign(
    `<EntityDescriptor xmlns="${namespaces.metadata}" ID="_${randomUUID()}" entityID="${escapeText(issuer)}">${roles.join('')}</EntityDescriptor>`,
    keys.current(),
  )
}

/** WS-Federation's security token service; its schema asks for a token service endpoint even where only browsers come. */
function securityTokenService(origin: string, published: readonly PublishedKey[]): string {
  const address = `<wsa:Address>${escapeText(`${origin}/adfs/ls/`)}</wsa:Address>`
  const reference = `<wsa:EndpointReference xmlns:wsa="${namespaces.addressing}">${address}</wsa:EndpointReference>`
  const endpoint = (name: string) => `<fed:${name} xmlns:fed="${namespaces.federation}">${reference}</fed:${name}>`
  return [
    // Here xmlns:fed is for the value of xsi:type, which canonicalisation does not see: below it is declared again.
    `<RoleDescriptor xmlns:fed="${namespaces.federation}" xmlns:xsi="${namespaces.instance}"`,
    ` ServiceDisplayName="${escapeText(new URL(origin).hostname)}"`,
    ` protocolSupportEnumeration="${namespaces.federation}" xsi:type="fed:SecurityTokenServiceType">`,
    ...published.map(signingKeyDescriptor),
    endpoint('SecurityTokenServiceEndpoint'),
    endpoint('PassiveRequestorEndpoint'),
    '</RoleDescriptor>',
  ].join('')
}

function signingKeyDescriptor({ certificate }: PublishedKey): string {
  return `<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="${namespaces.signature}">${x509Data(certificate)}</ds:KeyInfo></KeyDescriptor>`
}

/** The certificate and nothing else: Windows Identity Foundation stumbles over a KeyName (ID4037). */
function x509Data(certificate: string): string {
  const der = new X509Certificate(certificate).raw.toString('base64')
  return `<ds:X509Data><ds:X509Certificate>${der}</ds:X509Certificate></ds:X509Data>`
}

function sign(document: string, { key, certificate }: SigningKey): string {
  const signer = new SignedXml({
    privateKey: key,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: exclusiveC14n,
    getKeyInfoContent: () => x509Data(certificate),
  })
  signer.addReference({
    xpath: '/*',
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', exclusiveC14n],
  })
  // The schema of metadata wants the signature before everything else.
  signer.computeSignature(document, { prefix: 'ds', location: { reference: '/*', action: 'prepend' } })
  return signer.getSignedXml()
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`)
}
