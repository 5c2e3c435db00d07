import type { FederationService } from './federation-service.ts'
import { ProxyError } from './proxy-error.ts'
import type { ProxyStore } from './proxy-store.ts'
import { type PublishedApplication, parsePublishedApplication } from './published-application.ts'
import { keepsSecureCookies, sameSite } from './site.ts'

/** What publishing acts on. */
export interface PublishingParts {
  readonly store: ProxyStore
  readonly federationService: FederationService
}

/**
 * Publishes an application: reads it, checks it against the federation service and its neighbours, tells the federation
 * service, then keeps it. When this resolves it is on disk.
 * @param input settings by our names or WAP's, see {@link parsePublishedApplication}.
 * @throws {ProxyError} what parsing throws, and `trust-unknown`, `trust-disabled`, `trust-claims-aware`, `overlap`, `reply-needs-tls`,
 *   `application-exists`.
 */
export async function publishApplication(input: unknown, parts: PublishingParts): Promise<PublishedApplication> {
  const { store, federationService } = parts
  const application = parsePublishedApplication(input, { trust: findTrust(federationService) })
  checkAgainstFederationService(application, federationService)
  store.check(application)
  const { trustId, externalUrl, backendUrl, backendServerAuthenticationSPN: spn } = application
  // The federation service first: an address it may send people back to is harmless, an application it does not know is not.
  if (trustId !== undefined)
    await federationService.publish?.(trustId, { externalUrl, backendUrl, ...(spn === undefined ? {} : { spn }) })
  try {
    await store.publish(application)
  } catch (error) {
    if (trustId !== undefined) await federationService.unpublish?.(trustId, { externalUrl })
    throw error
  }
  return application
}

/**
 * Takes an application out of service and its address off the trust.
 * @param idOrName without regard to case.
 * @throws {ProxyError} `application-unknown`
 */
export async function unpublishApplication(idOrName: string, parts: PublishingParts): Promise<PublishedApplication> {
  const { store, federationService } = parts
  const application = store.application(idOrName)
  if (application === undefined)
    throw new ProxyError('application-unknown', `there is no published application '${idOrName}'`)
  await store.remove(application.id)
  const { trustId, externalUrl } = application
  if (trustId !== undefined) await federationService.unpublish?.(trustId, { externalUrl })
  return application
}

/**
 * Checks what only the federation service knows.
 * @throws {ProxyError} `overlap` with its own host, `trust-unknown`, `trust-disabled`, `trust-claims-aware`, `reply-needs-tls`.
 */
export function checkAgainstFederationService(application: PublishedApplication, service: FederationService): void {
  const external = new URL(application.externalUrl)
  const signIn = new URL(service.signInUrl())
  // By name alone: its session cookie is sent to every port of its host.
  if (external.hostname === signIn.hostname.replace(/\.$/, ''))
    refuse('overlap', 'externalUrl', `${external.hostname} is the host of the federation service`)
  if (application.preauthentication !== 'adfs') return
  const { trustId = '' } = application
  const trust = service.trust(trustId)
  if (trust === undefined)
    refuse('trust-unknown', 'trustId', `the federation service has no relying party trust ${trustId}`)
  if (trust.claimsAware && application.backendAuthentication === 'kerberos')
    refuse(
      'trust-claims-aware',
      'trustId',
      `'${trust.name}' is claims-aware; a Kerberos backend needs a trust that is not: ` +
        `gatehouse trust add NAME --delegate-to ${application.backendServerAuthenticationSPN}, ` +
        `or gatehouse trust update '${trust.name}' --claims-aware no`,
    )
  if (!trust.enabled) refuse('trust-disabled', 'trustId', `the relying party trust '${trust.name}' is disabled`)
  if (trust.claimsAware && !sameSite(external, signIn) && !keepsSecureCookies(external))
    refuse(
      'reply-needs-tls',
      'externalUrl',
      `'${trust.name}' is claims-aware and ${external.host} is another site than ${signIn.host}: ` +
        'its answers arrive with no cookie unless the application is published with https',
    )
}

function findTrust(service: FederationService) {
  return (idOrName: string) =>
    service.trust(idOrName.toLowerCase()) ??
    service.trusts().find((trust) => trust.name.toLowerCase() === idOrName.toLowerCase())
}

function refuse(
  code: 'overlap' | 'trust-unknown' | 'trust-disabled' | 'trust-claims-aware' | 'reply-needs-tls',
  parameter: string,
  message: string,
): never {
  throw new ProxyError(code, `${parameter}: ${message}`, { parameter })
}
