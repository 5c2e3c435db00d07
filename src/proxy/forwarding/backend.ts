import type { PublishedApplication } from '../published-application.ts'
import { createUrlTranslation, type UrlTranslation } from './url-translation.ts'

/** What forwarding needs to know of a published application, worked out once. */
export interface Backend {
  readonly application: PublishedApplication
  readonly origin: string
  readonly hostname: string
  readonly port: number
  readonly secure: boolean
  /** False only where the application says that its backend's certificate is not to be checked. */
  readonly verifyCertificate: boolean
  /** Applications that share it share connections. */
  readonly connectionKey: string
  /** The Host header that the backend gets. */
  readonly hostHeader: string
  /** Milliseconds without any progress after which an exchange is given up. */
  readonly inactivity: number
  /** Undefined: addresses in request headers stay as the client sent them. */
  readonly requestTranslation: UrlTranslation | undefined
  readonly responseTranslation: UrlTranslation | undefined
  /** Header pairs that are the same for every request of this application. */
  readonly forwardedHeaders: readonly string[]
}

const known = new WeakMap<PublishedApplication, Backend>()

/** The backend of an application. Kept as long as the application object lives, and a change makes a new object. */
export function backendOf(application: PublishedApplication): Backend {
  let backend = known.get(application)
  if (backend === undefined) {
    backend = describe(application)
    known.set(application, backend)
  }
  return backend
}

function describe(application: PublishedApplication): Backend {
  const url = new URL(application.backendUrl)
  const external = new URL(application.externalUrl)
  const secure = url.protocol === 'https:'
  const verifyCertificate = application.backendServerCertificateValidation !== 'None'
  const translation = createUrlTranslation(application)
  return {
    application,
    origin: url.origin,
    hostname: url.hostname,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    verifyCertificate,
    connectionKey: secure && !verifyCertificate ? `${url.origin} unverified` : url.origin,
    hostHeader: application.disableTranslateUrlInRequestHeaders ? external.host : url.host,
    inactivity: Math.max(1, application.inactiveTransactionsTimeoutSec) * 1_000,
    requestTranslation: application.disableTranslateUrlInRequestHeaders ? undefined : translation,
    responseTranslation: application.disableTranslateUrlInResponseHeaders ? undefined : translation,
    forwardedHeaders: [
      'X-Forwarded-Host',
      external.host,
      'X-Forwarded-Port',
      external.port === '' ? (external.protocol === 'https:' ? '443' : '80') : external.port,
    ],
  }
}
