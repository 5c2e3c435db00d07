import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { issueEdgeToken } from '../../src/edge-token/index.ts'
import type { FederationService } from '../../src/proxy/federation-service.ts'
import { openForeignFederationService } from '../../src/proxy/foreign-federation-service.ts'
import { createPreauthenticator } from '../../src/proxy/preauthentication/preauthenticator.ts'
import { createKeyRing, crmTrust, issuer, signing } from './federation-service-lab.ts'
import { Browser, header, returnAddress } from './preauthentication/browser-lab.ts'

const trusts = [{ id: crmTrust.toUpperCase(), name: 'CRM' }]

async function metadata(entityId = issuer): Promise<string> {
  const { certificate } = await signing
  const base64 = certificate.replace(/-----[A-Z ]+-----|\s/g, '')
  return (
    `<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityId}">` +
    '<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" ' +
    'xsi:type="fed:SecurityTokenServiceType"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">' +
    `<X509Data><X509Certificate>${base64}</X509Certificate></X509Data></KeyInfo></KeyDescriptor></RoleDescriptor></EntityDescriptor>`
  )
}

/** A federation service that shows what it is told to; down (503) until it is told anything. */
async function serve(t: { teardown(fn: () => unknown): unknown }) {
  let document: string | undefined
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    response.statusCode = document === undefined ? 503 : 200
    response.end(document)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const metadataUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/FederationMetadata/2007-06/FederationMetadata.xml`
  return {
    metadataUrl,
    asked: () => asked,
    show: (text: string | undefined) => {
      document = text
    },
  }
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > end) throw new Error('it never came to that')
    await sleep(20)
  }
}

const token = async () => {
  const { key, certificate } = await signing
  return issueEdgeToken({ iss: issuer, relyingpartytrustid: crmTrust, upn: 'alice@contoso.test' }, { key, certificate })
}

t.test('starts while the federation service is down and is ready once its keys are there', async (t) => {
  const sts = await serve(t)
  const service = openForeignFederationService({ metadataUrl: sts.metadataUrl, trusts })
  t.teardown(() => service.close())
  t.equal(service.ready(), false)
  t.equal(service.issuer(), '')
  await t.rejects(service.verifier.verify(await token(), { relyingParty: crmTrust }), { code: 'keys-unavailable' })
  await until(() => sts.asked() > 0)
  sts.show(await metadata())
  await until(() => service.ready())
  t.equal(service.issuer(), issuer, 'the issuer is what the metadata names')
  t.match(await service.verifier.verify(await token(), { relyingParty: crmTrust }), { upn: 'alice@contoso.test' })
  const { origin } = new URL(sts.metadataUrl)
  t.equal(service.signInUrl(), `${origin}/adfs/ls`)
  t.equal(service.signOutUrl(), `${origin}/adfs/ls?wa=wsignout1.0`)
  t.equal(service.proxyIdentifier, 'urn:AppProxy:com')
  t.match(service.trust(crmTrust), { id: crmTrust, name: 'CRM', enabled: true, claimsAware: false })
  t.equal(service.endedSessions.isEnded({ sid: 'x', issuedAt: new Date() }), false)
  t.equal(service.endedSessions.lastHeardFrom(), undefined)
  sts.show(undefined)
  t.match(
    await service.verifier.verify(await token(), { relyingParty: crmTrust }),
    { upn: 'alice@contoso.test' },
    'and goes on when it is down again',
  )
})

t.test('is never ready with metadata of another issuer than it was told', async (t) => {
  const sts = await serve(t)
  sts.show(await metadata('http://sts.fabrikam.test/adfs/services/trust'))
  const service = openForeignFederationService({ metadataUrl: sts.metadataUrl, issuer, trusts })
  t.teardown(() => service.close())
  await until(() => sts.asked() > 1)
  t.equal(service.ready(), false)
  await t.rejects(service.verifier.verify(await token(), { relyingParty: crmTrust }), { code: 'keys-unavailable' })
  sts.show(await metadata())
  await until(() => service.ready())
})

for (const [name, document] of [
  ['no XML', 'not found'],
  ['half of it', '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x">'],
  [
    'a document type',
    `<!DOCTYPE a [<!ENTITY x "y">]><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${issuer}"/>`,
  ],
  ['no issuer', '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>'],
  ['no key', `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${issuer}"/>`],
] as const)
  t.test(`is not ready with ${name} for metadata, and asks again`, async (t) => {
    const sts = await serve(t)
    sts.show(document)
    const service = openForeignFederationService({ metadataUrl: sts.metadataUrl, trusts })
    await until(() => sts.asked() > 1)
    t.equal(service.ready(), false)
    await service.close()
  })

