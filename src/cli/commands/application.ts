import type { ApplicationView } from '../administration/operations/applications.ts'
import { CliError } from '../cli-error.ts'
import type { Answer, Call, CommandSpec, OperandSpec, OptionSpec, Vocabulary } from '../command.ts'
import { exitCodes } from '../exit-code.ts'
import { facts, listing, printable, table } from '../text.ts'

const application: OperandSpec = { name: 'APPLICATION', help: 'name or id of the published application' }

const options: readonly OptionSpec[] = [
  { name: 'name', value: 'NAME', help: 'its name' },
  { name: 'external-url', value: 'URL', help: 'where people find it' },
  { name: 'backend-url', value: 'URL', help: 'where it lives; the same path' },
  { name: 'preauthentication', value: 'adfs|pass-through', help: 'who is let through; default adfs' },
  { name: 'trust', value: 'TRUST', help: 'name or id of its relying party trust, for adfs' },
  {
    name: 'identity-header',
    value: 'HEADER=CLAIM',
    many: true,
    help: 'tell the backend who it is: X-Forwarded-User=upn, or user-part, or a claim',
  },
  {
    name: 'identity-header-encoding',
    value: 'percent-encode|omit',
    help: 'what becomes of a value outside visible ASCII',
  },
  {
    name: 'persistent-access-cookie-expiration-time-sec',
    value: 'SECONDS',
    help: 'above 0: the access cookie outlives the browser',
  },
  { name: 'disable-http-only-cookie-protection', help: 'access cookie without HttpOnly' },
  { name: 'disable-translate-url-in-request-headers', help: 'send the external host name to the backend' },
  {
    name: 'disable-translate-url-in-response-headers',
    help: 'leave Location, Content-Location and Set-Cookie as they are',
  },
  {
    name: 'backend-server-certificate-validation',
    value: 'ValidateCertificate|None',
    help: "whether the backend's certificate is checked",
  },
  {
    name: 'inactive-transactions-timeout-sec',
    value: 'SECONDS',
    help: 'end a request that stands still so long; default 300',
  },
  { name: 'enable-http-redirect', help: 'redirect plain http to the external address' },
  { name: 'enable-sign-out', help: 'offer a sign-out address below the application' },
  { name: 'allowed-origin', value: 'ORIGIN', many: true, help: 'whose pages may call it (CORS, WebSocket)' },
  { name: 'robots', value: 'deny|application', help: 'who answers /robots.txt; default deny' },
  { name: 'case-sensitive-paths', help: 'tell paths apart by case' },
  {
    name: 'backend-authentication',
    value: 'none|kerberos',
    help: 'kerberos: reach the backend in the person’s name, by constrained delegation',
  },
  { name: 'backend-server-authentication-spn', value: 'SPN', help: 'its service principal name: HTTP/crm.corp.test' },
  {
    name: 'kerberos-name',
    value: 'upn|user-part|CLAIM',
    help: 'what the KDC knows people by: upn (default), onPremisesUpn, sAMAccountName, user-part, a claim',
  },
  {
    name: 'kerberos-mode',
    value: 'auto|per-connection|per-request',
    help: 'how often the backend is told who asks; default auto',
  },
  { name: 'id', value: 'GUID', help: 'id to take over; default a new one' },
]

// Web Application Proxy's own names, those too whose function is not there yet: the proxy refuses them by name.
const ofWebApplicationProxy: readonly OptionSpec[] = [
  ...['ExternalPreauthentication', 'BackendServerUrl', 'ADFSRelyingPartyName', 'ADFSRelyingPartyID'],
  ...['ExternalCertificateThumbprint', 'BackendServerAuthenticationMode', 'SPN'],
  ...['ClientCertificateAuthenticationBindingMode', 'ClientCertificatePreauthenticationThumbprint'],
  'ADFSUserCertificateStore',
].map((name) => ({ name, value: 'VALUE', help: '' }))

