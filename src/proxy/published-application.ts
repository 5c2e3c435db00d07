import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import { z } from 'zod'
import { normaliseTarget } from '../edge-token/published-url.ts'
import {
  type KerberosMode,
  type KerberosName,
  kerberosModes,
  readKerberosName,
  serviceProblem,
} from './backend-kerberos.ts'
import type { ProxyTrust } from './federation-service.ts'
import { checkIdentityHeaderName } from './preauthentication/forgeable-headers.ts'
import { ProxyError } from './proxy-error.ts'
import { translateParameters } from './wap-vocabulary.ts'

export type PreauthenticationKind = 'adfs' | 'pass-through'

/** A published application, complete and valid: the outcome of {@link parsePublishedApplication}. */
export interface PublishedApplication {
  /** GUID, lower case. */
  readonly id: string
  readonly name: string
  /** Where people find it: a WHATWG-serialised http(s) URL whose path ends in a slash. */
  readonly externalUrl: string
  /** Where it lives; same path. */
  readonly backendUrl: string
  readonly preauthentication: PreauthenticationKind
  /** The relying party trust, for `adfs`; lower case. */
  readonly trustId?: string
  /** Above 0: the access cookie outlives the browser, at most this many seconds. */
  readonly persistentAccessCookieExpirationTimeSec: number
  readonly disableHttpOnlyCookieProtection: boolean
  /** Send the external host to the backend instead of its own. */
  readonly disableTranslateUrlInRequestHeaders: boolean
  readonly disableTranslateUrlInResponseHeaders: boolean
  readonly backendServerCertificateValidation: 'ValidateCertificate' | 'None'
  readonly inactiveTransactionsTimeoutSec: number
  /** Plain http at an https application's host is redirected instead of refused. */
  readonly enableHttpRedirect: boolean
  /** Serve `.gatehouse/sign-out` below the application. */
  readonly enableSignOut: boolean
  /** Header name to claim (`upn`, `user-part`, or the name of a claim in the edge token): what the backend is told about the person. */
  readonly identityHeaders: Readonly<Record<string, string>>
  /** What becomes of a value outside visible ASCII: percent-encoded UTF-8 (and `%` itself as `%25`), or no header. */
  readonly identityHeaderEncoding: 'percent-encode' | 'omit'
  /** Origins that may call from a browser: CORS and WebSocket. */
  readonly allowedOrigins: readonly string[]
  /** Who answers /robots.txt. */
  readonly robots: 'deny' | 'application'
  readonly caseSensitivePaths: boolean
  /** `kerberos`: the backend is reached in the person's name, by constrained delegation, and in no other way. */
  readonly backendAuthentication: 'none' | 'kerberos'
  /** The backend's service principal name, for `kerberos`. */
  readonly backendServerAuthenticationSPN?: string
  /** Which of a person's names the KDC is asked for; for `kerberos`. */
  readonly kerberosName?: KerberosName
  /** How often the backend is told who asks; for `kerberos`. */
  readonly kerberosMode?: KerberosMode
}

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Command lines bring text: `true`, `$true`, `1` as PowerShell writes it too. */
const flag = z
  .union([z.boolean(), z.string().regex(/^\$?(true|false)$/i, 'expected true or false')], 'expected true or false')
  .transform((value) => (typeof value === 'boolean' ? value : /true$/i.test(value)))

const seconds = (least: number, most: number) =>
  z
    .union(
      [z.number(), z.string().regex(/^\d{1,9}$/, 'expected a whole number of seconds')],
      'expected a whole number of seconds',
    )
    .transform(Number)
    .refine((n) => Number.isInteger(n) && n >= least && n <= most, `expected ${least} to ${most} seconds`)

const words = <const T extends readonly string[]>(...choices: T) =>
  z
    .string()
    .transform((text) => choices.find((choice) => choice.toLowerCase() === text.toLowerCase()))
    .refine((choice) => choice !== undefined, `expected ${choices.join(' or ')}`)
    .transform((choice) => choice as T[number])

