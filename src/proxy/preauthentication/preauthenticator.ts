import type { AccessCookieKey } from '../../edge-token/index.ts'
import { normaliseTarget } from '../../edge-token/published-url.ts'
import { type ApplicationCatalogue, createApplicationCatalogue, publishedPlace } from '../application-catalogue.ts'
import type { FederationService } from '../federation-service.ts'
import { type ForeignFederationServiceOptions, openForeignFederationService } from '../foreign-federation-service.ts'
import { ProxyError } from '../proxy-error.ts'
import { type PublishedApplication, parsePublishedApplication } from '../published-application.ts'
import { checkAgainstFederationService } from '../publishing.ts'
import { answer, redirect } from './answers.ts'
import { headerText } from './client-kind.ts'
import { readCookies } from './cookie-header.ts'
import { foreignOrigin } from './cross-origin.ts'
import { createDelegationCheck } from './delegation-check.ts'
import { removalFor } from './forgeable-headers.ts'
import { createPreauthenticatedArea } from './preauthenticated-area.ts'
import type { PlainRequest, Preauthentication, Preauthenticator, Responded } from './preauthentication.ts'
import { publicationOf } from './publication.ts'
import { originForm } from './request-target.ts'

/**
 * The decision about each request, as plain data in and plain data out.
 *
 *     method, target, host ──▶ route ──▶ robots.txt, foreign WebSocket ──▶ pass-through: allow
 *                                                                     └──▶ preauthenticated area:
 *        CORS preflight ─ own pages ─ a token in the address ─ access cookie ─ federation reply ─ challenge
 *
 * Nothing here knows a socket or a framework; what is forwarded, and how, is others' affair.
 */
export interface PreauthenticatorOptions {
  /** A catalogue that others keep up to date, or the applications themselves, by our names or WAP's. */
  readonly applications: ApplicationCatalogue | readonly (PublishedApplication | Readonly<Record<string, unknown>>)[]
  /** Who signs people in: one that is open already, or where to find it. */
  readonly federationService: FederationService | ForeignFederationServiceOptions
  /** The ring of keys that cookies are sealed with; the first seals, all open. The same array until it changes. */
  readonly cookieKeys: readonly AccessCookieKey[] | (() => readonly AccessCookieKey[])
  /** Seconds after its issue that a token in an address is taken; default 120. */
  readonly acceptanceWindow?: number | undefined
  /**
   * The services that this proxy may delegate to at all, by service principal name. Needed where tokens do not say it
   * (a foreign AD FS); where they do, both must name the service.
   */
  readonly delegation?: { readonly services: readonly string[] } | undefined
}

/**
 * Creates the decision.
 * @returns a function of a plain request; `close` ends what it opened itself.
 * @throws {TypeError} for an option that is wrong. @throws {ProxyError} for an application that is.
 */
