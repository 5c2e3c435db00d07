import { createHash } from 'node:crypto'
import { comparablePath } from '../../edge-token/published-url.ts'
import type { PublishedApplication } from '../published-application.ts'
import { keepsSecureCookies } from '../site.ts'
import { headersToRemove } from './forgeable-headers.ts'

/** What follows from a published application alone, worked out once. */
export interface Publication {
  readonly application: PublishedApplication
  /** External origin: scheme, host and port. */
  readonly origin: string
  /** External host name; cookies are bound to it. */
  readonly host: string
  /** The application is published with TLS. */
  readonly secure: boolean
  /** Browsers keep cookies here that ask for TLS. */
  readonly secureContext: boolean
  readonly accessCookie: string
  readonly replyCookie: string
  /** Path below which pages of ours answer: `<prefix>.gatehouse/`. */
  readonly ownPath: string
  readonly removeHeaders: (lowerName: string) => boolean
  readonly allowedOrigins: ReadonlySet<string>
}

const publications = new WeakMap<PublishedApplication, Publication>()

/** The publication of an application; the same object as long as the application is. */
export function publicationOf(application: PublishedApplication): Publication {
  let publication = publications.get(application)
  if (publication === undefined) {
    publication = derive(application)
    publications.set(application, publication)
  }
  return publication
}

function derive(application: PublishedApplication): Publication {
  const url = new URL(application.externalUrl)
  const place = comparablePath(url.pathname)
  // The application at the root has WAP's own name; others tell themselves apart, because all cookies have Path=/.
  const suffix = place === '' ? '' : `_${createHash('sha256').update(place).digest('hex').slice(0, 12)}`
  return {
    application,
    origin: url.origin,
    host: url.hostname,
    secure: url.protocol === 'https:',
    secureContext: keepsSecureCookies(url),
    accessCookie: `EdgeAccessCookie${suffix}`,
    replyCookie: `EdgeReply${suffix}`,
    ownPath: `${url.pathname}.gatehouse/`,
    removeHeaders: headersToRemove(headersOfOurs(application)),
    allowedOrigins: new Set(application.allowedOrigins),
  }
}

/** Whatever scheme a client authenticates by, a Kerberos backend hears of nobody but the person who signed in. */
function headersOfOurs({ identityHeaders, backendAuthentication }: PublishedApplication): string[] {
  const names = Object.keys(identityHeaders)
  return backendAuthentication === 'kerberos' ? [...names, 'Authorization'] : names
}