const plain = (name: string) => name.replaceAll(/[-_]/g, '').toLowerCase()

const known = new Map(
  [...options, ...ofWebApplicationProxy, { name: 'UseOAuthAuthentication', help: '' }].map((option) => [
    plain(option.name),
    option,
  ]),
)

const vocabulary: Vocabulary = {
  find: (name) => known.get(plain(name)),
  names: [...known.values()].map(({ name }) => name),
  options,
  help:
    'The parameter names of Add-WebApplicationProxyApplication are taken as well, with one dash or two: -ExternalUrl,\n' +
    '-BackendServerUrl, -ExternalPreauthentication ADFS|PassThrough, -ADFSRelyingPartyName … One whose function is not\n' +
    'there yet (ClientCertificate, ADFSforRichClients …) is refused by name.',
}

/** `gatehouse app …`: published applications. */
export const applicationCommands: readonly CommandSpec[] = [
  {
    words: ['app', 'publish'],
    summary: 'publish an application',
    description: 'Its trust learns the external address by this; a trust of another machine has to be told by hand.',
    operands: [{ name: 'NAME', optional: true, help: 'its name, unless --name says it' }],
    vocabulary,
    examples: [
      'app publish CRM --external-url https://crm.contoso.test/ --backend-url http://crm.corp.test/ --trust CRM',
      'app publish News --external-url https://news.contoso.test/ --backend-url http://news.corp.test/ --preauthentication pass-through',
      'app publish Intranet --external-url https://intranet.contoso.test/ --backend-url https://intranet.corp.test/ --trust Intranet --backend-authentication kerberos --backend-server-authentication-spn HTTP/intranet.corp.test',
      'app publish -Name CRM -ExternalUrl https://crm.contoso.test/ -BackendServerUrl http://crm.corp.test/ -ExternalPreauthentication ADFS -ADFSRelyingPartyName CRM',
    ],
    async run(call) {
      const published = await (await call.administration()).call('app.publish', { parameters: parametersOf(call) })
      return { data: published, text: `published ${printable(published.name)} at ${printable(published.externalUrl)}` }
    },
  },
  {
    words: ['app', 'list'],
    summary: 'list published applications',
    examples: ['app list', 'app list --json'],
    async run(call) {
      const applications = await (await call.administration()).call('app.list', {})
      const rows = applications.map(({ name, externalUrl, backendUrl, preauthentication, trust }) => [
        name,
        externalUrl,
        backendUrl,
        preauthentication,
        trust ?? '',
      ])
      const heading = ['APPLICATION', 'EXTERNAL ADDRESS', 'BACKEND', 'PREAUTHENTICATION', 'TRUST']
      return {
        data: applications,
        text: listing(heading, rows, 'nothing is published; gatehouse app publish publishes an application'),
      }
    },
  },
  {
    words: ['app', 'show'],
    summary: 'show a published application',
    operands: [application],
    examples: ['app show CRM', 'app show CRM --json'],
    async run(call) {
      const shown = await (await call.administration()).call('app.show', { application: call.operand('APPLICATION') })
      return { data: shown, text: describe(shown) }
    },
  },
  {
    words: ['app', 'update'],
    summary: 'change a published application',
    description: 'What is not named stays as it is.',
    operands: [application],
    vocabulary,
    examples: [
      'app update CRM --backend-url http://crm-new.corp.test/',
      'app update CRM --enable-sign-out --inactive-transactions-timeout-sec 600',
    ],
    async run(call) {
      const parameters = parametersOf(call)
      if (Object.keys(parameters).length === 0)
        throw new CliError('usage', 'gatehouse app update: nothing to change is named')
      const input = { application: call.operand('APPLICATION'), parameters }
      const updated = await (await call.administration()).call('app.update', input)
      return { data: updated, text: `updated ${printable(updated.name)}` }
    },
  },
  {
    words: ['app', 'remove'],
    summary: 'take a published application out of service',
    operands: [application],
    examples: ['app remove CRM'],
    async run(call) {
      const removed = await (await call.administration()).call('app.remove', {
        application: call.operand('APPLICATION'),
      })
      return { data: removed, text: `removed ${printable(removed.name)}` }
    },
  },
  {
    words: ['app', 'check'],
    summary: 'walk a person’s whole way into an application and say which step fails, and what mends it',
    description:
      'From the published application to the backend’s answer. Where the backend takes Kerberos it gets the tickets as the\n' +
      'proxy would, with the account of `kerberos` in the configuration. Ends with 1 when a step failed. Prints no secrets.',
    operands: [application],
    options: [{ name: 'as', value: 'USER', help: 'user principal name of the person; required' }],
    examples: ['app check CRM --as alice@contoso.test', 'app check CRM --as alice@contoso.test --json'],
    run: check,
  },
]

