import { createSecretKey, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { openProxyStore } from '../../src/proxy/proxy-store.ts'
import { publishApplication, unpublishApplication } from '../../src/proxy/publishing.ts'
import { sameSite } from '../../src/proxy/site.ts'
import { createFederationServiceLab, crmTrust, trust, wikiTrust } from './federation-service-lab.ts'

async function open(t: { testdir(): string }) {
  const lab = await createFederationServiceLab()
  const store = await openProxyStore({
    file: join(t.testdir(), 'proxy.json'),
    masterKey: createSecretKey(randomBytes(32)),
  })
  return { lab, store, parts: { store, federationService: lab.service } }
}
const crm = {
  Name: 'CRM',
  ExternalUrl: 'https://crm.contoso.test/',
  BackendServerUrl: 'http://crm.corp.test/',
  ADFSRelyingPartyName: 'crm',
}

t.test('publishing tells the federation service first and keeps it then; removing does both backwards', async (t) => {
  const { lab, store, parts } = await open(t)
  const application = await publishApplication(crm, parts)
  t.equal(application.trustId, crmTrust, 'a trust by its name, in any case')
  t.strictSame(lab.published, [`${crmTrust} https://crm.contoso.test/`])
  t.equal(store.application('CRM')?.id, application.id)
  await unpublishApplication('crm', parts)
  t.strictSame(lab.published, [])
  t.strictSame(store.applications(), [])
  await t.rejects(unpublishApplication('crm', parts), { code: 'application-unknown' })
})

t.test('what is refused leaves no trace at the federation service or in the store', async (t) => {
  const { lab, store, parts } = await open(t)
  lab.trusts.set(
    '0000aaaa-0000-4000-8000-000000000000',
    trust('0000aaaa-0000-4000-8000-000000000000', 'Off', { enabled: false }),
  )
  await publishApplication(crm, parts)
  for (const [name, changes, code] of [
    ['an unknown trust', { ADFSRelyingPartyName: 'HR' }, 'trust-unknown'],
    ['an unknown trust id', { ADFSRelyingPartyName: '0000bbbb-0000-4000-8000-000000000000' }, 'trust-unknown'],
    ['a disabled trust', { ADFSRelyingPartyName: 'Off' }, 'trust-disabled'],
    ['the host of the federation service', { ExternalUrl: 'https://sts.contoso.test/' }, 'overlap'],
    ['the same host at another port', { ExternalUrl: 'http://STS.contoso.test:8080/' }, 'overlap'],
    [
      'a path of that host',
      { ExternalUrl: 'https://sts.contoso.test/app/', BackendServerUrl: 'http://x.corp.test/app/' },
      'overlap',
    ],
    ['an address that is taken', {}, 'overlap'],
    [
      'a claims-aware trust on another site without TLS',
      { ExternalUrl: 'http://wiki.fabrikam.test/', ADFSRelyingPartyName: 'Wiki' },
      'reply-needs-tls',
    ],
    [
      'a claims-aware trust without TLS before a federation service with it',
      { ExternalUrl: 'http://wiki.contoso.test/', ADFSRelyingPartyName: 'Wiki' },
      'reply-needs-tls',
    ],
  ] as const)
    await t.rejects(publishApplication({ ...crm, Name: name, ...changes }, parts), { name: 'ProxyError', code }, name)
  await t.rejects(publishApplication({ ...crm, ExternalUrl: 'https://x.contoso.test/' }, parts), {
    code: 'application-exists',
  })
  t.equal(store.applications().length, 1)
  t.equal(lab.published.length, 1)
})

t.test('a claims-aware trust is published with TLS, on the same site, or on this machine', async (t) => {
  const { lab, parts } = await open(t)
  const wiki = { BackendServerUrl: 'http://wiki.corp.test/', trustId: wikiTrust }
  await publishApplication({ ...wiki, name: '1', externalUrl: 'https://wiki.fabrikam.test/' }, parts)
  await publishApplication({ ...wiki, name: '2', externalUrl: 'http://wiki.fabrikam.localhost/' }, parts)
  Object.assign(lab.service, { signInUrl: () => 'http://sts.contoso.test/adfs/ls' })
  await publishApplication({ ...wiki, name: '3', externalUrl: 'http://wiki.contoso.test/' }, parts)
  t.equal(lab.published.length, 3)
})

t.test(
  'a Kerberos backend is published with a trust that is not claims-aware, which is told the service',
  async (t) => {
    const { lab, store, parts } = await open(t)
    const told: unknown[] = []
    Object.assign(lab.service, { publish: async (...given: unknown[]) => void told.push(given) })
    await publishApplication({ ...crm, BackendServerAuthenticationSPN: 'HTTP/crm.corp.test' }, parts)
    const addresses = { externalUrl: 'https://crm.contoso.test/', backendUrl: 'http://crm.corp.test/' }
    t.strictSame(told, [[crmTrust, { ...addresses, spn: 'HTTP/crm.corp.test' }]])
    await t.rejects(
      publishApplication(
        {
          name: 'Wiki',
          externalUrl: 'https://wiki.contoso.test/',
          backendUrl: 'http://wiki.corp.test/',
          trustId: wikiTrust,
          spn: 'HTTP/wiki.corp.test',
        },
        parts,
      ),
      {
        code: 'trust-claims-aware',
        message:
          /gatehouse trust add NAME --delegate-to HTTP\/wiki\.corp\.test.*gatehouse trust update 'Wiki' --claims-aware no/,
      },
    )
    t.equal(told.length, 1)
    t.equal(store.applications().length, 1)
  },
)

t.test('a store that fails takes back what the federation service was told', async (t) => {
  const { lab, store } = await open(t)
  const failing = { ...store, check: () => undefined, publish: () => Promise.reject(new Error('no space left')) }
  await t.rejects(publishApplication(crm, { store: failing, federationService: lab.service }), {
    message: 'no space left',
  })
  t.strictSame(lab.published, [])
})

t.test('sites are told apart as browsers do', async (t) => {
  for (const [one, other, same] of [
    ['https://sts.contoso.test', 'https://crm.contoso.test:8443', true],
    ['https://sts.eu.contoso.test', 'https://contoso.test', true],
    ['https://sts.contoso.test', 'http://crm.contoso.test', false],
    ['https://sts.contoso.test', 'https://crm.fabrikam.test', false],
    ['https://a.contoso.co.uk', 'https://b.fabrikam.co.uk', false],
    ['https://a.contoso.co.uk', 'https://b.contoso.co.uk', true],
    ['https://sts.localhost', 'https://app.localhost', false],
  ] as const)
    t.equal(sameSite(new URL(one), new URL(other)), same, `${one} ${other}`)
})
