import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import type { BackendNegotiation } from '../../kcd/kerberos-delegator.ts'
import { KerberosError } from '../../kcd/kerberos-error.ts'
import type { KerberosMode } from '../backend-kerberos.ts'
import type { Allowed, DelegatedIdentity } from '../preauthentication/preauthentication.ts'
import type { Backend } from './backend.ts'
import { ConnectionEnded, type ConnectionKind, type DelegatedConnection } from './delegated-connections.ts'
import type { Exchange } from './exchange.ts'
import { type GatewayFailure, gatewayFailure } from './gateway-failure.ts'
import {
  type KerberosAnswer,
  readParsedAnswer,
  readRawAnswer,
  withoutKerberos,
  withoutParsedKerberos,
} from './kerberos-answer.ts'
import { forbidden, rejected, ticketFailure, unproved } from './kerberos-failure.ts'
import { type AnswerTaker, type NodeRequest, sendByNode, sendUpgrade } from './node-sender.ts'
import type { RecordedBody } from './recorded-body.ts'
import type { ParsedHeaders, RawHeaders } from './response-headers.ts'

/**
 * One request to a backend that takes nobody but by Kerberos, from the connection to the answer that is passed on:
 *
 *     connection of this person ──▶ ticket and token (unless the connection keeps its person) ──▶ request
 *         ▲                                                                                      │
 *         └── once: a new connection, a new ticket ◀── 401 Negotiate ◀───────────────────────────┤
 *                                                      any other answer: proved? ──▶ exchange ◀──┘
 *
 * A request goes out with the person's token, or on a connection that the backend has told to be this person's, or not at
 * all. What the backend and the proxy say to each other about it stays between them.
 */
export interface KerberosRequest {
  readonly exchange: Exchange
  readonly delegated: DelegatedIdentity
  readonly mode: KerberosMode
  /** For requests without a body. */
  readonly dispatch: Dispatcher.DispatchOptions & { headers: string[]; servername: string }
  /** For all others; undefined: `dispatch` will do. */
  readonly outgoing: NodeRequest | undefined
  readonly body: RecordedBody | undefined
  /** For a WebSocket: takes both over when the backend agrees. It may throw. */
  readonly onUpgrade: ((answer: IncomingMessage, socket: Socket, head: Buffer) => void) | undefined
}

/** What a Kerberos exchange needs of the proxy; one object for all of them. */
export interface KerberosExchangeHost {
  connect(
    request: KerberosRequest,
    kind: ConnectionKind,
    brandNew: boolean,
  ): DelegatedConnection | Promise<DelegatedConnection>
  negotiate(request: KerberosRequest, channelBinding: Buffer | undefined, fresh: boolean): Promise<BackendNegotiation>
  /** Nothing was sent to the client yet: answer with a page. */
  failed(exchange: Exchange, failure: GatewayFailure): void
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Sends the request and takes its answer. Nothing is thrown; what goes wrong ends in `host.failed`. */
export class KerberosExchange {
  readonly #host: KerberosExchangeHost
  readonly request: KerberosRequest
  /** A ticket was refused before: the next refusal is the last. */
  #renewed = false
  /** A connection ended under a request before. */
  #reconnected = false

  constructor(host: KerberosExchangeHost, request: KerberosRequest) {
    this.#host = host
    this.request = request
  }

  start(): void {
    this.#attempt(false)
  }

  get #gone(): boolean {
    return this.request.exchange.response.destroyed
  }