async function check(call: Call): Promise<Answer> {
  const upn = call.text('as')
  if (upn === undefined) throw new CliError('usage', '--as is missing: as whom')
  const name = call.operand('APPLICATION')
  const { checkEntry } = await import('../check/entry/entry.ts')
  const steps = await checkEntry(await call.configuration(), await call.administration(), { application: name, upn })
  const broken = steps.find(({ result }) => result === 'failed')
  const sum =
    broken === undefined
      ? `${printable(upn)} can enter ${printable(name)}`
      : `${printable(upn)} cannot enter ${printable(name)}: it fails at ${broken.step}`
  return {
    data: { steps, failed: broken?.step ?? null },
    text: [...table(steps.map(({ result, step, detail }) => [result, step, detail])), '', sum].join('\n'),
    exitCode: broken === undefined ? exitCodes.success : exitCodes.failure,
  }
}

function parametersOf(call: Call): Record<string, string | boolean | string[]> {
  const parameters: Record<string, string | boolean | string[]> = {}
  for (const [name, value] of Object.entries(call.vocabulary)) {
    parameters[name] = typeof value === 'object' ? [...value] : value
  }
  const name = call.operand('NAME')
  // Under the very name, so that --name beside it is told as said twice.
  if (name !== '') parameters['NAME'] = name
  return parameters
}

function describe({
  name,
  id,
  externalUrl,
  backendUrl,
  preauthentication,
  trust,
  identityHeaders,
  ...rest
}: ApplicationView): string {
  const yes = (value: boolean) => (value ? 'yes' : 'no')
  return facts([
    ['name', name],
    ['id', id],
    ['external address', externalUrl],
    ['backend', backendUrl],
    ['preauthentication', preauthentication],
    ['trust', trust ?? rest.trustId],
    [
      'identity headers',
      Object.entries(identityHeaders)
        .map((pair) => pair.join('='))
        .join(' '),
    ],
    ['identity header encoding', rest.identityHeaderEncoding],
    ['persistent access cookie', `${rest.persistentAccessCookieExpirationTimeSec} s`],
    ['HttpOnly', yes(!rest.disableHttpOnlyCookieProtection)],
    ['translates request headers', yes(!rest.disableTranslateUrlInRequestHeaders)],
    ['translates response headers', yes(!rest.disableTranslateUrlInResponseHeaders)],
    ['backend certificate', rest.backendServerCertificateValidation],
    ['inactive transactions', `${rest.inactiveTransactionsTimeoutSec} s`],
    ['http redirect', yes(rest.enableHttpRedirect)],
    ['sign-out', yes(rest.enableSignOut)],
    ['allowed origins', rest.allowedOrigins.join(' ')],
    ['robots.txt', rest.robots],
    ['case-sensitive paths', yes(rest.caseSensitivePaths)],
    ['backend authentication', rest.backendAuthentication],
    ['service principal name', rest.backendServerAuthenticationSPN],
    ['name at the KDC', rest.kerberosName],
    ['Kerberos mode', rest.kerberosMode],
  ])
}
