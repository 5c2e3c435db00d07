/**
 * The web application proxy: each request is judged by the preauthenticator and then either answered here or passed on.
 *
 *     client ── handle / checkContinue / upgrade ──▶ preauthenticate ──▶ respond: an answer of ours
 *                                                        └─ allow ──▶ request headers ──▶ sender ──▶ backend
 *     client ◀── response headers, body, trailers ◀── exchange ◀───────────────────────────────────────┘
 *
 * Senders: undici's pools for requests without a body, node:http for all others and for upgrades; one exchange takes the
 * answer of either. No decision about identity is made here, and nothing of a request reaches a backend before one is.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import type { Agent, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createApplicationCatalogue } from './application-catalogue.ts'
import type { BackendDelegator } from './backend-kerberos.ts'
import type { FederationService } from './federation-service.ts'
import { logAccess, type ProxyLog } from './forwarding/access-log.ts'
import { auditEvent, type ProxyAuditEvent } from './forwarding/audit-event.ts'
import { backendOf } from './forwarding/backend.ts'
import { BackendConnections } from './forwarding/backend-connections.ts'
import { createClientOrigin } from './forwarding/client-origin.ts'
import { Exchange, type ExchangeHost } from './forwarding/exchange.ts'
import { gatewayAnswer } from './forwarding/gateway-answer.ts'
import { ForwardingError, type GatewayFailure, gatewayFailure } from './forwarding/gateway-failure.ts'
import { isRefusal } from './forwarding/kerberos-failure.ts'
import { createKerberosForwarding } from './forwarding/kerberos-forwarding.ts'
import { createLookup } from './forwarding/name-resolution.ts'
import { sendByNode, sendUpgrade } from './forwarding/node-sender.ts'
import { OpenStreams } from './forwarding/open-streams.ts'
import { sendPlainAnswer } from './forwarding/plain-answer.ts'
import { bodyFraming, framingProblem, nodeRequest } from './forwarding/request-framing.ts'
import { type RequestHead, requestHead } from './forwarding/request-headers.ts'
import { holdUpgradeSocket, type UpgradeSocket } from './forwarding/upgrade-socket.ts'
import { ownerOf, plainRequest, type Visit } from './forwarding/visit.ts'
import { handshakeAnswer, isWebSocketHandshake, WebSocketTunnel } from './forwarding/websocket-tunnel.ts'
import type { Allowed, Preauthentication, Preauthenticator } from './preauthentication/preauthentication.ts'
import { createPreauthenticator } from './preauthentication/preauthenticator.ts'
import type { ProxyStore } from './proxy-store.ts'
import type { PublishedApplication } from './published-application.ts'

export type { ProxyAuditEvent } from './forwarding/audit-event.ts'

export interface WebApplicationProxyOptions {
  store: Pick<ProxyStore, 'applications' | 'cookieKeys' | 'onChange'>
  federationService: FederationService
  log: ProxyLog
  /** Default: the preauthenticator over the store's applications and keys. */
  preauthenticate?: Preauthenticator
  /** Seconds after `iat` for which a token in an address is taken; for the default preauthenticator. */
  acceptanceWindow?: number
  /** Host names, or `*.` parents, to addresses, for connections to backends. */
  resolve?: Readonly<Record<string, string>>
  /** Makes the tickets for applications with Kerberos backends; without one those are answered with a page. */
  delegator?: BackendDelegator
  /** The services that may be delegated to at all, for the default preauthenticator; see there. */
  delegation?: { readonly services: readonly string[] }
  /** Addresses and ranges of the reverse proxies in front of us. */
  trustedProxies?: readonly string[]
  /** PEM certificates of authorities for backends, besides the platform's. */
  backendCa?: readonly string[]
  /** Awaited before the answer to a request that was decided by a security event leaves. */
  audit?: (event: ProxyAuditEvent) => Promise<void> | void
  /** Our name in Via towards backends; false sends none, for backends that do not compress what Via says is proxied. */
  via?: string | false
  /** WebSockets and event streams open at once, in all and for one session. */
  streamLimits?: { total?: number; perSession?: number }
}

