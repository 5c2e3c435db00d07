import { ProxyError } from './proxy-error.ts'

/**
 * The vocabulary of Windows' Web Application Proxy (Add-WebApplicationProxyApplication), beside our own names for the
 * same things. A function of it that is not there yet is refused by name: a publication that silently lacks a check its
 * administrator asked for would be worse than none.
 */

/** Parameter, without dashes and in lower case, to our setting. */
const settingOf: Readonly<Record<string, string>> = {
  id: 'id',
  name: 'name',
  externalurl: 'externalUrl',
  backendurl: 'backendUrl',
  backendserverurl: 'backendUrl',
  preauthentication: 'preauthentication',
  externalpreauthentication: 'preauthentication',
  trustid: 'trustId',
  adfsrelyingpartyid: 'trustId',
  persistentaccesscookieexpirationtimesec: 'persistentAccessCookieExpirationTimeSec',
  disablehttponlycookieprotection: 'disableHttpOnlyCookieProtection',
  disabletranslateurlinrequestheaders: 'disableTranslateUrlInRequestHeaders',
  disabletranslateurlinresponseheaders: 'disableTranslateUrlInResponseHeaders',
  backendservercertificatevalidation: 'backendServerCertificateValidation',
  inactivetransactionstimeoutsec: 'inactiveTransactionsTimeoutSec',
  enablehttpredirect: 'enableHttpRedirect',
  enablesignout: 'enableSignOut',
  identityheaders: 'identityHeaders',
  identityheader: 'identityHeaders',
  identityheaderencoding: 'identityHeaderEncoding',
  allowedorigins: 'allowedOrigins',
  allowedorigin: 'allowedOrigins',
  robots: 'robots',
  casesensitivepaths: 'caseSensitivePaths',
  backendauthentication: 'backendAuthentication',
  backendserverauthenticationmode: 'backendAuthentication',
  backendserverauthenticationspn: 'backendServerAuthenticationSPN',
  spn: 'backendServerAuthenticationSPN',
  kerberosname: 'kerberosName',
  kerberosmode: 'kerberosMode',
}

const trustNames: readonly string[] = ['trust', 'trustname', 'adfsrelyingpartyname']

/** Values of a setting that WAP spells otherwise. */
const preauthentications: Readonly<Record<string, string>> = {
  adfs: 'adfs',
  passthrough: 'pass-through',
}

const backendAuthentications: Readonly<Record<string, string>> = {
  noauthentication: 'none',
  integratedwindowsauthentication: 'kerberos',
}

const preauthenticationsToCome: Readonly<Record<string, string>> = {
  clientcertificate: 'preauthentication by client certificate',
  adfsforrichclients: 'preauthentication of rich clients by HTTP Basic',
  adfsforoauth: 'preauthentication of OAuth clients',
  adfsforbrowsersandoffice: 'preauthentication of Office clients (MS-OFBA)',
}

/** Parameters whose function is not there, each with the value that asks for nothing, where there is one. */
const toCome: Readonly<Record<string, { what: string; nothing?: RegExp }>> = {
  externalcertificatethumbprint: {
    what: 'choosing a certificate by thumbprint (listeners find theirs by host name)',
  },
  clientcertificateauthenticationbindingmode: { what: 'binding to a client certificate', nothing: /^None$/i },
  clientcertificatepreauthenticationthumbprint: { what: 'preauthentication by client certificate' },
  adfsusercertificatestore: { what: 'preauthentication by user certificates' },
  useoauthauthentication: { what: 'preauthentication of OAuth clients', nothing: /^\$?false$/i },
}

export interface TranslatedParameters {
  /** By our names. */
  settings: Record<string, unknown>
  /** Our name to the one that was written. */
  spelling: Record<string, string>
  /** The relying party trust by name or id, still to be looked up. */
  trust: { parameter: string; value: string } | undefined
}

/**
 * Translates parameters of WAP and of ours, in any case and with or without dashes, into our settings.
 * @throws {ProxyError} `not-supported` for a function that is not there yet, `invalid-application` for anything else.
 */
export function translateParameters(input: unknown): TranslatedParameters {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new ProxyError('invalid-application', 'a published application is an object of settings')
  const settings: Record<string, unknown> = {}
  const spelling: Record<string, string> = {}
  let trust: TranslatedParameters['trust']
  for (const [parameter, given] of Object.entries(input)) {
    if (given === undefined) continue
    const plain = parameter.replaceAll(/[-_]/g, '').toLowerCase()
    const missing = Object.hasOwn(toCome, plain) ? toCome[plain] : undefined
    if (missing !== undefined) {
      if (missing.nothing?.test(String(given)) === true) continue
      throw notSupported(parameter, missing.what)
    }
    if (trustNames.includes(plain)) {
      if (trust !== undefined) throw twice(parameter, trust.parameter)
      if (typeof given !== 'string' || given === '') throw unreadable(parameter, 'expected the name of a trust')
      trust = { parameter, value: given }
      continue
    }
    const setting = Object.hasOwn(settingOf, plain) ? settingOf[plain] : undefined
    if (setting === undefined) throw unreadable(parameter.slice(0, 120), 'there is no such setting')
    if (spelling[setting] !== undefined) throw twice(parameter, spelling[setting])
    spelling[setting] = parameter
    settings[setting] = translatedValue(setting, given, parameter)
  }
  if (trust !== undefined && spelling['trustId'] !== undefined) throw twice(trust.parameter, spelling['trustId'])
  if (trust !== undefined) spelling['trustId'] = trust.parameter
  return { settings, spelling, trust }
}

function translatedValue(setting: string, given: unknown, parameter: string): unknown {
  if (setting === 'preauthentication') return preauthentication(given, parameter)
  if (setting !== 'backendAuthentication' || typeof given !== 'string') return given
  const plain = given.toLowerCase()
  return Object.hasOwn(backendAuthentications, plain) ? backendAuthentications[plain] : given
}

function preauthentication(given: unknown, parameter: string): unknown {
  const plain = typeof given === 'string' ? given.replaceAll('-', '').toLowerCase() : ''
  const what = Object.hasOwn(preauthenticationsToCome, plain) ? preauthenticationsToCome[plain] : undefined
  if (what !== undefined) throw notSupported(`${parameter} ${String(given)}`, what, parameter)
  return Object.hasOwn(preauthentications, plain) ? preauthentications[plain] : given
}

function notSupported(shown: string, what: string, parameter = shown): ProxyError {
  return new ProxyError('not-supported', `${shown}: ${what} is not there yet`, { parameter })
}

function twice(parameter: string, before: string): ProxyError {
  return unreadable(parameter, `says the same as ${before}; give one of them`)
}

function unreadable(parameter: string, message: string): ProxyError {
  const shown = parameter.replace(/[^\x20-\x7e]/g, '?')
  return new ProxyError('invalid-application', `${shown}: ${message}`, { parameter: shown })
}
