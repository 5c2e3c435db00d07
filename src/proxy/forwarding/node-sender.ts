import http, { type Agent, type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import type { Backend } from './backend.ts'
import { type ConnectOptions, MAX_HEADER_BYTES } from './backend-connections.ts'
import type { Exchange } from './exchange.ts'
import { ForwardingError } from './gateway-failure.ts'

/**
 * Sends by node:http what undici does not: bodies (so that an early answer, or a 100 nobody asked for, does not cost the
 * client its connection), `Expect: 100-continue`, `TE`, upgrades, and requests on a connection that belongs to one client.
 * The exchange sees the same calls in the same order as from undici.
 */
export interface NodeRequest {
  readonly method: string
  readonly target: string
  /** Names and values in turn, with the framing of the body. */
  readonly headers: readonly string[]
  readonly expectContinue: boolean
  readonly hasBody: boolean
  /** Sends the body, where it is not simply the client's as it comes. */
  readonly sendBody?: ((upstream: ClientRequest) => void) | undefined
}

/** What takes an answer: an exchange, or what stands before one. */
export type AnswerTaker = Required<
  Pick<
    Exchange,
    | 'backend'
    | 'request'
    | 'allowed'
    | 'streams'
    | 'onRequestStart'
    | 'onResponseStart'
    | 'onResponseData'
    | 'onResponseEnd'
    | 'onResponseError'
  >
>

/** The controller that undici would give, over a request of node:http. */
class NodeController implements Dispatcher.DispatchController {
  aborted = false
  paused = false
  reason: Error | null = null
  rawHeaders: string[] | null = null
  rawTrailers: string[] | null = null
  readonly #upstream: ClientRequest
  answer: IncomingMessage | undefined

  constructor(upstream: ClientRequest) {
    this.#upstream = upstream
  }

  pause(): void {
    this.paused = true
    this.answer?.pause()
  }

  resume(): void {
    this.paused = false
    this.answer?.resume()
  }

  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#upstream.destroy(reason)
  }
}

/** Opens a request of node:http towards a backend; nothing is sent yet. */
function openNodeRequest(
  backend: Backend,
  { method, target, headers }: Pick<NodeRequest, 'method' | 'target' | 'headers'>,
  connection: { agent: Agent } | ({ agent: false; allowHalfOpen: true } & ConnectOptions),
): ClientRequest {
  const options = {
    ...connection,
    host: backend.hostname,
    port: backend.port,
    method,
    path: target,
    headers,
    setHost: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    timeout: backend.inactivity,
  }
  return backend.secure ? https.request(options) : http.request(options)
}

/** Sends a request and gives its answer to the exchange. */
export function sendByNode(exchange: AnswerTaker, outgoing: NodeRequest, agent: Agent): void {
  const { backend, request } = exchange
  let upstream: ClientRequest
  try {
    upstream = openNodeRequest(backend, outgoing, { agent })
  } catch (error) {
    exchange.onResponseError(null, error as Error)
    return
  }
  relayAnswer(exchange, upstream)
  if (outgoing.expectContinue) upstream.flushHeaders()
  if (outgoing.sendBody !== undefined) outgoing.sendBody(upstream)
  else if (outgoing.hasBody) pumpBody(request, upstream)
  else upstream.end()
}

/**
 * Sends a WebSocket handshake on a connection of its own.
 * @param connect how to open it, or the agent that has it.
 * @param onUpgrade takes both over when the backend agrees; any other answer goes to the exchange. It may throw.
 */
export function sendUpgrade(
  exchange: AnswerTaker,
  headers: string[],
  connect: ConnectOptions | { agent: Agent },
  onUpgrade: (answer: IncomingMessage, socket: Socket, head: Buffer) => void,
): void {
  headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
  const outgoing = { method: 'GET', target: exchange.allowed.request.target, headers }
  let upstream: ClientRequest
  try {
    const connection =
      'agent' in connect ? connect : { agent: false as const, allowHalfOpen: true as const, ...connect }
    upstream = openNodeRequest(exchange.backend, outgoing, connection)
  } catch (error) {
    exchange.onResponseError(null, error as Error)
    return
  }
  relayAnswer(exchange, upstream, onUpgrade)
  upstream.end()
}

/**
 * Gives the answer of `upstream` to the exchange, from interim answers to trailers.
 * @param onUpgrade takes over when the backend changes the protocol; without it that is a failure. It may throw.
 */
function relayAnswer(
  exchange: AnswerTaker,
  upstream: ClientRequest,
  onUpgrade?: (answer: IncomingMessage, socket: Socket, head: Buffer) => void,
): void {
  const controller = new NodeController(upstream)
  const fail = (error: Error): void => {
    upstream.destroy()
    exchange.onResponseError(controller, controller.reason ?? error)
  }
  exchange.onRequestStart(controller)
  upstream.on('information', ({ statusCode, rawHeaders }) => {
    controller.rawHeaders = rawHeaders
    exchange.onResponseStart(controller, statusCode, undefined, undefined)
  })
  upstream.on('response', (answer) => relayBody(exchange, controller, answer, fail))
  upstream.on('upgrade', (answer, socket, head) => {
    try {
      if (onUpgrade === undefined)
        throw new ForwardingError('backend-answer', 'the backend changed the protocol unasked')
      onUpgrade(answer, socket, head)
    } catch (error) {
      socket.destroy()
      fail(error as Error)
    }
  })
  upstream.on('timeout', () => {
    if (!exchange.streams) fail(stalled(exchange, upstream))
  })
  upstream.on('error', fail)
  upstream.on('close', () => fail(new ForwardingError('backend-closed', 'the connection closed before an answer')))
}

/** Gives an answer whose head has come to the exchange. */
function relayBody(
  exchange: AnswerTaker,
  controller: NodeController,
  answer: IncomingMessage,
  fail: (error: Error) => void,
): void {
  controller.answer = answer
  controller.rawHeaders = answer.rawHeaders
  try {
    exchange.onResponseStart(controller, answer.statusCode ?? 0, undefined, answer.statusMessage)
  } catch (error) {
    fail(error as Error)
    return
  }
  answer.on('data', (chunk: Buffer) => exchange.onResponseData(controller, chunk))
  answer.on('end', () => {
    controller.rawTrailers = answer.rawTrailers
    exchange.onResponseEnd(controller)
  })
  answer.on('error', fail)
  answer.on('close', () => {
    if (!answer.complete) fail(new ForwardingError('backend-closed', 'the connection closed within the answer'))
  })
}

/** Streams the client's body, no faster than the backend reads. */
function pumpBody(request: IncomingMessage, upstream: ClientRequest): void {
  const onData = (chunk: Buffer): void => {
    if (!upstream.write(chunk)) request.pause()
  }
  const onEnd = (): void => {
    upstream.end()
  }
  const stop = (): void => {
    request.off('data', onData).off('end', onEnd)
    // what the client still sends after an early answer is read and dropped, so that its connection stays in step
    request.resume()
  }
  request.on('data', onData).on('end', onEnd)
  upstream.on('drain', () => request.resume())
  upstream.on('close', stop)
}

/** Who was waited for: the client for the rest of its body, or the backend. */
function stalled({ request, backend }: AnswerTaker, upstream: ClientRequest): ForwardingError {
  const seconds = backend.inactivity / 1_000
  return !request.complete && !upstream.writableNeedDrain
    ? new ForwardingError('client-timeout', `no more of the request's body came for ${seconds} s`)
    : new ForwardingError('backend-timeout', `nothing moved for ${seconds} s`)
}
