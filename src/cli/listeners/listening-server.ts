import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { addressList, isLoopback } from './address-list.ts'
import type { CertificateSet } from './certificate-set.ts'
import { attachFrontDoor, type FrontDoor } from './front-door.ts'
import { asksForWebSocket, type Rules } from './judgement.ts'
import { type ListenerConfig, urlHost } from './listener-config.ts'
import { ListenerError } from './listener-error.ts'
import type { ListenerLog } from './listener-log.ts'
import { type ServerCertificate, tlsOptions } from './server-certificate.ts'
import type { Site } from './site.ts'

// One listener: Node's server with its limits, the front door behind it, and how it ends.

/** Seconds. */
export interface Timeouts {
  /** For the TLS handshake. */
  handshake: number
  /** For all headers of a request, from its first byte or, on a new connection, from the beginning. */
  headers: number
  /** Between two requests on one connection. */
  keepAlive: number
  /** Without a byte in either direction while the client is to send or to read. A whole body may take any time. */
  standstill: number
}

export interface OpenListener {
  address: string
  /** The port that is listened on, also where 0 was asked for. */
  port: number
  protocol: 'http' | 'https'
}

export interface RunningListener {
  opened: OpenListener
  server: Server
  door: FrontDoor
  /** Every connection, in a TLS handshake or upgraded as well. */
  connections: Set<Socket>
  /** Those that speak HTTP: the TLS sockets, where TLS is spoken. */
  clients: Set<Socket>
}

/** 32 kB of headers on both sides: an address of 8 kB survives the round trip through the federation server. */
const maxHeaderSize = 32_768

export interface OpeningOptions {
  sites: readonly Site[]
  log: ListenerLog
  timeouts: Partial<Timeouts> | undefined
  config: ListenerConfig
  set: CertificateSet | undefined
  nobody: { key: string; cert: string } | undefined
  httpsPort: () => number
}

/** @throws {ListenerError} `address`, `port-in-use`, `port-forbidden`, `configuration` */
export async function openListener(options: OpeningOptions): Promise<RunningListener> {
  const { config, sites, log, set, httpsPort } = options
  const { address, protocol, trustedProxies = [], redirectToHttps = false } = config
  const timeouts: Timeouts = { handshake: 10, headers: 20, keepAlive: 65, standstill: 300, ...options.timeouts }
  const server = set === undefined ? createServer(serverOptions(timeouts)) : tlsServer(set, options, timeouts)
  server.maxHeadersCount = 0

  const rules: Rules = { sites }
  if (set !== undefined) rules.presented = presentedBy(server, set)
  else if (redirectToHttps) rules.redirect = (site, host, target) => httpsAddress(site, host, target, httpsPort())
  else if (!isLoopback(address)) rules.allowed = addressList(trustedProxies)
  const door = attachFrontDoor(server, { ...rules, log, standstill: timeouts.standstill * 1000 })

  const connections = collect(server, 'connection')
  const clients = set === undefined ? connections : collect(server, 'secureConnection')
  const port = await listen(server, config)
  log.info({ address, port, protocol }, 'listening')
  return { opened: { address, port, protocol }, server, door, connections, clients }
}

function collect(server: Server, event: 'connection' | 'secureConnection'): Set<Socket> {
  const sockets = new Set<Socket>()
  server.on(event, (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

function serverOptions(timeouts: Timeouts): ServerOptions {
  return {
    maxHeaderSize,
    headersTimeout: timeouts.headers * 1000,
    // A body may take as long as it keeps coming.
    requestTimeout: 0,
    keepAliveTimeout: timeouts.keepAlive * 1000,
    connectionsCheckingInterval: Math.min(5000, timeouts.headers * 500),
    // The front door asks for exactly one Host header, and answers in its own way.
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    shouldUpgradeCallback: asksForWebSocket,
  }
}

function tlsServer(set: CertificateSet, { nobody, log }: OpeningOptions, timeouts: Timeouts): Server {
  const server = createTlsServer({
    ...serverOptions(timeouts),
    ...tlsOptions,
    ...nobody,
    handshakeTimeout: timeouts.handshake * 1000,
    ALPNProtocols: ['http/1.1'],
    SNICallback: (name, answer) => answer(null, set.for(hostOfServerName(name))?.context),
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    log.debug({ code: error.code, from: socket.remoteAddress }, 'TLS handshake failed')
  })
  return server
}

/** Remembers for each connection which certificate it was opened with: a later replacement does not change that. */
function presentedBy(server: Server, set: CertificateSet): (socket: Socket) => ServerCertificate | undefined {
  const presented = new WeakMap<Socket, ServerCertificate>()
  server.on('secureConnection', (socket: TLSSocket) => {
    const name = 'servername' in socket && typeof socket.servername === 'string' ? socket.servername : ''
    const certificate = set.for(hostOfServerName(name))
    if (certificate !== undefined) presented.set(socket, certificate)
  })
  return (socket) => presented.get(socket)
}

function hostOfServerName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function httpsAddress(site: Site, host: string, target: string, port: number): string | undefined {
  const origin =
    site.httpsOrigin === undefined ? `https://${host}${port === 443 ? '' : `:${port}`}` : site.httpsOrigin(host)
  return origin === undefined ? undefined : `${origin}${target}`
}

function listen(server: Server, { address, port, protocol }: ListenerConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, `${urlHost(address)}:${port}`)))
    server.listen({ host: address, port }, () => {
      const bound = server.address()
      server.removeAllListeners('error')
      server.on('error', () => undefined)
      if (typeof bound === 'object' && bound !== null) resolve(bound.port)
      else reject(new ListenerError('address', `The listener ${protocol}://${urlHost(address)} has no port`))
    })
  })
}

function listenError(error: NodeJS.ErrnoException, place: string): ListenerError {
  const options = { cause: error }
  switch (error.code) {
    case 'EADDRINUSE':
      return new ListenerError('port-in-use', `${place} is in use by another program`, options)
    case 'EACCES':
      return new ListenerError(
        'port-forbidden',
        `${place} is not open to this user: take a port from 1024 up, or give the service CAP_NET_BIND_SERVICE`,
        options,
      )
    case 'EADDRNOTAVAIL':
      return new ListenerError('address', `${place} is not an address of this machine`, options)
    default:
      return new ListenerError('address', `${place} cannot be listened on (${error.code})`, options)
  }
}

/**
 * Stops accepting, ends connections without a request, lets what is in flight finish for `deadline` seconds, then cuts off
 * what is left.
 */
export async function closeListener(listener: RunningListener, deadline: number): Promise<void> {
  const { server, door, connections, clients } = listener
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // Node counts a connection as idle only after its first response.
  const closeIdle = () => {
    server.closeIdleConnections()
    for (const socket of clients) if (!door.hasServed(socket)) socket.destroy()
  }
  const cutOff = () => {
    for (const socket of connections) socket.destroy()
  }
  door.lastResponses(() => setImmediate(closeIdle))
  server.on('secureConnection', closeIdle)
  closeIdle()
  if (deadline <= 0) cutOff()
  const timer = setTimeout(cutOff, deadline * 1000)
  await closed
  clearTimeout(timer)
}
