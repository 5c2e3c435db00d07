import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Dispatcher, Pool } from 'undici'
import type { SessionQuestion } from '../federation-service.ts'
import type { Allowed } from '../preauthentication/preauthentication.ts'
import type { Backend } from './backend.ts'
import { ForwardingError, type GatewayFailure, gatewayFailure } from './gateway-failure.ts'
import type { OpenStream, OpenStreams } from './open-streams.ts'
import {
  INVALID_VALUE,
  informationHeaders,
  type ParsedHeaders,
  type RawHeaders,
  responseHead,
  responseTrailers,
} from './response-headers.ts'

/** What an exchange needs of the proxy it belongs to; one object for all of them. */
export interface ExchangeHost<Visit> {
  readonly streams: OpenStreams
  /** The proxy stops: connections of clients are not kept for another request. */
  readonly closing: boolean
  /** Nothing was sent to the client yet: answer with a page. */
  failed(visit: Visit, failure: GatewayFailure): void
  /** Sends once more what met a connection that the backend was just closing, on a new one. */
  resend(exchange: Exchange<Visit>, request: PoolRequest): void
  /** The backend asks for an authentication that binds to its connection. */
  connectionBound(visit: Visit): void
}

/** Bytes of an answer that are cheaper to copy than to send in a piece of their own. */
const SMALL = 8_192

/** What is sent to a pool; `servername` is undici's, though not in its types. */
export interface PoolRequest extends Dispatcher.DispatchOptions {
  headers: string[]
  servername?: string
}

/**
 * One request on its way back: takes the backend's answer from whatever sender was used (undici's handler shape) and
 * writes it to the client, piece by piece as it comes, no faster than the client reads. An answer that breaks off is cut
 * off for the client too, so that half of it never looks whole; a client that goes away ends the request to the backend.
 */
export class Exchange<Visit = unknown> implements Dispatcher.DispatchHandler, OpenStream {
  readonly visit: Visit
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly allowed: Allowed
  readonly backend: Backend
  readonly session: SessionQuestion | undefined
  /** Why there was no whole answer, for the log. */
  failure: GatewayFailure | undefined
  readonly #host: ExchangeHost<Visit>
  readonly #wantsTrailers: boolean
  #controller: Dispatcher.DispatchController | undefined
  #again: PoolRequest | undefined
  /** The first piece of the answer waits for the turn's end: a small answer is one write. */
  #first: Buffer | undefined
  #phase: 'waiting' | 'head' | 'body' | 'ended' | 'over' = 'waiting'
  #streams = false
  #drains = false
  #stalled: NodeJS.Timeout | undefined

  constructor(
    host: ExchangeHost<Visit>,
    visit: Visit,
    request: IncomingMessage,
    response: ServerResponse,
    allowed: Allowed,
    backend: Backend,
    wantsTrailers: boolean,
  ) {
    this.#host = host
    this.visit = visit
    this.request = request
    this.response = response
    this.allowed = allowed
    this.backend = backend
    this.#wantsTrailers = wantsTrailers && request.httpVersion === '1.1' && request.method !== 'HEAD'
    const { identity } = allowed
    this.session =
      identity === undefined ? undefined : { sid: identity.sid, upn: identity.upn, issuedAt: identity.issuedAt }
  }

  /** Sends by a pool. A safe request that met a connection which the backend was just closing is sent once more. */
  sendBy(pool: Pool, request: PoolRequest): void {
    const { method } = request
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') this.#again = request
    pool.dispatch(request, this)
  }

