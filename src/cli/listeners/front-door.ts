import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { allowedMethods, asksForWebSocket, judge, type Rules } from './judgement.ts'
import type { ListenerLog } from './listener-log.ts'
import { type Refusal, refuse, refuseOnSocket } from './refusal.ts'

// Between a listener and the sites: takes what Node's parser lets through, refuses what is no proper request or for
// nobody here, and hands the rest to the one site that has the host. After this a site may rely on: one Host header that
// names one of its hosts, a target in origin form without `#` and control characters and without `\` in the path, a
// certificate on the connection that covers the host.

export interface FrontDoorOptions extends Rules {
  log: ListenerLog
  /** Milliseconds after which a request whose client neither sends nor reads is given up; default: never. */
  standstill?: number
}

export interface FrontDoor {
  /** Whether a request has come on a connection: before that, nothing is lost when it ends. */
  hasServed(socket: Duplex): boolean
  /** From now on every response is the last one of its connection, and `listener` is called whenever one is done. */
  lastResponses(listener: () => void): void
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  /** Bytes that had crossed the connection when it was last looked at, and since when it is that many. */
  moved: number
  since: number
}

/** The newest exchange of a connection, on the socket itself: a weak map written with each request costs a sixth of the rate. */
const newest = Symbol('exchange')
type Client = Socket & { [newest]?: Exchange }

const newestOf = (socket: Duplex): Exchange | undefined => (socket as Client)[newest]