  #attempt(brandNew: boolean): void {
    const kind = this.request.outgoing === undefined && this.request.onUpgrade === undefined ? 'client' : 'agent'
    try {
      const connection = this.#host.connect(this.request, kind, brandNew)
      if (connection instanceof Promise)
        connection.then(
          (opened) => this.#connected(opened),
          (error) => this.#fail(gatewayFailure(error)),
        )
      else this.#connected(connection)
    } catch (error) {
      this.#fail(gatewayFailure(error))
    }
  }

  #connected(connection: DelegatedConnection): void {
    if (this.#gone) giveBack(connection)
    else if (connection.keepsPerson && connection.client !== undefined) this.#send(connection, undefined)
    else
      this.#host.negotiate(this.request, connection.channelBinding, this.#renewed).then(
        (negotiation) => {
          if (this.#gone) giveBack(connection)
          else this.#send(connection, negotiation)
        },
        (error) => {
          giveBack(connection)
          this.#fail(ticketFailure(error))
        },
      )
  }

  #send(connection: DelegatedConnection, negotiation: BackendNegotiation | undefined): void {
    const { dispatch, outgoing, body, onUpgrade } = this.request
    const attempt = new Attempt(this, connection, negotiation)
    const { client, agent } = connection
    const withToken = (headers: readonly string[]): string[] =>
      headers.concat(negotiation === undefined ? [] : ['Authorization', `Negotiate ${negotiation.value}`])
    if (client !== undefined)
      client.dispatch(
        negotiation === undefined ? dispatch : { ...dispatch, headers: withToken(dispatch.headers) },
        attempt,
      )
    else if (agent === undefined) this.#fail(gatewayFailure(new TypeError('a connection of no kind')))
    else if (onUpgrade !== undefined)
      sendUpgrade(attempt, withToken(dispatch.headers), { agent }, (answer, socket, head) => {
        attempt.agreed(answer)
        onUpgrade(answer, socket, head)
        attempt.handedOver()
      })
    else if (outgoing !== undefined) {
      const sendBody =
        body === undefined ? undefined : (upstream: Parameters<typeof body.send>[0]) => body.send(upstream)
      sendByNode(attempt, { ...outgoing, headers: withToken(outgoing.headers), sendBody }, agent)
    }
  }

  /** The backend answered 401 and asks for a ticket. */
  refused(negotiation: BackendNegotiation | undefined, answer: KerberosAnswer): void {
    let why = 'it asks for another'
    if (negotiation !== undefined && answer.token !== undefined) {
      try {
        if (negotiation.check(answer.token) === 'proved') {
          this.#fail(forbidden())
          return
        }
      } catch (error) {
        why = (error as Error).message
      }
    }
    const { body } = this.request
    // without a token it was the connection that had been forgotten, not the ticket
    if (this.#gone || (negotiation !== undefined && this.#renewed) || body?.replayable === false) {
      this.#fail(rejected(why))
      return
    }
    if (negotiation !== undefined) this.#renewed = true
    body?.hold()
    this.#attempt(true)
  }

  /** The connection ended before an answer. */
  ended(error: Error, used: boolean): boolean {
    const { dispatch, body } = this.request
    const neverSent = error instanceof ConnectionEnded
    const again = neverSent ? body?.replayable !== false : used && SAFE.has(dispatch.method) && wasClosed(error)
    if (!again || this.#reconnected || this.#gone) return false
    this.#reconnected = true
    body?.hold()
    this.#attempt(true)
    return true
  }

  unproved(error: unknown): void {
    this.#fail(unproved(error))
  }

  #fail(failure: GatewayFailure): void {
    this.#host.failed(this.request.exchange, failure)
  }
}

/** One try: stands between a sender and the exchange until the backend has said whom it takes the request for. */
class Attempt implements Dispatcher.DispatchHandler, AnswerTaker {
  readonly backend: Backend
  readonly request: IncomingMessage
  readonly allowed: Allowed
  readonly #owner: KerberosExchange
  readonly #exchange: Exchange
  readonly #connection: DelegatedConnection
  readonly #negotiation: BackendNegotiation | undefined
  readonly #used: boolean
  #phase: 'waiting' | 'answering' | 'over' = 'waiting'

