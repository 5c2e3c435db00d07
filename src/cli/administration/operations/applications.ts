import { z } from 'zod'
import type { FederationService } from '../../../proxy/federation-service.ts'
import { ProxyError } from '../../../proxy/proxy-error.ts'
import type { ProxyStore } from '../../../proxy/proxy-store.ts'
import { type PublishedApplication, parsePublishedApplication } from '../../../proxy/published-application.ts'
import { checkAgainstFederationService, publishApplication, unpublishApplication } from '../../../proxy/publishing.ts'
import { translateParameters } from '../../../proxy/wap-vocabulary.ts'
import { CliError } from '../../cli-error.ts'
import type { Configuration } from '../../configuration/configuration.ts'
import type { ProxyParts } from '../../gatehouse.ts'
import { requireKerberosFor } from '../../kerberos/kerberos-backend.ts'
import { listenerWithoutCertificate } from '../certificate-cover.ts'
import { nothing, operation, proxyOf, word } from '../operation.ts'

/** A published application as the administration shows one: as it is kept, and its trust by name. */
export type ApplicationView = PublishedApplication & { readonly trust?: string }

// By the names of Web Application Proxy or ours; what may stand in each is for the proxy to say.
const parameter = z.union([
  z.string().max(8192),
  z.boolean(),
  z.number(),
  z.array(z.string().max(8192)).max(1000),
  z.record(z.string().max(256), z.string().max(8192)),
])
const parameterMap = z.record(z.string().min(1).max(100), parameter)

export const applicationOperations = {
  'app.publish': operation({
    input: z.strictObject({ parameters: parameterMap }),
    changes: true,
    subject: ({ parameters }) => nameIn(parameters),
    async run(gatehouse, { parameters }) {
      const proxy = proxyOf(gatehouse)
      const application = parsePublishedApplication(parameters, { trust: findTrust(proxy.federationService) })
      requireKerberosFor(application, gatehouse.configuration)
      await requireCertificate(gatehouse.configuration, application)
      return view(await publishApplication({ ...application }, proxy), proxy.federationService)
    },
  }),

  'app.update': operation({
    input: z.strictObject({ application: word(1024), parameters: parameterMap }),
    changes: true,
    subject: ({ application }) => application,
    async run(gatehouse, { application: reference, parameters }) {
      const proxy = proxyOf(gatehouse)
      const before = applicationOf(proxy.store, reference)
      const after = parsePublishedApplication(changed(before, parameters), {
        trust: findTrust(proxy.federationService),
      })
      requireKerberosFor(after, gatehouse.configuration)
      await requireCertificate(gatehouse.configuration, after)
      await update(proxy, before, after)
      return view(after, proxy.federationService)
    },
  }),

  'app.list': operation({
    input: nothing,
    changes: false,
    run(gatehouse) {
      const { store, federationService } = proxyOf(gatehouse)
      return store
        .applications()
        .map((application) => view(application, federationService))
        .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    },
  }),

  'app.show': operation({
    input: z.strictObject({ application: word(1024) }),
    changes: false,
    run(gatehouse, { application }) {
      const { store, federationService } = proxyOf(gatehouse)
      return view(applicationOf(store, application), federationService)
    },
  }),

  'app.remove': operation({
    input: z.strictObject({ application: word(1024) }),
    changes: true,
    subject: ({ application }) => application,
    async run(gatehouse, { application: reference }) {
      const { id, name } = await unpublishApplication(reference, proxyOf(gatehouse))
      return { id, name }
    },
  }),
}

function findTrust(federationService: FederationService) {
  return (reference: string) =>
    federationService.trust(reference) ??
    federationService.trusts().find(({ name }) => name.toLowerCase() === reference.toLowerCase())
}

/** @throws {ProxyError} `application-unknown` */
export function applicationOf(store: ProxyStore, reference: string): PublishedApplication {
  const found = store.application(reference)
  if (found === undefined) throw new ProxyError('application-unknown', `there is no published application ${reference}`)
  return found
}

/** An application with the name of its trust. */
export function view(application: PublishedApplication, federationService: FederationService): ApplicationView {
  const trust = application.trustId === undefined ? undefined : federationService.trust(application.trustId)
  return { ...application, ...(trust === undefined ? {} : { trust: trust.name }) }
}

/** An application as it was, with what the parameters say instead. */
function changed(before: PublishedApplication, parameters: z.output<typeof parameterMap>): Record<string, unknown> {
  const { settings, trust } = translateParameters(parameters)
  const { id } = settings
  if (id !== undefined && id !== before.id)
    throw new CliError('invalid-input', 'the id of an application does not change')
  const { trustId, ...rest } = { ...withoutKerberosIf(settings, before), ...settings }
  const kept = trustId === undefined ? {} : { trustId }
  return { ...rest, ...(trust === undefined ? kept : { trust: trust.value }) }
}

// What says how a backend takes Kerberos goes with it.
function withoutKerberosIf(settings: Readonly<Record<string, unknown>>, before: PublishedApplication) {
  const { backendServerAuthenticationSPN, kerberosName, kerberosMode, backendAuthentication, ...rest } = before
  return String(settings['backendAuthentication']).toLowerCase() === 'none' ? rest : before
}

// A listener does not start without a certificate for each host that it serves: the next start would fail.
async function requireCertificate(configuration: Configuration, { externalUrl }: PublishedApplication): Promise<void> {
  const { protocol, hostname } = new URL(externalUrl)
  if (protocol !== 'https:') return
  const listener = await listenerWithoutCertificate(configuration, hostname)
  if (listener === undefined) return
  const where = `${listener.address} port ${listener.port}`
  throw new CliError(
    'host-uncovered',
    `no certificate of the listener ${where} covers ${hostname}; add one to its certificates first`,
  )
}

// The trust learns the new address before the application has it and forgets the old one after: in between, people may
// be sent back to either.
async function update(
  { store, federationService }: ProxyParts,
  before: PublishedApplication,
  after: PublishedApplication,
): Promise<void> {
  const { trustId, externalUrl, backendUrl, backendServerAuthenticationSPN: spn } = after
  const publishes = (trust: string, url: string) =>
    store.applications().some((application) => application.trustId === trust && application.externalUrl === url)
  checkAgainstFederationService(after, federationService)
  if (trustId !== undefined)
    await federationService.publish?.(trustId, { externalUrl, backendUrl, ...(spn === undefined ? {} : { spn }) })
  try {
    await store.update(after)
  } catch (error) {
    if (trustId !== undefined && !publishes(trustId, externalUrl)) {
      await federationService.unpublish?.(trustId, { externalUrl })
    }
    throw error
  }
  if (before.trustId !== undefined && !publishes(before.trustId, before.externalUrl)) {
    await federationService.unpublish?.(before.trustId, { externalUrl: before.externalUrl })
  }
}

function nameIn(parameters: z.output<typeof parameterMap>): string {
  const [, name] = Object.entries(parameters).find(([parameter]) => parameter.toLowerCase() === 'name') ?? []
  return typeof name === 'string' ? name.slice(0, 256) : ''
}
