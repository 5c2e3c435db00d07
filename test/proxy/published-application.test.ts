import t from 'tap'
import { parsePublishedApplication } from '../../src/proxy/published-application.ts'
import { crmTrust, trust } from './federation-service-lab.ts'

const good = {
  name: 'CRM',
  externalUrl: 'https://crm.contoso.test/',
  backendUrl: 'http://crm.corp.test/',
  trustId: crmTrust,
}

t.test('takes our names and fills in what was not said', async (t) => {
  const application = parsePublishedApplication(good)
  t.match(application.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  t.match(application, {
    name: 'CRM',
    externalUrl: 'https://crm.contoso.test/',
    backendUrl: 'http://crm.corp.test/',
    preauthentication: 'adfs',
    trustId: crmTrust,
    persistentAccessCookieExpirationTimeSec: 0,
    disableHttpOnlyCookieProtection: false,
    disableTranslateUrlInRequestHeaders: false,
    disableTranslateUrlInResponseHeaders: false,
    backendServerCertificateValidation: 'ValidateCertificate',
    inactiveTransactionsTimeoutSec: 300,
    enableHttpRedirect: false,
    enableSignOut: false,
    identityHeaders: {},
    identityHeaderEncoding: 'percent-encode',
    allowedOrigins: [],
    robots: 'deny',
    caseSensitivePaths: false,
    backendAuthentication: 'none',
  })
  t.ok(Object.isFrozen(application))
  t.strictSame(parsePublishedApplication({ ...application }), application, 'what came out goes in again')
})

t.test("takes WAP's names in any case, with values as PowerShell writes them", async (t) => {
  const application = parsePublishedApplication(
    {
      Name: 'CRM',
      ExternalUrl: 'https://crm.contoso.test/App/',
      backendserverurl: 'https://crm.corp.test/App/',
      'External-Preauthentication': 'ADFS',
      ADFSRelyingPartyName: 'crm',
      PersistentAccessCookieExpirationTimeSec: '3600',
      DisableHttpOnlyCookieProtection: '$true',
      DisableTranslateUrlInRequestHeaders: 'True',
      DisableTranslateUrlInResponseHeaders: 'false',
      BackendServerCertificateValidation: 'none',
      InactiveTransactionsTimeoutSec: 60,
      EnableHTTPRedirect: true,
      EnableSignOut: '$false',
      BackendServerAuthenticationMode: 'NoAuthentication',
      ClientCertificateAuthenticationBindingMode: 'None',
      UseOAuthAuthentication: '$false',
      'identity-headers': ['X-Forwarded-User=upn', 'X-Mail=email'],
    },
    { trust: (name) => (name === 'crm' ? trust(crmTrust, 'CRM') : undefined) },
  )
  t.match(application, {
    trustId: crmTrust,
    preauthentication: 'adfs',
    externalUrl: 'https://crm.contoso.test/App/',
    persistentAccessCookieExpirationTimeSec: 3600,
    disableHttpOnlyCookieProtection: true,
    disableTranslateUrlInRequestHeaders: true,
    backendServerCertificateValidation: 'None',
    inactiveTransactionsTimeoutSec: 60,
    enableHttpRedirect: true,
    identityHeaders: { 'X-Forwarded-User': 'upn', 'X-Mail': 'email' },
  })
  const { trustId, ...open } = parsePublishedApplication({
    ...good,
    trustId: undefined,
    ExternalPreauthentication: 'PassThrough',
  })
  t.equal(trustId, undefined)
  t.equal(open.preauthentication, 'pass-through')
})

for (const [parameter, value] of [
  ['ExternalPreauthentication', 'ClientCertificate'],
  ['externalPreauthentication', 'ADFSforRichClients'],
  ['ExternalPreauthentication', 'adfsforoauth'],
  ['preauthentication', 'ADFSforBrowsersAndOffice'],

  ['ClientCertificateAuthenticationBindingMode', 'ValidateCertificate'],
  ['ClientCertificatePreauthenticationThumbprint', '0123456789abcdef0123456789abcdef01234567'],
  ['ExternalCertificateThumbprint', '0123456789abcdef0123456789abcdef01234567'],
  ['ADFSUserCertificateStore', 'Root'],
  ['UseOAuthAuthentication', '$true'],
] as const)
  t.test(`refuses ${parameter} ${value} by name: it is not there yet`, async (t) => {
    t.throws(() => parsePublishedApplication({ ...good, [parameter]: value }), {
      name: 'ProxyError',
      code: 'not-supported',
      parameter,
      message: new RegExp(`^${parameter}.* is not there yet$`),
    })
  })

const addresses: [string, string][] = [
  ['https://*.contoso.test/', 'wildcard'],
  ['https://crm.*/', 'wildcard'],
  ['https://10.0.0.1/', 'IP address'],
  ['https://127.1/', 'IP address'],
  ['https://0x7f000001/', 'IP address'],
  ['https://[::1]/', 'IP address'],
  ['https://[2001:db8::1]:8443/', 'IP address'],
  ['https://alice@crm.contoso.test/', 'user information'],
  ['https://@crm.contoso.test/', 'user information'],
  ['https://alice:secret@crm.contoso.test/', 'user information'],
  ['https://crm.contoso.test/?a=b', 'query'],
  ['https://crm.contoso.test/?', 'query'],
  ['https://crm.contoso.test/#top', 'fragment'],
  ['ftp://crm.contoso.test/', 'absolute http'],
  ['crm.contoso.test', 'absolute http'],
  ['https:///', 'absolute http'],
  ['https:crm.contoso.test/', 'absolute http'],
  ['https://crm.contoso.test:99999/', 'absolute http'],
  ['https://crm contoso.test/', 'blank'],
  ['https://crm.contoso.test\\app/', 'backslash'],
  ['https://crm.contoso.test/a\tb/', 'blank'],
  ['https://crm.contoso.test/a/../b/', 'would be read as'],
  ['https://crm.contoso.test/%2e%2e/b/', 'would be read as'],
  ['https://crm.contoso.test/a%2fb/', 'two ways'],
  ['https://crm.contoso.test/a%252fb/', 'two ways'],
  ['https://crm.contoso.test/a//b/', 'two ways'],
  ['https://crm.contoso.test/a;b/', 'two ways'],
  ['https://crm.contoso.test/.gatehouse/', 'own'],
  ['https://-crm.contoso.test/', 'no host name'],
  ['https://crm..contoso.test/', 'no host name'],
]
for (const [address, says] of addresses)
  t.test(`refuses to publish or to forward to ${JSON.stringify(address)}`, async (t) => {
    for (const parameter of ['ExternalUrl', 'BackendServerUrl']) {
      const { externalUrl, backendUrl, ...rest } = good
      const both = { ExternalUrl: externalUrl, BackendServerUrl: backendUrl, [parameter]: address }
      t.throws(() => parsePublishedApplication({ ...rest, ...both }), {
        code: 'invalid-application',
        parameter,
        message: new RegExp(`${parameter}: .*${says}`, 'i'),
      })
    }
  })

t.test('writes addresses in one way', async (t) => {
  for (const [written, externalUrl] of [
    ['https://CRM.Contoso.Test', 'https://crm.contoso.test/'],
    ['https://crm.contoso.test.:443/', 'https://crm.contoso.test/'],
    ['https://crm.contoso.test:8443/app', 'https://crm.contoso.test:8443/app/'],
    ['HTTP://crm.contoso.test:80/App/', 'http://crm.contoso.test/App/'],
    ['https://bücher.contoso.test/', 'https://xn--bcher-kva.contoso.test/'],
  ]) {
    const path = new URL(externalUrl ?? '').pathname
    const application = parsePublishedApplication({
      ...good,
      externalUrl: written,
      backendUrl: `http://crm.corp.test${path}`,
    })
    t.equal(application.externalUrl, externalUrl)
  }
})

for (const [name, changes, parameter, message] of [
  ['a differing path', { backendUrl: 'http://crm.corp.test/crm/' }, 'backendUrl', /differs/],
  [
    'a path that differs in case',
    { externalUrl: 'https://crm.contoso.test/App/', backendUrl: 'http://crm.corp.test/app/' },
    'backendUrl',
    /differs/,
  ],
  ['preauthentication without a trust', { trustId: undefined }, 'trustId', /needs a relying party trust/],
  ['a trust id that is none', { trustId: 'CRM' }, 'trustId', /GUID/],
  ['no name', { name: undefined }, 'name', /missing/],
  ['a name with a line break', { name: 'a\nb' }, 'name', /control character/],
  ['a name of blanks', { name: ' ' }, 'name', /1 to 256/],
  ['no external address', { externalUrl: undefined }, 'externalUrl', /missing/],
  ['a number for an address', { externalUrl: 1 }, 'externalUrl', /address/],
  [
    'an unknown preauthentication',
    { preauthentication: 'Kerberos' },
    'preauthentication',
    /expected adfs or pass-through/,
  ],
  ['half a second', { inactiveTransactionsTimeoutSec: 0.5 }, 'inactiveTransactionsTimeoutSec', /seconds/],
  [
    'a negative time',
    { persistentAccessCookieExpirationTimeSec: -1 },
    'persistentAccessCookieExpirationTimeSec',
    /seconds/,
  ],
  ['no time at all', { inactiveTransactionsTimeoutSec: '0' }, 'inactiveTransactionsTimeoutSec', /1 to 86400/],
  ['yes for true', { enableSignOut: 'yes' }, 'enableSignOut', /true or false/],
  ['a setting that is not there', { externalURLs: 'x' }, 'externalURLs', /no such setting/],
  ['a setting twice', { ExternalUrl: 'https://crm.contoso.test/' }, 'ExternalUrl', /says the same as externalUrl/],
  ['a prototype', { ['__proto__x']: 1 }, '__proto__x', /no such setting/],
  ['an origin with a path', { allowedOrigins: ['https://spa.contoso.test/x'] }, 'allowedOrigins', /no origin/],
  ['any origin', { allowedOrigins: ['*'] }, 'allowedOrigins', /no origin/],
  ['the null origin', { allowedOrigins: ['null'] }, 'allowedOrigins', /no origin/],
  ['a header with a colon', { identityHeaders: { 'X:': 'upn' } }, 'identityHeaders', /no header name/],
  ['a header with a line break', { identityHeaders: { 'X\r\nY': 'upn' } }, 'identityHeaders', /no header name/],
  ['a claim with a line break', { identityHeaders: { 'X-A': 'a\nb' } }, 'identityHeaders', /names no claim/],
  [
    'two headers that are one to CGI',
    { identityHeaders: { 'X-A': 'upn', X_A: 'email' } },
    'identityHeaders',
    /same header/,
  ],
] as const)
  t.test(`refuses ${name}`, async (t) => {
    t.throws(() => parsePublishedApplication({ ...good, ...changes }), {
      name: 'ProxyError',
      code: 'invalid-application',
      parameter,
      message,
    })
  })

for (const header of [
  'Cookie',
  'Host',
  'Authorization',
  'Connection',
  'Transfer-Encoding',
  'Content-Length',
  'Content-Type',
  'TE',
  'Trailer',
  'Upgrade',
  'Keep-Alive',
  'Proxy-Authorization',
  'Set-Cookie',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'Via',
  'Forwarded',
  'Sec-Fetch-Mode',
  'Origin',
  'X-MS-Proxy',
  'X_Forwarded_For',
  'Accept',
])
  t.test(`refuses ${header} as an identity header`, async (t) => {
    t.throws(() => parsePublishedApplication({ ...good, identityHeaders: { [header]: 'upn' } }), {
      code: 'invalid-application',
      parameter: 'identityHeaders',
    })
  })

t.test('takes the names that backends expect as identity headers', async (t) => {
  for (const header of ['X-Forwarded-User', 'Remote-User', 'REMOTE_USER', 'X-Auth-Request-Email', 'X-User'])
    t.same(parsePublishedApplication({ ...good, identityHeaders: { [header]: 'upn' } }).identityHeaders, {
      [header]: 'upn',
    })
})

t.test('refuses a trust that the federation service does not know', async (t) => {
  const { trustId, ...rest } = good
  t.throws(() => parsePublishedApplication({ ...rest, ADFSRelyingPartyName: 'HR' }, { trust: () => undefined }), {
    code: 'trust-unknown',
    parameter: 'ADFSRelyingPartyName',
  })
  t.throws(() => parsePublishedApplication({ ...rest, ADFSRelyingPartyName: 'HR' }), { code: 'trust-unknown' })
  t.throws(() => parsePublishedApplication({ ...good, trust: 'CRM' }), {
    code: 'invalid-application',
    parameter: 'trust',
  })
  t.equal(parsePublishedApplication({ ...rest, trust: crmTrust.toUpperCase() }).trustId, crmTrust)
})

t.test('refuses what is no object', async (t) => {
  for (const input of [undefined, null, 1, 'x', [], [good]])
    t.throws(() => parsePublishedApplication(input), { code: 'invalid-application' })
})

const backend = 'HTTP/crm.corp.test'

t.test('a service principal name alone asks for Kerberos, by WAP’s names and by ours', async (t) => {
  const wanted = { backendAuthentication: 'kerberos', kerberosName: 'upn', kerberosMode: 'auto' }
  for (const asked of [
    { BackendServerAuthenticationSPN: backend },
    { spn: backend },
    { spn: backend, BackendServerAuthenticationMode: 'IntegratedWindowsAuthentication' },
    { backendServerAuthenticationSPN: backend, backendAuthentication: 'kerberos' },
  ]) {
    const application = parsePublishedApplication({ ...good, ...asked })
    t.match(application, { ...wanted, backendServerAuthenticationSPN: backend })
    t.strictSame(parsePublishedApplication({ ...application }), application, 'what came out goes in again')
  }
  for (const [given, kerberosName] of [
    ['UPN', 'upn'],
    ['on-premises-upn', 'onPremisesUpn'],
    ['samaccountname', 'sAMAccountName'],
    ['user-part', 'userPart'],
    ['employeeId', 'employeeId'],
  ])
    t.match(parsePublishedApplication({ ...good, spn: backend, 'kerberos-name': given, KerberosMode: 'Per-Request' }), {
      kerberosName,
      kerberosMode: 'per-request',
    })
})

for (const spn of [
  ...['', 'cifs/crm.corp.test', 'ldap/dc.corp.test', 'HOST/crm.corp.test', 'krbtgt/CORP.TEST', 'HTTP/'],
  ...['HTTP/crm.corp.test@OTHER.TEST', 'HTTP/*.corp.test', 'HTTP/*', 'HTTP/crm.corp.test/x', 'crm.corp.test'],
  ...[
    'HTTP/crm.corp.test:0',
    'HTTP/crm.corp.test:99999',
    'HTTP/crm corp',
    'HTTP/crm.corp.test\n',
    'HTTP\\crm.corp.test',
  ],
  ...['http://crm.corp.test', 'HTTP/crm.corp.test\0', 'HTTP/-crm.corp.test'],
])
  t.test(`refuses to reach a backend as ${JSON.stringify(spn)}`, async (t) => {
    t.throws(() => parsePublishedApplication({ ...good, BackendServerAuthenticationSPN: spn }), {
      name: 'ProxyError',
      code: 'invalid-application',
      parameter: 'BackendServerAuthenticationSPN',
    })
  })

for (const [name, changes, parameter] of [
  ['Kerberos without a service', { backendAuthentication: 'kerberos' }, 'backendServerAuthenticationSPN'],
  ['a service with no authentication', { spn: backend, BackendServerAuthenticationMode: 'NoAuthentication' }, 'spn'],
  ['a name for no KDC', { kerberosName: 'upn' }, 'kerberosName'],
  ['a mode of no KDC', { kerberosMode: 'auto' }, 'kerberosMode'],
  ['a mode that is none', { spn: backend, kerberosMode: 'sometimes' }, 'kerberosMode'],
  ['a claim with a blank', { spn: backend, kerberosName: 'employee id' }, 'kerberosName'],
  ['authentication by NTLM', { backendAuthentication: 'ntlm' }, 'backendAuthentication'],
  ['Kerberos for nobody', { spn: backend, preauthentication: 'pass-through', trustId: undefined }, 'spn'],
] as const)
  t.test(`refuses ${name}`, async (t) => {
    t.throws(() => parsePublishedApplication({ ...good, ...changes }), { code: 'invalid-application', parameter })
  })