  constructor(owner: KerberosExchange, connection: DelegatedConnection, negotiation: BackendNegotiation | undefined) {
    const { exchange } = owner.request
    this.backend = exchange.backend
    this.request = exchange.request
    this.allowed = exchange.allowed
    this.#owner = owner
    this.#exchange = exchange
    this.#connection = connection
    this.#negotiation = negotiation
    this.#used = connection.used
  }

  get streams(): boolean {
    return this.#exchange.streams
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#exchange.onRequestStart(controller)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: ParsedHeaders | undefined,
    reason: string | undefined,
  ): void {
    if (this.#phase === 'over') return
    if (status < 200) {
      this.#exchange.onResponseStart(controller, status, headers, reason)
      return
    }
    const raw = (controller.rawHeaders ?? []) as RawHeaders
    const answer = headers === undefined ? readRawAnswer(raw) : readParsedAnswer(headers)
    if (status === 401 && answer.asks) {
      this.#drop()
      this.#owner.refused(this.#negotiation, answer)
      return
    }
    if (!this.#proves(answer)) return
    this.#phase = 'answering'
    this.#connection.keepsPerson = this.#keepsPerson(answer)
    if (headers === undefined) this.#exchange.onResponseStart(rawWithout(controller, raw), status, undefined, reason)
    else this.#exchange.onResponseStart(controller, status, withoutParsedKerberos(headers), reason)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === 'answering') this.#exchange.onResponseData(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#phase !== 'answering') return
    this.#phase = 'over'
    this.#exchange.onResponseEnd(controller)
    // of the other kind the agent says when it is free
    if (this.#connection.client !== undefined) this.#connection.release()
  }

  onResponseError(controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#phase === 'over') return
    const waited = this.#phase === 'waiting'
    this.#drop()
    if (error instanceof KerberosError) {
      this.#owner.unproved(error)
      return
    }
    if (waited && this.#owner.ended(error, this.#used)) return
    this.#exchange.onResponseError(controller, error)
  }

  /**
   * The backend agrees to a WebSocket.
   * @throws {KerberosError} where it proves to be another.
   */
  agreed(answer: IncomingMessage): void {
    const { token } = readRawAnswer(answer.rawHeaders)
    if (token !== undefined) this.#negotiation?.check(token)
    // read first: Node makes them of the raw ones when they are asked for, and counts on finding all of those
    void answer.headers
    answer.rawHeaders = withoutKerberos(answer.rawHeaders)
  }

  /** The connection became a tunnel: there is no answer to wait for any more. */
  handedOver(): void {
    this.#phase = 'over'
  }

  #proves({ token }: KerberosAnswer): boolean {
    const negotiation = this.#negotiation
    if (negotiation === undefined || token === undefined) return true
    try {
      negotiation.check(token)
      return true
    } catch (error) {
      this.#drop()
      this.#owner.unproved(error)
      return false
    }
  }

  #keepsPerson({ keepsPerson }: KerberosAnswer): boolean {
    switch (this.#owner.request.mode) {
      case 'per-request':
        return false
      case 'per-connection':
        return keepsPerson !== false
      default:
        return keepsPerson ?? (this.#negotiation === undefined && this.#connection.keepsPerson)
    }
  }

  #drop(): void {
    this.#phase = 'over'
    this.#connection.discard()
  }
}

/** node-sender's controller has the headers as they came; the exchange reads them there. */
function rawWithout(controller: Dispatcher.DispatchController, raw: RawHeaders): Dispatcher.DispatchController {
  const open = controller as { rawHeaders?: string[] | Buffer[] | null }
  open.rawHeaders = withoutKerberos(raw)
  return controller
}

/** A connection that nothing was sent on has no time-out of its own yet. */
function giveBack(connection: DelegatedConnection): void {
  if (connection.used) connection.release()
  else connection.discard()
}

/** The backend closed a kept connection as the request was on its way. */
function wasClosed(error: Error & { code?: string }): boolean {
  return error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET' || error.code === 'EPIPE'
}