export interface WebApplicationProxyStats {
  /** Requests that are not answered wholly yet; without WebSockets. */
  readonly inFlight: number
  /** Open WebSockets and event streams. */
  readonly streams: number
  /** Backends that connections are kept for. */
  readonly backends: number
  /** Client connections that have a backend connection of their own. */
  readonly boundClients: number
  /** Connections to Kerberos backends, each one person's. */
  readonly delegated: number
}

/** Answers for every published host; mount it on any server of node:http or node:https. */
export interface WebApplicationProxy {
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Takes the socket over, whatever protocol is asked for. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** For requests with `Expect: 100-continue`: the backend says whether to continue. */
  checkContinue(request: IncomingMessage, response: ServerResponse): void
  /** The published host names, lower case, without ports. */
  hosts(): string[]
  serves(host: string): boolean
  /** Where plain http of a host is redirected to: its https origin, when an application there asks for it. */
  httpsOrigin(host: string): string | undefined
  readonly stats: WebApplicationProxyStats
  /**
   * Ends WebSockets and event streams, finishes what else is in flight, then closes the connections to backends.
   * @param options `graceful: false` waits for nothing; `timeout` in milliseconds, default 10,000.
   */
  close(options?: { graceful?: boolean; timeout?: number }): Promise<void>
}

/**
 * Creates the proxy. Nothing listens and no connection is opened until a request comes.
 * @throws {TypeError} for an unusable `resolve`, `trustedProxies` or `streamLimits`.
 */
