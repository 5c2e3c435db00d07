import { once } from 'node:events'
import http, {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FederationService, SessionQuestion } from '../../../src/proxy/federation-service.ts'
import { readCookies } from '../../../src/proxy/preauthentication/cookie-header.ts'
import { headersToRemove } from '../../../src/proxy/preauthentication/forgeable-headers.ts'
import type { Allowed, PlainRequest, Preauthenticator } from '../../../src/proxy/preauthentication/preauthentication.ts'
import { type PublishedApplication, parsePublishedApplication } from '../../../src/proxy/published-application.ts'
import {
  createWebApplicationProxy,
  type WebApplicationProxy,
  type WebApplicationProxyOptions,
} from '../../../src/proxy/web-application-proxy.ts'

/** The part of tap's test that is needed to close what was opened. */
export interface Teardown {
  teardown(close: () => unknown): void
}

export interface Backend {
  port: number
  server: http.Server | https.Server
  /** Sockets that were ever accepted. */
  connections: Set<Duplex>
}

/** Starts a real server that a proxy publishes. */
export async function startBackend(
  t: Teardown,
  listener: RequestListener,
  options: {
    tls?: https.ServerOptions
    upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  } = {},
): Promise<Backend> {
  const server = options.tls === undefined ? http.createServer(listener) : https.createServer(options.tls, listener)
  const connections = new Set<Duplex>()
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket) => connections.add(socket))
  if (options.upgrade !== undefined) server.on('upgrade', options.upgrade)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of connections) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server, connections }
}

/** Starts a backend of raw bytes: `answer` gets each connection. */
export async function startRawBackend(t: Teardown, answer: (socket: net.Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    answer(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port }
}

/** Answers a whole request with raw bytes, once its head has come. */
export const rawAnswer = (bytes: string) => (socket: net.Socket) => {
  socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1')))
}

/** A federation service whose sessions can be ended. */
export class Sessions {
  readonly #ended: ({ sid: string } | { upn: string; before: Date })[] = []
  readonly #listeners = new Set<(ended: { sid?: string; upn?: string; before?: Date }) => void>()
  readonly view: FederationService['endedSessions'] = {
    isEnded: ({ sid, upn, issuedAt }: SessionQuestion) =>
      this.#ended.some((ended) => ('sid' in ended ? ended.sid === sid : ended.upn === upn && issuedAt < ended.before)),
    onEnded: (listener) => {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    },
    lastHeardFrom: () => new Date(),
  }

  end(ended: { sid: string } | { upn: string; before: Date }): void {
    this.#ended.push(ended)
    for (const listener of this.#listeners) listener(ended)
  }
}

export interface Proxy {
  port: number
  proxy: WebApplicationProxy
  server: http.Server
  sessions: Sessions
  /** Lines of the access log, and other log lines. */
  log: Record<string, unknown>[]
  /** Resolves with the first line that `wanted` takes, logged before or after. */
  logged(wanted?: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
}

export interface ProxyOptions extends Partial<Omit<WebApplicationProxyOptions, 'store' | 'federationService' | 'log'>> {
  application?: Record<string, unknown>
  /** What preauthentication says beyond letting the request through as it came. */
  allow?: (request: PlainRequest) => {
    identity?: { sid?: string; upn?: string }
    setHeaders?: Record<string, string>
    setCookies?: string[]
  }
  server?: http.ServerOptions
}

/** Starts a proxy that publishes `http://app.contoso.test/` from a backend on this machine, and lets everybody in. */
export async function startProxy(t: Teardown, backendPort: number, options: ProxyOptions = {}): Promise<Proxy> {
  const { application: settings = {}, allow, server: serverOptions = {}, ...rest } = options
  const application = publishedApplication(backendPort, settings)
  const sessions = new Sessions()
  const log: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  const note = (fields: object, message: string): void => {
    log.push({ ...fields, message })
    for (const look of waiting) look()
  }
  const proxy = createWebApplicationProxy({
    store: { applications: () => [application], cookieKeys: () => [], onChange: () => () => {} },
    federationService: { endedSessions: sessions.view } as unknown as FederationService,
    log: { info: note, warn: note, error: note },
    preauthenticate: letIn(application, allow),
    resolve: { '*.corp.test': '127.0.0.1' },
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
  return {
    port: (server.address() as AddressInfo).port,
    proxy,
    server,
    sessions,
    log,
    logged: (wanted = (line) => line['message'] === 'request') =>
      new Promise((resolve) => {
        const look = (): void => {
          const line = log.find(wanted)
          if (line === undefined) return
          waiting.delete(look)
          resolve(line)
        }
        waiting.add(look)
        look()
      }),
  }
}

export function publishedApplication(
  backendPort: number,
  settings: Record<string, unknown> = {},
): PublishedApplication {
  return parsePublishedApplication({
    name: 'crm',
    externalUrl: 'http://app.contoso.test/',
    backendUrl: `http://inner.corp.test:${backendPort}/`,
    preauthentication: 'pass-through',
    ...settings,
  })
}

function letIn(application: PublishedApplication, allow: ProxyOptions['allow']): Preauthenticator {
  return (request): Allowed => {
    const { identity, setHeaders = {}, setCookies = [] } = allow?.(request) ?? {}
    const cookie = request.headers['cookie'] as string | undefined
    return {
      kind: 'allow',
      application,
      ...(identity === undefined
        ? {}
        : {
            identity: {
              upn: identity.upn,
              sid: identity.sid,
              relyingPartyTrust: 'b1c5…',
              issuedAt: new Date(),
              expiresAt: new Date(Date.now() + 3_600_000),
              authenticationMethod: undefined,
              authenticationInstant: undefined,
              delegation: undefined,
            },
          }),
      request: {
        target: request.target,
        cookie: readCookies(cookie).forwarded,
        setHeaders,
        removeHeaders: headersToRemove(Object.keys(setHeaders)),
      },
      response: { setCookies },
      outcome: { decision: 'pass-through', ...(identity?.upn === undefined ? {} : { upn: identity.upn }) },
    }
  }
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  rawHeaders: string[]
  trailers: NodeJS.Dict<string>
  body: string
}

/** Sends a request to the proxy and reads its answer to the end. */
export async function ask(
  port: number,
  target = '/',
  options: http.RequestOptions & { body?: string | Buffer } = {},
): Promise<Answer> {
  const { body, headers, ...rest } = options
  const request = http.request({
    host: '127.0.0.1',
    port,
    path: target,
    agent: false,
    headers: { host: 'app.contoso.test', ...(headers as http.OutgoingHttpHeaders) },
    ...rest,
  })
  request.end(body)
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return { ...(await readAnswer(answer)) }
}

export async function readAnswer(answer: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  const { statusCode = 0, headers, rawHeaders, trailers } = answer
  return { status: statusCode, headers, rawHeaders, trailers, body: Buffer.concat(chunks).toString('latin1') }
}

/** Sends raw bytes and collects all that comes back until the connection ends. */
export async function exchangeRaw(port: number, bytes: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(Buffer.from(bytes, 'latin1'))
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

/** A backend's answer that tells what reached it. */
export function mirror(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        method: request.method,
        url: request.url,
        headers: request.rawHeaders,
        trailers: request.rawTrailers,
        body: Buffer.concat(chunks).toString('latin1'),
      }),
    )
  })
}

export interface Mirrored {
  method: string
  url: string
  headers: string[]
  trailers: string[]
  body: string
}

export const mirrored = (answer: Answer): Mirrored => JSON.parse(answer.body) as Mirrored

/** All values of a header among raw pairs. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '')
  return values
}
