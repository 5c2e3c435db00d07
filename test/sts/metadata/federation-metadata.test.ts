import { execFileSync } from 'node:child_process'
import { createHash, createSecretKey, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DOMParser } from '@xmldom/xmldom'
import t, { type Test } from 'tap'
import { SignedXml } from 'xml-crypto'
import { createEdgeTokenVerifier, issueEdgeToken } from '../../../src/edge-token/index.ts'
import { openSigningKeys } from '../../../src/sts/keys/signing-keys.ts'
import { createFederationMetadata } from '../../../src/sts/metadata/federation-metadata.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

const issuer = 'http://sts.contoso.test/adfs/services/trust'
const day = 86_400_000
const start = Date.parse('2026-01-01T00:00:00Z')
const at = (days: number) => new Date(start + days * day)

async function publish(t: Test, options: { issuer?: string; url?: string } = {}) {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const masterKey = createSecretKey(Buffer.alloc(32, 1))
  const keys = await openSigningKeys({ database, masterKey, host: 'sts.contoso.test', now: at(0) })
  const metadata = createFederationMetadata({ issuer, url: 'https://sts.contoso.test', keys, ...options })
  return { keys, metadata }
}

const parse = (text: string) => new DOMParser().parseFromString(text, 'text/xml')
const between = (text: string, from: string, to: string) => text.slice(text.indexOf(from), text.indexOf(to) + to.length)

function verify(text: string, certificate: string): string {
  const [signature] = Array.from(parse(text).getElementsByTagName('ds:Signature'))
  const verifier = new SignedXml({ publicCert: certificate })
  verifier.loadSignature(signature as never)
  if (!verifier.checkSignature(text)) throw new Error('the signature does not verify')
  return verifier.getSignedReferences().join('')
}

t.test('the document is signed as a whole with the current key', async (t) => {
  const { keys, metadata } = await publish(t)
  await keys.rotate({ now: at(1) })
  const signed = verify(metadata.document(), keys.current().certificate)
  t.match(signed, /^<EntityDescriptor [^>]*entityID="http:\/\/sts\.contoso\.test\/adfs\/services\/trust"/)
  t.match(signed, /<\/EntityDescriptor>$/)
  const other = keys.published()[1]?.certificate ?? ''
  t.throws(() => verify(metadata.document(), other))
  t.throws(() => verify(metadata.document().replace('/adfs/ls/', '/adfs/lz/'), keys.current().certificate))
})

t.test('openssl agrees about digest and signature, without any XML library', async (t) => {
  const { keys, metadata } = await publish(t)
  const text = metadata.document()
  const signature = between(text, '<ds:Signature ', '</ds:Signature>')
  const folder = t.testdir()
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  // What is left without the signature is in canonical form, but for the one declaration that only a value makes use of.
  const unsigned = text.replace(signature, '').replace(/<RoleDescriptor xmlns:fed="[^"]+"/, '<RoleDescriptor')
  const digest = between(signature, '<ds:DigestValue>', '</ds:DigestValue>').replace(/<[^>]+>/g, '')
  t.equal(createHash('sha256').update(unsigned).digest('base64'), digest)
  const signedInfo = between(signature, '<ds:SignedInfo>', '</ds:SignedInfo>')
  const canonical = signedInfo
    .replace('<ds:SignedInfo>', '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')
    .replace(/<([^>]+)\/>/g, (_, tag: string) => `<${tag}></${tag.split(' ')[0]}>`)
  const value = between(signature, '<ds:SignatureValue>', '</ds:SignatureValue>').replace(/<[^>]+>/g, '')
  const key = new X509Certificate(keys.current().certificate).publicKey.export({ type: 'spki', format: 'pem' })
  const args = ['dgst', '-sha256', '-verify', file('key.pem', key.toString())]
  const output = execFileSync(
    'openssl',
    [...args, '-signature', file('signature', Buffer.from(value, 'base64')), file('signed-info', canonical)],
    { encoding: 'utf8' },
  )
  t.match(output, 'Verified OK')
})

t.test('algorithms are SHA-256 and exclusive canonicalisation, and the reference is the document itself', async (t) => {
  const { metadata } = await publish(t)
  const text = metadata.document()
  const algorithms = [...text.matchAll(/<ds:(\w+) Algorithm="[^"]*[#/]([^"#/]+#?)"/g)].map(([, name, value]) => [
    name,
    value,
  ])
  t.strictSame(algorithms, [
    ['CanonicalizationMethod', 'xml-exc-c14n#'],
    ['SignatureMethod', 'rsa-sha256'],
    ['Transform', 'enveloped-signature'],
    ['Transform', 'xml-exc-c14n#'],
    ['DigestMethod', 'sha256'],
  ])
  const [, id] = /<EntityDescriptor [^>]* ID="([^"]+)"/.exec(text) ?? []
  t.match(text, `<ds:Reference URI="#${id}">`)
  t.equal(parse(text).documentElement?.firstChild?.nodeName, 'ds:Signature', 'the schema wants it first')
})