  /** The client's side is closed, after the whole answer or before. */
  clientClosed(): void {
    const unfinished = this.#phase !== 'ended'
    this.#phase = 'over'
    clearTimeout(this.#stalled)
    if (this.#streams) this.#host.streams.remove(this)
    if (unfinished) this.#controller?.abort(new ForwardingError('backend-closed', 'the client went away'))
  }

  /** The connection became a tunnel: there is no answer to wait for any more. */
  handedOver(): void {
    this.#phase = 'ended'
  }

  /** Whether the answer goes on for longer than a request, so that standstill does not end it. */
  get streams(): boolean {
    return this.#streams
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#phase === 'over') controller.abort(new ForwardingError('backend-closed', 'the client went away'))
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: ParsedHeaders | undefined,
    reason: string | undefined,
  ): void {
    this.#controller = controller
    if (this.#phase === 'over') return
    const received = headers ?? (controller.rawHeaders as RawHeaders)
    if (status < 200) this.#information(status, (controller.rawHeaders ?? []) as RawHeaders)
    else this.#begin(status, reason, received)
  }

  #begin(status: number, reason: string | undefined, received: ParsedHeaders | RawHeaders): void {
    const head = responseHead(received, status, this.backend, this.allowed.response.setCookies, this.#wantsTrailers)
    if (this.#host.closing) head.headers.push('Connection', 'close')
    this.#writeHead(status, reason, head.headers)
    this.#phase = 'head'
    this.#again = undefined
    if (head.connectionBound) this.#host.connectionBound(this.visit)
    if (head.eventStream) {
      this.response.flushHeaders()
      this.#streams = true
      this.#host.streams.add(this)
    }
    flushSoon(this)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === 'over' || this.#phase === 'ended') return
    if (this.#phase === 'head') {
      if (this.#first === undefined) {
        this.#first = chunk
        return
      }
      this.flush()
    }
    this.#write(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#phase === 'over' || this.#phase === 'ended') return
    this.#phase = 'ended'
    const { response } = this
    const raw = controller.rawTrailers as RawHeaders | null | undefined
    if (this.#wantsTrailers && raw && raw.length > 0) {
      const trailers = responseTrailers(raw)
      if (trailers.length > 0) response.addTrailers(trailers)
    }
    const first = this.#first
    this.#first = undefined
    if (first === undefined) response.end()
    // as text of the same bytes it goes out in one piece with the head, which is cheaper than gathering two
    else if (first.length <= SMALL) response.end(first.toString('latin1'), 'latin1')
    else response.end(first)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#phase === 'over' || this.#phase === 'ended') return
    if (this.#phase !== 'waiting') {
      this.failure = gatewayFailure(error)
      this.#phase = 'over'
      cutOff(this.response, this.request)
      return
    }
    const again = this.#again
    if (again !== undefined && wasClosedWhileIdle(error)) {
      this.#again = undefined
      this.#host.resend(this, again)
      return
    }
    this.failure = gatewayFailure(error)
    this.#phase = 'ended'
    this.#host.failed(this.visit, this.failure)
  }

  /** The session of an event stream ended, or the proxy stops: the stream ends, whole. */
  end(): void {
    if (this.#phase === 'over' || this.#phase === 'ended') return
    this.flush()
    this.#phase = 'ended'
    this.response.end()
    this.#controller?.abort(new ForwardingError('backend-closed', 'the session ended'))
  }

  /** Sends what waits for the end of the turn: the head, and the first piece. */
  flush(): void {
    if (this.#phase !== 'head') return
    this.#phase = 'body'
    const first = this.#first
    this.#first = undefined
    if (first === undefined) this.response.flushHeaders()
    else if (this.#controller !== undefined) this.#write(this.#controller, first)
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.response.write(chunk)) return
    controller.pause()
    if (!this.#drains) {
      this.#drains = true
      this.response.on('drain', () => {
        clearTimeout(this.#stalled)
        this.#controller?.resume()
      })
    }
    // nobody's time-out runs while we wait for a client that does not read
    clearTimeout(this.#stalled)
    this.#stalled = setTimeout(() => this.response.destroy(), this.backend.inactivity).unref()
  }

  #writeHead(status: number, reason: string | undefined, headers: string[]): void {
    // an answer without a body cannot be taken back once Node has begun it, so look before
    if (status === 204 || status === 304)
      for (const text of headers) if (INVALID_VALUE.test(text)) throw invalidHeader(text)
    try {
      if (reason && reason !== STATUS_CODES[status] && !INVALID_VALUE.test(reason))
        this.response.writeHead(status, reason, headers)
      else this.response.writeHead(status, headers)
    } catch (error) {
      this.response.statusMessage = ''
      throw new ForwardingError('backend-answer', (error as Error).message, { cause: error })
    }
  }

  #information(status: number, raw: RawHeaders): void {
    const { request, response } = this
    // RFC 9110 §15.2: never to a client of HTTP/1.0
    if (request.httpVersion !== '1.1' || response.headersSent) return
    if (status === 100) {
      if (request.headers.expect !== undefined) response.writeContinue()
    } else if (status === 102) response.writeProcessing()
    else if (status === 103) {
      const headers = informationHeaders(raw)
      if (Object.keys(headers).length > 0) response.writeInformation(103, headers)
    }
  }
}

/** Exchanges whose head waits for the end of the turn; one turn of the event loop begins several. */
let waiting: { flush(): void }[] = []
const settled = Promise.resolve()

/** Has `exchange.flush` called when the parser has given all that came at once: cheaper than a tick for each. */
function flushSoon(exchange: { flush(): void }): void {
  if (waiting.push(exchange) === 1) settled.then(flushWaiting)
}

function flushWaiting(): void {
  const exchanges = waiting
  waiting = []
  for (const exchange of exchanges) exchange.flush()
}

const invalidHeader = (text: string): ForwardingError =>
  new ForwardingError('backend-answer', `invalid header ${JSON.stringify(text.slice(0, 80))}`)

/** Ends an answer so that nobody takes it for whole: without a length or chunks only a reset tells. */
function cutOff(response: ServerResponse, request: IncomingMessage): void {
  const { socket } = response
  if (request.httpVersion === '1.0' && socket instanceof Socket && !('encrypted' in socket)) socket.resetAndDestroy()
  response.destroy()
}

/** The backend closed a kept connection as the request was on its way: it was not read. */
function wasClosedWhileIdle(error: Error & { code?: string; socket?: { bytesRead?: number } | null }): boolean {
  if (error.code === 'UND_ERR_SOCKET') return (error.socket?.bytesRead ?? 0) > 0
  return error.code === 'ECONNRESET' || error.code === 'EPIPE'
}
