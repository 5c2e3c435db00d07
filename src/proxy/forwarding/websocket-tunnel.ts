import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SessionQuestion } from '../federation-service.ts'
import type { Backend } from './backend.ts'
import { ForwardingError } from './gateway-failure.ts'
import type { OpenStream } from './open-streams.ts'
import { INVALID_VALUE, responseHead } from './response-headers.ts'
import { closeFrame, FrameBoundary } from './websocket-frames.ts'

/** Milliseconds: for the other side to close after a close frame, or after its half of the connection is shut. */
const CLOSING = 2_000
const HALF_CLOSED = 30_000

/**
 * Whether a request asks for a WebSocket and nothing else. Any other protocol, h2c above all, would be a way around
 * everything that the proxy checks per request: such a request is answered as if it had not asked.
 */
export function isWebSocketHandshake({ method, httpVersion, headers }: IncomingMessage): boolean {
  return method === 'GET' && httpVersion === '1.1' && headers.upgrade?.trim().toLowerCase() === 'websocket'
}

/**
 * The head of the answer to a handshake that the backend agreed to.
 * @throws {ForwardingError} `backend-answer` when it agreed to something else.
 */
export function handshakeAnswer(answer: IncomingMessage, backend: Backend, setCookies: readonly string[]): string {
  if (answer.headers.upgrade?.trim().toLowerCase() !== 'websocket')
    throw new ForwardingError('backend-answer', `the backend changed to ${answer.headers.upgrade ?? 'no protocol'}`)
  const { headers } = responseHead(answer.rawHeaders, 101, backend, setCookies, false)
  let lines = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (let at = 0; at < headers.length; at += 2) {
    const value = headers[at + 1] as string
    if (INVALID_VALUE.test(value)) throw new ForwardingError('backend-answer', `invalid header ${headers[at]}`)
    if ((headers[at] as string).toLowerCase() !== 'content-length') lines += `${headers[at]}: ${value}\r\n`
  }
  return `${lines}\r\n`
}

/**
 * Two sockets that have become one WebSocket: bytes go across as they come, each side no faster than the other reads, and
 * the end of one direction is the end of that direction only. Frames are followed, not read, so that the tunnel can be
 * closed properly from here.
 */
export class WebSocketTunnel implements OpenStream {
  readonly session: SessionQuestion | undefined
  readonly #client: Duplex
  readonly #backend: Duplex
  readonly #toClient = new FrameBoundary()
  readonly #toBackend = new FrameBoundary()
  readonly #closed: () => void
  #ending: Buffer | undefined
  #timer: NodeJS.Timeout | undefined
  #over = false

  /** @param closed called once, when both sides are gone. */
  constructor(client: Duplex, backend: Duplex, session: SessionQuestion | undefined, closed: () => void) {
    this.#client = client
    this.#backend = backend
    this.session = session
    this.#closed = closed
  }

  /**
   * Begins to pass bytes on.
   * @param clientHead what the client sent along with its handshake.
   * @param backendHead what the backend sent along with its answer.
   */
  open(clientHead: Buffer, backendHead: Buffer): void {
    const client = this.#client
    const backend = this.#backend
    for (const socket of [client, backend]) if (socket instanceof Socket) keepOpen(socket)
    if (backendHead.length > 0) this.#fromBackend(backendHead)
    if (clientHead.length > 0) this.#fromClient(clientHead)
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk))
    backend.on('data', (chunk: Buffer) => this.#fromBackend(chunk))
    client.on('drain', () => backend.resume())
    backend.on('drain', () => client.resume())
    client.on('end', () => this.#halfClosed(backend))
    backend.on('end', () => this.#halfClosed(client))
    client.on('error', () => this.#destroy())
    backend.on('error', () => this.#destroy())
    client.on('close', () => this.#gone(backend))
    backend.on('close', () => this.#gone(client))
    client.resume()
    backend.resume()
    if (client.destroyed || backend.destroyed) this.#destroy()
  }

  /** Closes with 1008 when the session ended, with 1001 when the proxy stops. */
  end(why: 'session-ended' | 'going-away'): void {
    if (this.#ending !== undefined || this.#over) return
    const [code, reason] = why === 'session-ended' ? [1008, 'session ended'] : [1001, 'going away']
    this.#ending = closeFrame(code as number, reason as string, false)
    // nothing more of this client reaches the backend
    if (this.#toBackend.clear) this.#backend.write(closeFrame(code as number, reason as string, true))
    if (this.#toClient.clear) this.#close()
    else this.#destroyWithin(CLOSING)
  }

  #fromClient(chunk: Buffer): void {
    if (this.#ending !== undefined) return
    this.#timer?.refresh()
    this.#toBackend.follow(chunk)
    if (!this.#backend.write(chunk)) this.#client.pause()
  }

  #fromBackend(chunk: Buffer): void {
    if (this.#ending === undefined) {
      this.#timer?.refresh()
      this.#toClient.follow(chunk)
      if (!this.#client.write(chunk)) this.#backend.pause()
    } else if (!this.#toClient.clear) {
      // the frame that is on its way is let finish, then ours follows
      const end = this.#toClient.follow(chunk, true)
      this.#client.write(chunk.subarray(0, end))
      if (this.#toClient.clear) this.#close()
    }
  }

  #close(): void {
    if (!this.#client.writableEnded) this.#client.end(this.#ending)
    this.#backend.end()
    this.#destroyWithin(CLOSING)
  }

  #halfClosed(other: Duplex): void {
    if (!other.writableEnded) other.end()
    this.#destroyWithin(HALF_CLOSED)
  }

  /** One side is gone: the other gets what is still to be written, and its end. */
  #gone(other: Duplex): void {
    if (!other.destroyed && !other.writableEnded) other.end()
    if (other.destroyed || other.writableFinished) this.#destroy()
    else {
      other.once('finish', () => this.#destroy())
      this.#destroyWithin(CLOSING)
    }
  }

  #destroyWithin(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#destroy(), milliseconds).unref()
  }

  #destroy(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#client.destroy()
    this.#backend.destroy()
    this.#closed()
  }
}

/** What no byte passes for hours on may still be wanted; only a peer that is gone ends it. */
function keepOpen(socket: Socket): void {
  socket.setTimeout(0)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 30_000)
}
