import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Bytes that are kept of what a client sends before its handshake is answered. */
const MOST_EARLY = 65_536

/** The socket of an upgrade request: the server has let go of it, so it is looked after here. */
export interface UpgradeSocket {
  readonly socket: Duplex
  /** Answers the request without an upgrade; the connection ends with the answer. */
  readonly response: ServerResponse
  /** Takes the socket for a tunnel, with all that came on it so far. The response must not be used any more. */
  take(): Buffer
}

/**
 * Looks after the socket of an upgrade request until it is answered. It is read meanwhile, or nobody would notice a client
 * that goes away.
 * @param head what came along with the request.
 */
export function holdUpgradeSocket(request: IncomingMessage, socket: Duplex, head: Buffer): UpgradeSocket {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  const early = [head]
  let length = head.length
  const onData = (chunk: Buffer): void => {
    early.push(chunk)
    length += chunk.length
    if (length > MOST_EARLY) socket.pause()
  }
  const gone = (): void => {
    socket.destroy()
  }
  const onDrain = (): void => {
    response.emit('drain')
  }
  socket.on('error', gone).on('data', onData).on('end', gone).on('drain', onDrain)
  response.on('finish', () => (socket as Socket).destroySoon())
  return {
    socket,
    response,
    take() {
      socket.off('data', onData).off('end', gone).off('drain', onDrain).pause()
      response.detachSocket(socket as Socket)
      return Buffer.concat(early)
    },
  }
}
