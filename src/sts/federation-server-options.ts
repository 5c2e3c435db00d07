import type { KeyObject } from 'node:crypto'
import type { Log } from './http/decision-record.ts'
import type { BrandingOptions } from './pages/branding.ts'
import { everyLanguage, type Language } from './pages/strings.ts'
import type { LockoutSettings } from './people/password-authentication.ts'
import type { PortalApplications } from './portal/portal.ts'
import type { IntegratedSignInOptions } from './sign-in/integrated/integrated-sign-in-options.ts'
import type { Database } from './store/database.ts'

/** What a federation server is made from. */
export interface FederationServerOptions {
  /** Base address as browsers see it: scheme, host and port, without a path. Never taken from a request's Host. */
  url: string
  /** Federation service identifier; default `http://<host of url>/adfs/services/trust`. */
  issuer?: string | undefined
  /** Folder in which the server keeps its database, opened and closed by it. Either this or `database`. */
  folder?: string | undefined
  /** A database that somebody else opens and closes. */
  database?: Database | undefined
  /** What private keys are sealed with and every other secret key is derived from. */
  masterKey: KeyObject
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed; default nobody's. */
  trustedProxies?: readonly string[] | undefined
  /** The audience of edge tokens; default `urn:AppProxy:com`. */
  proxyIdentifier?: string | undefined
  /** Offer *keep me signed in*; default false. */
  keepMeSignedIn?: boolean | undefined
  /** Seconds that a sign-in holds; default 28,800. */
  ssoLifetime?: number | undefined
  /** Seconds that it holds with *keep me signed in*; default 604,800. */
  persistentLifetime?: number | undefined
  lockout?: Partial<LockoutSettings> | undefined
  /** Sign people inside the network in by their Kerberos tickets; default nobody. */
  integratedSignIn?: IntegratedSignInOptions | undefined
  branding?: BrandingOptions | undefined
  /** Languages of the pages; the first is for browsers that ask for none of them. Default all there are. */
  languages?: readonly Language[] | undefined
  /** Which applications a person finds on the portal; default the published ones whose trust permits the person. */
  applications?: PortalApplications | undefined
  /** One line per decision, and failures; default nowhere. */
  log?: Log | undefined
  /** Called with one line of JSON for each audit event that is on disk. */
  auditStream?: ((line: string) => void) | undefined
}

/** The options, checked and with their defaults. */
export interface FederationServerSettings {
  readonly url: string
  readonly host: string
  readonly secure: boolean
  readonly issuer: string
  readonly proxyIdentifier: string
  readonly trustedProxies: readonly string[]
  readonly keepMeSignedIn: boolean
  readonly ssoLifetime: number
  readonly persistentLifetime: number
  readonly familiarFor: number
  readonly languages: readonly Language[]
  readonly log: Log
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

/**
 * Checks the options when the server is built, not at the first request.
 * @throws {TypeError} naming the option that is wrong.
 */
export function readSettings(options: FederationServerOptions): FederationServerSettings {
  const address = URL.canParse(options.url) ? new URL(options.url) : undefined
  if (address === undefined || !/^https?:$/.test(address.protocol) || address.href !== `${address.origin}/`) {
    throw new TypeError('url must be scheme, host and port of the federation server, such as https://sts.contoso.test')
  }
  if ((options.folder === undefined) === (options.database === undefined)) {
    throw new TypeError('either folder or database must be given')
  }
  if (options.masterKey.type !== 'secret') throw new TypeError('masterKey must be a secret KeyObject')
  const languages = options.languages ?? everyLanguage
  if (languages.length === 0 || !languages.every((language) => everyLanguage.includes(language))) {
    throw new TypeError(`languages must name at least one of ${everyLanguage.join(', ')}`)
  }
  return {
    url: address.origin,
    host: address.hostname,
    secure: address.protocol === 'https:',
    issuer: options.issuer ?? `http://${address.hostname}/adfs/services/trust`,
    proxyIdentifier: options.proxyIdentifier ?? 'urn:AppProxy:com',
    trustedProxies: options.trustedProxies ?? [],
    keepMeSignedIn: options.keepMeSignedIn ?? false,
    ssoLifetime: seconds('ssoLifetime', options.ssoLifetime ?? 28_800),
    persistentLifetime: seconds('persistentLifetime', options.persistentLifetime ?? 604_800),
    familiarFor: seconds('lockout.familiarFor', options.lockout?.familiarFor ?? 2_592_000),
    languages,
    log: options.log ?? silent,
  }
}

function seconds(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0) throw new TypeError(`${name} must be whole seconds, more than 0`)
  return value
}