export function createPreauthenticator(
  options: PreauthenticatorOptions,
): Preauthenticator & { close(): Promise<void> } {
  const { cookieKeys, acceptanceWindow = 120 } = options
  if (!(Number.isFinite(acceptanceWindow) && acceptanceWindow >= 1 && acceptanceWindow <= 3600))
    throw new TypeError('acceptanceWindow must be seconds from 1 to 3600')
  const keys = typeof cookieKeys === 'function' ? cookieKeys : () => cookieKeys
  if (!Array.isArray(keys()) || keys().length === 0) throw new TypeError('cookieKeys must hold at least one key')
  const delegation = createDelegationCheck(options.delegation?.services)
  const given = options.federationService
  const federationService = 'verifier' in given ? given : openForeignFederationService(given)
  const catalogue = readApplications(options.applications, federationService)
  const area = createPreauthenticatedArea({ keys, federationService, acceptanceWindow, delegation })

  const decide = (request: PlainRequest): Preauthentication | Promise<Preauthentication> => {
    const { method, scheme, host } = request
    if (method === 'TRACE' || method === 'TRACK' || method === 'CONNECT') return badMethod(request)
    const plain = originForm(request.target, host)
    const target = plain === undefined ? undefined : normaliseTarget(plain)
    const route = catalogue.route(scheme, host, target?.path ?? '/')
    if (route.kind === 'malformed-host') return badRequest(request, 'host')
    if (route.kind === 'unknown-host') return unknownHost(request)
    if (target === undefined) return badRequest(request, 'target')
    const { path, query } = target
    if (route.kind === 'ambiguous') return badRequest(request, 'ambiguous')
    if (route.kind === 'to-https') {
      const { application } = route
      const location = new URL(publicationOf(application).origin + path + query).href
      return redirect(location, { application, outcome: { decision: 'to-https' } })
    }
    const application = route.kind === 'application' ? route.application : undefined
    if (path === '/robots.txt' && (method === 'GET' || method === 'HEAD') && application?.robots !== 'application')
      return robots(request)
    if (application === undefined) return nothingHere(request)
    const publication = publicationOf(application)
    if (request.upgrade !== undefined) {
      const origin = foreignOrigin(request, publication)
      if (origin !== undefined && !publication.allowedOrigins.has(origin)) return refuseOrigin(request, application)
    }
    if (application.preauthentication === 'adfs') return area(request, publication, target)
    const { forwarded } = readCookies(headerText(request.headers['cookie']))
    return {
      kind: 'allow',
      application,
      request: {
        target: path + query,
        cookie: forwarded,
        setHeaders: {},
        removeHeaders: removalFor(request.headers, publication.removeHeaders),
      },
      response: { setCookies: [] },
      outcome: { decision: 'pass-through' },
    }
  }
  // Whoever comes in the first moment after a start waits for the keys instead of being told to come back.
  let starting = federationService.started?.then(() => {
    starting = undefined
  })
  const preauthenticate: Preauthenticator = (request) =>
    starting === undefined || federationService.ready() ? decide(request) : starting.then(() => decide(request))
  return Object.assign(preauthenticate, {
    close: async () => {
      if (federationService !== given) await federationService.close()
    },
  })
}

function readApplications(
  given: PreauthenticatorOptions['applications'],
  federationService: FederationService,
): ApplicationCatalogue {
  if (!Array.isArray(given)) return given as ApplicationCatalogue
  const trust = (idOrName: string) =>
    federationService.trust(idOrName.toLowerCase()) ?? federationService.trusts().find(({ name }) => name === idOrName)
  const places = new Map<string, PublishedApplication>()
  for (const input of given) {
    const application = parsePublishedApplication(input, { trust, backend: 'none' })
    checkAgainstFederationService(application, federationService)
    const other = places.get(publishedPlace(application))
    if (other !== undefined)
      throw new ProxyError(
        'overlap',
        `externalUrl: ${application.externalUrl} overlaps '${other.name}', ${other.externalUrl}`,
      )
    places.set(publishedPlace(application), application)
  }
  return createApplicationCatalogue([...places.values()])
}

function badMethod(request: PlainRequest): Responded {
  const method = request.method.slice(0, 16)
  return answer(request, {
    status: 405,
    code: 'bad-method',
    message: (texts) => texts.badMethod(method),
    headers: { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
    outcome: { decision: 'bad-method' },
  })
}

function badRequest(request: PlainRequest, code: 'host' | 'target' | 'ambiguous'): Responded {
  const message = { host: 'badHost', target: 'badRequest', ambiguous: 'ambiguousAddress' } as const
  return answer(request, {
    status: 400,
    code: 'bad-request',
    message: (texts) => texts[message[code]],
    outcome: { decision: 'bad-request', code },
  })
}

/** RFC 9110 §15.5.20: a request for an origin that we do not speak for. */
function unknownHost(request: PlainRequest): Responded {
  return answer(request, {
    status: 421,
    code: 'unknown-host',
    message: (texts) => texts.unknownHost,
    outcome: { decision: 'unknown-host' },
  })
}

function nothingHere(request: PlainRequest): Responded {
  return answer(request, {
    status: 404,
    code: 'unknown-application',
    message: (texts) => texts.nothingHere,
    outcome: { decision: 'unknown-application' },
  })
}

function refuseOrigin(request: PlainRequest, application: PublishedApplication): Responded {
  return answer(request, {
    status: 403,
    code: 'foreign-origin',
    application,
    message: (texts) => texts.foreignOrigin,
    outcome: { decision: 'foreign-origin', audit: true },
  })
}

function robots(request: PlainRequest): Responded {
  return {
    kind: 'respond',
    status: 200,
    headers: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    },
    body: request.method === 'HEAD' ? '' : 'User-agent: *\nDisallow: /\n',
    outcome: { decision: 'robots' },
  }
}
