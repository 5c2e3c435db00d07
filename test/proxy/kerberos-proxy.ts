import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { delegationDigest } from '../../src/edge-token/delegation.ts'
import { type AccessSession, sealAccessCookie } from '../../src/edge-token/index.ts'
import { type PublishedApplication, parsePublishedApplication } from '../../src/proxy/published-application.ts'
import {
  createWebApplicationProxy,
  type ProxyAuditEvent,
  type WebApplicationProxy,
  type WebApplicationProxyOptions,
} from '../../src/proxy/web-application-proxy.ts'
import {
  createFederationServiceLab,
  createKeyRing,
  crmTrust,
  type FederationServiceLab,
} from './federation-service-lab.ts'
import { type Answer, ask, type Teardown } from './forwarding/harness.ts'

/** A proxy with its own preauthentication before a backend that takes Kerberos, and people who have signed in. */
export interface KerberosProxy {
  readonly port: number
  readonly proxy: WebApplicationProxy
  readonly lab: FederationServiceLab
  readonly applications: PublishedApplication[]
  readonly log: Record<string, unknown>[]
  readonly audit: ProxyAuditEvent[]
  /** Calls those who listen for ended sessions. */
  end(ended: { sid?: string; upn?: string; before?: Date }): void
  /** The Cookie header of somebody who has signed in; by default somebody who may be delegated to the backend. */
  cookieOf(upn: string | undefined, session?: Partial<AccessSession>): string
  /** Asks as this person, or with this Cookie header. */
  askAs(who: string, target?: string, options?: http.RequestOptions & { body?: string | Buffer }): Promise<Answer>
}

export const spn = 'HTTP/backend.example.test'

export async function startKerberosProxy(
  t: Teardown,
  backendUrl: string,
  options: Partial<WebApplicationProxyOptions> & {
    application?: Record<string, unknown>
    others?: readonly Record<string, unknown>[]
    server?: http.ServerOptions
  } = {},
): Promise<KerberosProxy> {
  const { application = {}, others = [], server: serverOptions = {}, ...rest } = options
  const lab = await createFederationServiceLab()
  const applications = [{}, ...others].map((more) =>
    parsePublishedApplication({
      name: 'crm',
      externalUrl: 'http://app.contoso.test/',
      backendUrl,
      trustId: crmTrust,
      backendServerAuthenticationSPN: spn,
      ...application,
      ...more,
    }),
  )
  const keys = createKeyRing()
  const log: Record<string, unknown>[] = []
  const audit: ProxyAuditEvent[] = []
  const listeners = new Set<(ended: { sid?: string; upn?: string; before?: Date }) => void>()
  const note = (fields: object, message: string): void => {
    log.push({ ...fields, message })
  }
  const endedSessions = {
    ...lab.service.endedSessions,
    onEnded: (listener: (ended: { sid?: string; upn?: string; before?: Date }) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const proxy = createWebApplicationProxy({
    store: { applications: () => applications, cookieKeys: () => keys, onChange: () => () => {} },
    federationService: { ...lab.service, endedSessions },
    log: { info: note, warn: note, error: note },
    resolve: { '*.example.test': '127.0.0.1' },
    audit: (event) => {
      audit.push(event)
    },
    ...rest,
  })
  const server = http.createServer({ requestTimeout: 0, ...serverOptions })
  server.on('request', proxy.handle).on('upgrade', proxy.upgrade).on('checkContinue', proxy.checkContinue)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await proxy.close({ graceful: false })
  })
  const { port } = server.address() as AddressInfo
  const [first] = applications as [PublishedApplication]
  const cookieOf = (upn: string | undefined, session: Partial<AccessSession> = {}): string => {
    const value = sealAccessCookie(
      {
        upn,
        relyingPartyTrust: crmTrust,
        issuedAt: new Date(),
        expiresAt: new Date(Date.now() + 3_600_000),
        delegation: [delegationDigest(crmTrust, spn)],
        ...session,
      },
      { keys, application: first.id, host: 'app.contoso.test' },
    )
    return `EdgeAccessCookie=${value}`
  }
  return {
    port,
    proxy,
    lab,
    applications,
    log,
    audit,
    end: (ended) => {
      for (const listener of listeners) listener(ended)
    },
    cookieOf,
    askAs: (who, target = '/', { headers, ...more } = {}) =>
      ask(port, target, {
        ...more,
        headers: {
          cookie: who.startsWith('EdgeAccessCookie=') ? who : cookieOf(who),
          ...(headers as http.OutgoingHttpHeaders),
        },
      }),
  }
}