const schema = z.strictObject({
  id: z
    .string()
    .regex(guid, 'expected a GUID')
    .transform((id) => id.toLowerCase())
    .default(() => randomUUID()),
  name: z
    .string('expected a name')
    .regex(/^(?!\s)[^\p{C}]{1,256}(?<!\s)$/u, 'expected 1 to 256 characters, none of them a control character'),
  externalUrl: z.string('expected an absolute http(s) address').max(2048, 'expected at most 2048 characters'),
  backendUrl: z.string('expected an absolute http(s) address').max(2048, 'expected at most 2048 characters'),
  preauthentication: words('adfs', 'pass-through').default('adfs'),
  trustId: z
    .string()
    .regex(guid, 'expected the GUID of a relying party trust')
    .transform((id) => id.toLowerCase())
    .optional(),
  persistentAccessCookieExpirationTimeSec: seconds(0, 34_560_000).default(0),
  disableHttpOnlyCookieProtection: flag.default(false),
  disableTranslateUrlInRequestHeaders: flag.default(false),
  disableTranslateUrlInResponseHeaders: flag.default(false),
  backendServerCertificateValidation: words('ValidateCertificate', 'None').default('ValidateCertificate'),
  inactiveTransactionsTimeoutSec: seconds(1, 86_400).default(300),
  enableHttpRedirect: flag.default(false),
  enableSignOut: flag.default(false),
  identityHeaders: z
    .union([
      z.record(z.string(), z.string()),
      z
        .array(z.string().regex(/^[^=]+=.+$/, 'expected Header=claim'))
        .transform((pairs) => Object.fromEntries(pairs.map(splitPair))),
    ])
    .default({}),
  identityHeaderEncoding: words('percent-encode', 'omit').default('percent-encode'),
  allowedOrigins: z.array(z.string()).default([]),
  robots: words('deny', 'application').default('deny'),
  caseSensitivePaths: flag.default(false),
  backendAuthentication: words('none', 'kerberos').optional(),
  backendServerAuthenticationSPN: z.string('expected a service principal name').optional(),
  kerberosName: z
    .string('expected upn, onPremisesUpn, sAMAccountName, userPart or the name of a claim')
    .regex(/^[\x21-\x7e]{1,256}$/, 'expected upn, onPremisesUpn, sAMAccountName, userPart or the name of a claim')
    .transform(readKerberosName)
    .optional(),
  kerberosMode: words(...kerberosModes).optional(),
})

/**
 * Reads a published application from what an administrator, a file or a caller gave: names of ours or WAP's own,
 * without regard to case (`--ExternalUrl`, `external-url`). Does NOT look at other applications or at the state of the
 * trust; publishing does.
 * @param options.trust finds a trust by id or name, for `ADFSRelyingPartyName`; without it only `trustId` is taken.
 *   `backend: 'none'` where nothing is forwarded: the backend address may then be left out.
 * @throws {ProxyError} `invalid-application`, `not-supported` (a function of WAP that is not there yet), `trust-unknown`;
 *   `parameter` is the setting at fault, spelt as it was given.
 */
export function parsePublishedApplication(
  input: unknown,
  options: { trust?: (idOrName: string) => ProxyTrust | undefined; backend?: 'none' } = {},
): PublishedApplication {
  const { settings, spelling, trust } = translateParameters(input)
  if (trust !== undefined) {
    const found = options.trust?.(trust.value)
    if (found === undefined && (options.trust !== undefined || !guid.test(trust.value)))
      refuse('trust-unknown', trust.parameter, `there is no relying party trust '${printable(trust.value)}'`)
    settings['trustId'] = found?.id ?? trust.value
  }
  if (options.backend === 'none') settings['backendUrl'] ??= settings['externalUrl']
  const parsed = schema.safeParse(settings)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = String(issue?.path[0] ?? '')
    const parameter = spelling[field] ?? field
    const missing = settings[field] === undefined ? 'it is missing; ' : ''
    refuse('invalid-application', parameter, `${missing}${issue?.message ?? 'not understood'}`, parsed.error)
  }
  const { trustId, backendAuthentication, backendServerAuthenticationSPN, kerberosName, kerberosMode, ...rest } =
    parsed.data
  const named = (field: string) => spelling[field] ?? field
  const externalUrl = publishedAddress(rest.externalUrl, named('externalUrl'))
  const backendUrl = publishedAddress(rest.backendUrl, named('backendUrl'))
  if (externalUrl.pathname !== backendUrl.pathname)
    refuse(
      'invalid-application',
      named('backendUrl'),
      `its path '${backendUrl.pathname}' differs from the external one, '${externalUrl.pathname}'; paths are not translated`,
    )
  if (rest.preauthentication === 'adfs' && trustId === undefined)
    refuse('invalid-application', named('trustId'), 'an application with preauthentication needs a relying party trust')
  const kerberos = readKerberos(
    { backendAuthentication, backendServerAuthenticationSPN, kerberosName, kerberosMode },
    { preauthentication: rest.preauthentication, named },
  )
  const seen = new Set<string>()
  for (const [header, claim] of Object.entries(rest.identityHeaders)) {
    const problem = checkIdentityHeaderName(header, seen) ?? (claimName.test(claim) ? undefined : 'names no claim')
    if (problem !== undefined)
      refuse('invalid-application', named('identityHeaders'), `'${printable(header)}' ${problem}`)
  }
  const origins = rest.allowedOrigins.map((origin) => plainOrigin(origin, named('allowedOrigins')))
  return Object.freeze({
    ...rest,
    externalUrl: externalUrl.href,
    backendUrl: backendUrl.href,
    ...(rest.preauthentication === 'adfs' && trustId !== undefined ? { trustId } : {}),
    identityHeaders: Object.freeze({ ...rest.identityHeaders }),
    allowedOrigins: Object.freeze([...new Set(origins)]),
    ...kerberos,
  })
}

