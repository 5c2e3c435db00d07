import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Why a request goes to no site. */
export interface Refusal {
  status: 301 | 400 | 403 | 405 | 408 | 413 | 421 | 431 | 500 | 501
  /** For the log. */
  reason: string
  location?: string
  allow?: string
}

// Nothing here tells more than the client knows already: no version, no other host, no reason beyond the status.
const texts: Record<Refusal['status'], string> = {
  301: 'This address is served over https.',
  400: 'The request could not be understood.',
  403: 'This address is served over https only.',
  405: 'The method is not allowed here.',
  408: 'The request did not arrive in time.',
  413: 'The request is too large.',
  421: 'There is no such site here.',
  431: 'The headers of the request are too large.',
  500: 'Something went wrong here.',
  501: 'The transfer coding of the request is not supported.',
}

/** Answers a request with a refusal, and ends the connection with it. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, headersOf(refusal))
  response.end(`${texts[refusal.status]}\n`)
}

/** The same on a socket that has no response object: a handshake, or bytes that were no request. */
export function refuseOnSocket(socket: Duplex, refusal: Refusal): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const headers = Object.entries(headersOf(refusal)).map(([name, value]) => `${name}: ${value}\r\n`)
  const start = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n`
  socket.on('error', () => socket.destroy())
  socket.end(`${start}${headers.join('')}\r\n${texts[refusal.status]}\n`)
  // A client that goes on sending would meet a reset before it has read the answer: give it a moment.
  const linger = setTimeout(() => socket.destroy(), 1000).unref()
  socket.once('close', () => clearTimeout(linger))
}

function headersOf({ status, location, allow }: Refusal): Record<string, string> {
  return {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(texts[status].length + 1),
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...(location === undefined ? {} : { Location: location }),
    ...(allow === undefined ? {} : { Allow: allow }),
  }
}