export function createWebApplicationProxy(options: WebApplicationProxyOptions): WebApplicationProxy {
  const { store, federationService, log, audit, via = `gatehouse-${randomBytes(4).toString('hex')}` } = options
  const { total = 10_000, perSession = 200 } = options.streamLimits ?? {}
  if (!(total > 0) || !(perSession > 0)) throw new TypeError('streamLimits must be above 0')
  const originOf = createClientOrigin(options.trustedProxies)
  const connections = new BackendConnections({ lookup: createLookup(options.resolve), backendCa: options.backendCa })
  const kerberos = createKerberosForwarding({
    delegator: options.delegator,
    connections,
    endedSessions: federationService.endedSessions,
    failed: (exchange, failure) => refuse((exchange as Exchange<Visit>).visit, failure),
  })
  const streams = new OpenStreams(federationService.endedSessions)
  const catalogue = createApplicationCatalogue(store.applications())
  let hosts = new Set(catalogue.hosts())
  let httpsOrigins = redirectedHosts(store.applications())
  const forgetStore = store.onChange(() => {
    catalogue.replace(store.applications())
    hosts = new Set(catalogue.hosts())
    httpsOrigins = redirectedHosts(store.applications())
  })
  const preauthenticate =
    options.preauthenticate ??
    createPreauthenticator({
      applications: catalogue,
      federationService,
      cookieKeys: () => store.cookieKeys(),
      acceptanceWindow: options.acceptanceWindow,
      delegation: options.delegation,
    })
  let state: 'open' | 'closing' | 'closed' = 'open'
  let inFlight = 0
  let idle: (() => void) | undefined

  const host: ExchangeHost<Visit> = {
    streams,
    get closing() {
      return state !== 'open'
    },
    failed: (visit, failure) => fail(visit, failure),
    resend(exchange, { method, path: target, headers }) {
      const outgoing = { method, target, headers, expectContinue: false, hasBody: false }
      sendByNode(exchange, outgoing, connections.singleUse(exchange.backend))
    },
    connectionBound({ origin, request, exchange }) {
      if (exchange !== undefined && (!origin.trusted || exchange.session !== undefined))
        connections.bind(request.socket, exchange.backend, ownerOf(exchange.allowed))
    },
  }

  function begin(visit: Visit): void {
    inFlight++
    visit.response.on('close', () => closed(visit))
    const problem = state === 'closed' ? byOurselves('closing', 'the proxy has stopped') : framingProblem(visit.request)
    if (problem !== undefined) fail(visit, problem)
    else judge(visit)
  }

  function judge(visit: Visit): void {
    try {
      const decision = preauthenticate(plainRequest(visit))
      if (decision instanceof Promise)
        decision.then(
          (made) => decided(visit, made),
          (error) => broken(visit, error),
        )
      else decided(visit, decision)
    } catch (error) {
      broken(visit, error)
    }
  }

  function decided(visit: Visit, decision: Preauthentication): void {
    visit.outcome = decision.outcome
    visit.application = decision.application
    if (decision.outcome.audit !== true || audit === undefined) act(visit, decision)
    // nothing leaves, in either direction, before the event is written down
    else
      recorded(auditEvent(visit, decision)).then(
        () => act(visit, decision),
        (error) => unrecorded(visit, error),
      )
  }

  const recorded = async (event: ProxyAuditEvent): Promise<void> => audit?.(event)

  function act(visit: Visit, decision: Preauthentication): void {
    const { request, response } = visit
    if (response.destroyed) return
    try {
      if (decision.kind === 'allow') forward(visit, decision)
      else sendPlainAnswer(request, response, decision, { close: state !== 'open' })
    } catch (error) {
      broken(visit, error)
    }
  }

  function forward(visit: Visit, allowed: Allowed): void {
    const { request, response, origin, upgrade } = visit
    if (via !== false && request.headers.via?.includes(via)) {
      fail(visit, byOurselves('loop', 'the backend address leads back to this proxy'))
      return
    }
    const backend = backendOf(allowed.application)
    const head = requestHead(request, allowed, backend, origin, via === false ? undefined : via)
    const exchange = new Exchange(host, visit, request, response, allowed, backend, head.wantsTrailers)
    visit.exchange = exchange
    if (upgrade === undefined && allowed.application.backendAuthentication === 'kerberos')
      kerberos.send(exchange, head, { expectContinue: visit.expectContinue })
    else if (upgrade === undefined) send(visit, exchange, head)
    else tunnel(visit, upgrade, exchange, head)
  }

  function send(visit: Visit, exchange: Exchange<Visit>, head: RequestHead): void {
    const { request } = visit
    const { allowed, backend } = exchange
    const { target } = allowed.request
    const method = request.method ?? ''
    const framing = bodyFraming(request)
    const agent = ownConnection(visit, exchange, head)
    if (agent !== undefined || framing !== undefined || head.sendsTe) {
      const outgoing = nodeRequest(method, target, head, framing, visit.expectContinue)
      sendByNode(exchange, outgoing, agent ?? connections.agent(backend))
      return
    }
    exchange.sendBy(connections.pool(backend), {
      method: method as 'GET',
      path: target,
      headers: head.headers,
      servername: backend.hostname,
      headersTimeout: backend.inactivity,
      // whoever asks for an event stream does not expect it to speak all the time
      bodyTimeout: request.headers.accept?.includes('text/event-stream') ? 0 : backend.inactivity,
    })
  }

  /** The connection that belongs to this client alone, where its authentication, or that of a request before, asks for one. */
  function ownConnection({ request, origin }: Visit, exchange: Exchange<Visit>, head: RequestHead): Agent | undefined {
    const { allowed, backend } = exchange
    const owner = ownerOf(allowed)
    const bound = connections.boundAgent(request.socket, backend, owner)
    if (bound !== undefined || !head.connectionBound) return bound
    // a proxy in front may bring several people on one connection: without a session nothing tells them apart
    if (origin.trusted && exchange.session === undefined) return connections.singleUse(backend)
    return connections.bind(request.socket, backend, owner)
  }

  function tunnel(visit: Visit, held: UpgradeSocket, exchange: Exchange<Visit>, head: RequestHead): void {
    const { backend, session, allowed } = exchange
    const ofSession = session?.sid === undefined ? 0 : streams.sizeOf(session.sid)
    if (streams.size >= total || ofSession >= perSession) {
      fail(visit, byOurselves('too-many-connections', 'too many open WebSockets'))
      return
    }
    const agreed = (answer: IncomingMessage, upstream: Socket, upstreamHead: Buffer): void => {
      const lines = handshakeAnswer(answer, backend, allowed.response.setCookies)
      exchange.handedOver()
      const early = held.take()
      held.socket.write(lines, 'latin1')
      const opened = new WebSocketTunnel(held.socket, upstream, session, () => streams.remove(opened))
      opened.open(early, upstreamHead)
      streams.add(opened)
      if (state !== 'open') opened.end('going-away')
      closed(visit, 101)
    }
    if (allowed.application.backendAuthentication === 'kerberos')
      kerberos.send(exchange, head, { expectContinue: false, onUpgrade: agreed })
    else sendUpgrade(exchange, head.headers, connections.connectOptions(backend), agreed)
  }

  /** What went wrong between the person and a Kerberos backend; a refusal is written down before anybody is told. */
  function refuse(visit: Visit, failure: GatewayFailure): void {
    const { requestId, origin, application, exchange } = visit
    if (!isRefusal(failure) || audit === undefined) {
      fail(visit, failure)
      return
    }
    const upn = exchange?.session?.upn
    const event: ProxyAuditEvent = {
      at: new Date(),
      event: 'edge-delegation-refused',
      from: origin.address,
      result: 'failure',
      requestId,
      code: failure.code,
      detail: { message: failure.message, ...(failure.wapEvent === undefined ? {} : { wapEvent: failure.wapEvent }) },
      ...(upn === undefined ? {} : { who: upn }),
      ...(application === undefined ? {} : { what: application.name }),
    }
    recorded(event).then(
      () => fail(visit, failure),
      (error) => unrecorded(visit, error),
    )
  }

  function unrecorded(visit: Visit, error: unknown): void {
    log.error({ requestId: visit.requestId, err: error }, 'audit trail')
    fail(visit, byOurselves('audit', 'the event could not be written to the audit trail'))
  }

  function fail(visit: Visit, failure: GatewayFailure): void {
    const { request, response, application, outcome } = visit
    visit.failure = failure
    if (response.headersSent || response.destroyed) return
    const close = failure.status === 400 || failure.status === 408 || failure.status === 501 || state !== 'open'
    sendPlainAnswer(request, response, gatewayAnswer(plainRequest(visit), failure, application, outcome), { close })
  }

  function broken(visit: Visit, error: unknown): void {
    log.error({ requestId: visit.requestId, err: error }, 'request failed')
    fail(visit, { status: 500, code: 'internal', message: error instanceof Error ? error.message : String(error) })
  }

  function closed(visit: Visit, status = visit.response.statusCode): void {
    const { request, response, exchange, outcome, application, requestId, origin, started } = visit
    exchange?.clientClosed()
    const aborted = status !== 101 && !response.writableFinished
    logAccess(log, request, {
      requestId,
      from: origin.address,
      started,
      status: response.headersSent || status === 101 ? status : 0,
      outcome,
      application,
      failure: visit.failure ?? exchange?.failure,
      aborted,
    })
    inFlight--
    if (inFlight === 0) idle?.()
  }

  function visitOf(
    request: IncomingMessage,
    response: ServerResponse,
    expectContinue: boolean,
    upgrade?: UpgradeSocket,
  ): Visit {
    return {
      request,
      response,
      requestId: randomUUID(),
      origin: originOf(request),
      started: performance.now(),
      expectContinue,
      upgrade,
      outcome: undefined,
      application: undefined,
      exchange: undefined,
      failure: undefined,
    }
  }

  return {
    handle: (request, response) => begin(visitOf(request, response, false)),
    checkContinue: (request, response) => begin(visitOf(request, response, true)),
    upgrade(request, socket, head) {
      const held = holdUpgradeSocket(request, socket, head)
      begin(visitOf(request, held.response, false, isWebSocketHandshake(request) ? held : undefined))
    },
    hosts: () => [...hosts],
    serves: (name) => hosts.has(name),
    httpsOrigin: (name) => httpsOrigins.get(name),
    get stats() {
      return { inFlight, streams: streams.size, ...connections.stats, delegated: kerberos.connections }
    },
    async close({ graceful = true, timeout = 10_000 } = {}) {
      if (state === 'open') {
        state = 'closing'
        forgetStore()
        streams.close()
      }
      if (graceful && inFlight > 0)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeout)
          idle = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      state = 'closed'
      kerberos.close()
      await connections.close()
    },
  }
}

const byOurselves = (code: GatewayFailure['code'], message: string): GatewayFailure =>
  gatewayFailure(new ForwardingError(code, message))

function redirectedHosts(applications: readonly PublishedApplication[]): Map<string, string> {
  const origins = new Map<string, string>()
  for (const { enableHttpRedirect, externalUrl } of applications) {
    if (!enableHttpRedirect || !externalUrl.startsWith('https:')) continue
    const { hostname, origin } = new URL(externalUrl)
    origins.set(hostname, origin)
  }
  return origins
}