/** Connects the events of a server with the sites. */
export function attachFrontDoor(server: Server, options: FrontDoorOptions): FrontDoor {
  const { log, standstill = 0 } = options
  /** Connections that a request has come on. */
  const clients = new Set<Client>()
  const upgraded = new WeakSet<Duplex>()
  const answered = new WeakSet<Duplex>()
  let onLast: (() => void) | undefined

  const logRefusal = ({ status, reason }: Refusal, socket: Duplex, request?: IncomingMessage) => {
    const { remoteAddress } = socket as Partial<Socket>
    const host = request?.headers.host?.slice(0, 100)
    const fields = { status, reason, from: remoteAddress, host, method: request?.method }
    if (status === 301) log.debug(fields, 'sent to https')
    else log.info(fields, 'request refused')
  }

  const begin = (request: IncomingMessage, response: ServerResponse): Exchange => {
    const exchange = { request, response, moved: -1, since: 0 }
    const socket: Client = request.socket
    if (socket[newest] === undefined) {
      clients.add(socket)
      socket.once('close', () => clients.delete(socket))
    }
    socket[newest] = exchange
    if (onLast !== undefined) {
      response.shouldKeepAlive = false
      response.once('close', onLast)
    }
    return exchange
  }

  const dispatch = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    const exchange = begin(request, response)
    const judgement = judge(request, options)
    if ('status' in judgement) {
      logRefusal(judgement, request.socket, request)
      refuse(response, judgement)
      return
    }
    const { site } = judgement
    if (site.requestTimeout !== undefined && !hasNoBody(request)) limitBody(exchange, site.requestTimeout, cutOff)
    try {
      if (awaitsContinue && site.checkContinue !== undefined) site.checkContinue(request, response)
      else {
        if (awaitsContinue) response.writeContinue()
        site.handle(request, response)
      }
    } catch (error) {
      log.error({ err: error, host: request.headers.host }, 'site failed')
      if (response.headersSent) request.socket.destroy()
      else refuse(response, failure)
    }
  }

  /** Ends an exchange whose client does not go on; what the site is doing with it fails like any broken connection. */
  const cutOff = ({ request, response }: Exchange) => {
    const { socket } = request
    const refusal: Refusal = { status: 408, reason: 'the client stands still' }
    logRefusal(refusal, socket, request)
    if (response.headersSent) socket.destroy()
    else refuseOnSocket(socket, refusal)
  }

  server.on('request', (request, response) => dispatch(request, response, false))
  server.on('checkContinue', (request, response) => dispatch(request, response, true))

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const judgement = asksForWebSocket(request) ? judge(request, options) : notSupported
    if ('status' in judgement) {
      logRefusal(judgement, socket, request)
      refuseOnSocket(socket, judgement)
      return
    }
    upgraded.add(socket)
    try {
      judgement.site.upgrade(request, socket, head)
    } catch (error) {
      log.error({ err: error, host: request.headers.host }, 'site failed')
      socket.destroy()
    }
  })

  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    logRefusal(tunnel, socket, request)
    refuseOnSocket(socket, tunnel)
  })

  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex) => {
    // Only the parser's complaints have an answer; a connection that broke, or a TLS handshake that failed, has none.
    if (!/^(HPE_|ERR_HTTP_REQUEST_TIMEOUT$)/.test(error.code ?? '')) {
      socket.destroy()
      return
    }
    if (answered.has(socket)) return
    answered.add(socket)
    const refusal = refusalOf(error)
    logRefusal(refusal, socket)
    const exchange = newestOf(socket)
    if (exchange === undefined || exchange.response.closed) refuseOnSocket(socket, refusal)
    // What came behind a whole request must not be taken for its answer.
    else if (exchange.request.complete) exchange.response.once('close', () => refuseOnSocket(socket, refusal))
    else if (exchange.response.headersSent) socket.destroy()
    else refuseOnSocket(socket, refusal)
  })

  // Looked at now and then instead of by a timer per connection, which every packet would have to wind up again.
  const look = () => {
    const now = performance.now()
    for (const socket of clients) {
      const exchange = newestOf(socket)
      // Between requests Node's own time for kept connections counts; from an upgrade on silence is the site's business.
      if (exchange === undefined || exchange.response.closed || upgraded.has(socket)) continue
      const moved = socket.bytesRead + socket.bytesWritten
      if (moved !== exchange.moved) Object.assign(exchange, { moved, since: now })
      else if (now - exchange.since < standstill) continue
      else if (awaitsClient(exchange)) cutOff(exchange)
      // The site takes its time: a long poll, an event stream without news.
      else exchange.since = now
    }
  }
  if (standstill > 0) {
    const watch = setInterval(look, standstill / 10).unref()
    server.on('close', () => clearInterval(watch))
  }

  return {
    hasServed: (socket) => newestOf(socket) !== undefined || upgraded.has(socket),
    lastResponses(listener) {
      onLast = listener
      for (const socket of clients) {
        const response = newestOf(socket)?.response
        if (response === undefined || response.closed) continue
        if (!response.headersSent) response.shouldKeepAlive = false
        response.once('close', listener)
      }
    },
  }
}

const tunnel: Refusal = { status: 405, reason: 'CONNECT', allow: allowedMethods }
const failure: Refusal = { status: 500, reason: 'site failed' }
const notSupported: Refusal = { status: 400, reason: 'upgrade to another protocol than WebSocket' }

function refusalOf({ code, rawPacket }: NodeJS.ErrnoException & { rawPacket?: Buffer }): Refusal {
  const reason = code ?? 'unreadable'
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, reason }
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, reason }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, reason }
    case 'HPE_INVALID_METHOD':
      // Node's parser knows TRACE and not its sister.
      if (rawPacket?.toString('latin1', 0, 6) === 'TRACK ')
        return { status: 405, reason: 'TRACK', allow: allowedMethods }
      return { status: 400, reason }
    default:
      return { status: 400, reason }
  }
}

/** Whether nothing can happen before the client sends or reads. */
function awaitsClient({ request, response }: Exchange): boolean {
  if (!request.complete && request.readableLength === 0) return true
  return request.socket.writableLength > 0 || response.writableLength > 0
}

function limitBody(exchange: Exchange, seconds: number, cutOff: (exchange: Exchange) => void): void {
  const timer = setTimeout(() => {
    if (!exchange.request.complete) cutOff(exchange)
  }, seconds * 1000).unref()
  exchange.response.once('close', () => clearTimeout(timer))
}

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
}