t.test('whoever comes while it is down is asked to come back, not kept waiting', async (t) => {
  const preauthenticate = createPreauthenticator({
    applications: [{ name: 'CRM', externalUrl: 'https://crm.contoso.test/', trust: 'CRM' }],
    federationService: {
      metadataUrl: 'https://sts.contoso.test/FederationMetadata.xml',
      trusts,
      fetch: () => Promise.reject(new Error('down')),
    },
    cookieKeys: createKeyRing(),
  })
  t.teardown(() => preauthenticate.close())
  for (let time = 0; time < 2; time++)
    t.match(await new Browser(preauthenticate).visit('https://crm.contoso.test/'), {
      status: 503,
      outcome: { code: 'keys-unavailable' },
    })
})

t.test('closes in the middle of waiting', async (t) => {
  const service = openForeignFederationService({
    metadataUrl: 'https://sts.contoso.test/FederationMetadata.xml',
    trusts,
    fetch: () => Promise.reject(new Error('down')),
  })
  await service.close()
  t.equal(service.ready(), false)
})

t.test('refuses options that can never work', async (t) => {
  const metadataUrl = 'https://sts.contoso.test/FederationMetadata.xml'
  const open = (more: object): FederationService =>
    openForeignFederationService({ metadataUrl, trusts, fetch: () => Promise.reject(new Error('down')), ...more })
  for (const more of [
    { metadataUrl: 'http://sts.contoso.test/FederationMetadata.xml' },
    { metadataUrl: 'sts.contoso.test' },
    { signInUrl: '/adfs/ls' },
    { trusts: [{ id: 'CRM', name: 'CRM' }] },
    { trusts: [{ id: crmTrust, name: 'CRM', replyAddresses: ['/reply'] }] },
  ])
    t.throws(() => open(more), { name: 'ProxyError', code: 'federation-service' }, JSON.stringify(more))
})

t.test('a whole round trip with nothing but its public addresses', async (t) => {
  const sts = await serve(t)
  sts.show(await metadata())
  const preauthenticate = createPreauthenticator({
    applications: [{ name: 'CRM', externalUrl: 'https://crm.contoso.test/', ADFSRelyingPartyName: 'CRM' }],
    federationService: { metadataUrl: sts.metadataUrl, signInUrl: 'https://sts.contoso.test/adfs/ls', trusts },
    cookieKeys: createKeyRing(),
  })
  t.teardown(() => preauthenticate.close())
  const browser = new Browser(preauthenticate)
  const answer = await browser.visit('https://crm.contoso.test/x')
  t.equal(answer.outcome.decision, 'sign-in-required', 'the first request waits for the keys')
  const parameters = new URL(header(answer, 'location') ?? '').searchParams
  const back = returnAddress(
    parameters.get('returnUrl') ?? '',
    await token(),
    parameters.get('client-request-id') ?? '',
  )
  t.equal((await browser.visit(back)).outcome.decision, 'signed-in')
  t.match(await browser.visit('https://crm.contoso.test/x'), { kind: 'allow', identity: { upn: 'alice@contoso.test' } })
})