/** A service principal name alone asks for Kerberos, as in WAP. */
function readKerberos(
  given: {
    backendAuthentication: 'none' | 'kerberos' | undefined
    backendServerAuthenticationSPN: string | undefined
    kerberosName: string | undefined
    kerberosMode: KerberosMode | undefined
  },
  { preauthentication, named }: { preauthentication: PreauthenticationKind; named: (field: string) => string },
): Pick<
  PublishedApplication,
  'backendAuthentication' | 'backendServerAuthenticationSPN' | 'kerberosName' | 'kerberosMode'
> {
  const { backendServerAuthenticationSPN: spn, kerberosName = 'upn', kerberosMode = 'auto' } = given
  const wanted = given.backendAuthentication ?? (spn === undefined ? 'none' : 'kerberos')
  if (wanted === 'none') {
    for (const field of ['backendServerAuthenticationSPN', 'kerberosName', 'kerberosMode'] as const)
      if (given[field] !== undefined)
        refuse('invalid-application', named(field), 'is for an application with backendAuthentication kerberos alone')
    return { backendAuthentication: 'none' }
  }
  if (preauthentication !== 'adfs')
    refuse(
      'invalid-application',
      named(given.backendAuthentication === undefined ? 'backendServerAuthenticationSPN' : 'backendAuthentication'),
      'without preauthentication nobody is known in whose name the backend could be reached',
    )
  const problem = spn === undefined ? 'it is missing; expected HTTP/host or HTTP/host:port' : serviceProblem(spn)
  if (spn === undefined || problem !== undefined)
    refuse('invalid-application', named('backendServerAuthenticationSPN'), problem ?? '')
  return { backendAuthentication: 'kerberos', backendServerAuthenticationSPN: spn, kerberosName, kerberosMode }
}

const claimName = /^[\x21-\x7e]{1,256}$/

/** An address to publish or to forward to: http(s), a host name, a path ending in a slash, nothing else. */
function publishedAddress(text: string, parameter: string): URL {
  const wrong = (message: string): never => refuse('invalid-application', parameter, message)
  // Before parsing: WHATWG would quietly mend these, and what was published would not be what was written.
  if (/[\s\\]|\p{C}/u.test(text)) wrong('an address holds no blank, backslash or control character')
  if (/^[a-z]+:\/\/[^/?#]*\*/i.test(text)) wrong('a wildcard host is not supported')
  if (!/^https?:\/\/[^/?#]/i.test(text) || !URL.canParse(text))
    wrong(`expected an absolute http(s) address, not '${printable(text)}'`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/\/[^/?#]*@/i.test(text))
    wrong('an address holds no user information')
  if (text.includes('?')) wrong('an address to publish has no query')
  if (text.includes('#')) wrong('an address to publish has no fragment')
  if (url.hostname.startsWith('[') || isIP(url.hostname) !== 0)
    wrong(`the host is the IP address ${url.hostname}; expected a name`)
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1)
  if (
    !/^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(url.hostname) ||
    url.hostname.length > 253
  )
    wrong(`'${printable(url.hostname)}' is no host name`)
  const written = text.replace(/^[a-z]+:\/\/[^/]*/i, '')
  if (written !== '' && written !== url.pathname) wrong(`its path would be read as '${url.pathname}'; write it so`)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  if (normaliseTarget(url.pathname)?.path !== url.pathname || /\/\/|;|%2f|%5c|%25/i.test(url.pathname))
    wrong(`its path '${url.pathname}' could be read in two ways`)
  if (/\/\.gatehouse\//i.test(url.pathname)) wrong("'/.gatehouse/' is the proxy's own")
  return url
}

function plainOrigin(text: string, parameter: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const origin = url?.origin ?? 'null'
  if (!/^https?:\/\//.test(origin) || text.toLowerCase().replace(/\/$/, '') !== origin)
    refuse(
      'invalid-application',
      parameter,
      `'${printable(text)}' is no origin; expected scheme://host or scheme://host:port`,
    )
  return origin
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
}

function printable(text: string): string {
  return text.slice(0, 120).replace(/[^\x20-\x7e]/g, '?')
}

function refuse(
  code: 'invalid-application' | 'trust-unknown',
  parameter: string,
  message: string,
  cause?: unknown,
): never {
  throw new ProxyError(code, `${parameter}: ${message}`, { parameter, cause })
}