t.test('the security token service names its keys and where browsers are sent', async (t) => {
  const { keys, metadata } = await publish(t)
  await keys.rotate({ now: at(1) })
  await keys.advance(at(6))
  await keys.rotate({ now: at(6) })
  const document = parse(metadata.document())
  const [role] = Array.from(document.getElementsByTagName('RoleDescriptor'))
  t.equal(role?.getAttributeNS('http://www.w3.org/2001/XMLSchema-instance', 'type'), 'fed:SecurityTokenServiceType')
  t.equal(role?.lookupNamespaceURI('fed'), 'http://docs.oasis-open.org/wsfed/federation/200706')
  const descriptors = Array.from(role?.getElementsByTagName('KeyDescriptor') ?? [])
  t.strictSame(
    descriptors.map((descriptor) => [descriptor.getAttribute('use'), descriptor.textContent]),
    keys.published().map(({ certificate }) => ['signing', new X509Certificate(certificate).raw.toString('base64')]),
    'current, next and old, in this order',
  )
  t.equal(descriptors.length, 3)
  const [endpoint] = Array.from(document.getElementsByTagName('fed:PassiveRequestorEndpoint'))
  t.equal(endpoint?.textContent, 'https://sts.contoso.test/adfs/ls/')
  t.notMatch(metadata.document(), /KeyName/)
})

t.test('no address but the public one, and no private key, is in it', async (t) => {
  const { metadata } = await publish(t, { url: 'https://sts.contoso.test:8443' })
  const text = metadata.document()
  t.notMatch(text, /PRIVATE|PrivateKey|<ds:Modulus|KeyValue/)
  const hosts = new Set([...text.matchAll(/https?:\/\/([^/"<]+)/g)].map(([, host]) => host))
  t.strictSame([...hosts].sort(), ['docs.oasis-open.org', 'sts.contoso.test', 'sts.contoso.test:8443', 'www.w3.org'])
})

t.test('an issuer with markup in it stays one attribute', async (t) => {
  const strange = 'http://sts.contoso.test/a?b=1&c="<x>\n'
  const { keys, metadata } = await publish(t, { issuer: strange })
  verify(metadata.document(), keys.current().certificate)
  t.equal(parse(metadata.document()).documentElement?.getAttribute('entityID'), strange)
})

t.test('the document is made once, and anew after a key change', async (t) => {
  const { keys, metadata } = await publish(t)
  const first = metadata.document()
  t.equal(metadata.document(), first)
  await keys.rotate({ immediately: true, now: at(1) })
  const second = metadata.document()
  t.not(second, first)
  verify(second, keys.current().certificate)
  metadata.close()
  await keys.rotate({ immediately: true, now: at(2) })
  t.equal(metadata.document(), second, 'after close it follows the keys no more')
})

t.test(
  'a verifier that reads the document takes tokens of the current key, and of the next one before it signs',
  async (t) => {
    const { keys, metadata } = await publish(t)
    const relyingParty = '4f6c0c2e-1a1b-4c53-9d2f-0123456789ab'
    const iat = at(7).getTime() / 1000
    const token = () =>
      issueEdgeToken({ iss: issuer, relyingpartytrustid: relyingParty, upn: 'alice@contoso.test', iat }, keys.current())
    const fetched = metadata.document()
    await keys.rotate({ now: at(1) })
    const verifierOf = (document: string) =>
      createEdgeTokenVerifier({
        issuer,
        keys: { metadataUrl: 'https://sts.contoso.test/FederationMetadata/2007-06/FederationMetadata.xml' },
        fetch: async () => new Response(document),
      })
    const expected = { relyingParty, currentDate: at(7) }
    const verifier = verifierOf(metadata.document())
    t.match(await verifier.verify(await token(), expected), { upn: 'alice@contoso.test' })
    await keys.advance(at(6))
    t.match(
      await verifier.verify(await token(), expected),
      { upn: 'alice@contoso.test' },
      'the next key, known in advance',
    )
    await t.rejects(verifierOf(fetched).verify(await token(), expected), { name: 'EdgeTokenError' }, 'not known before')
    await keys.rotate({ immediately: true, now: at(7) })
    await t.rejects(verifier.verify(await token(), expected), { name: 'EdgeTokenError' }, 'a key made without notice')
  },
)
