import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** An answer of the proxy's own. */
export interface PlainAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: string
}

/** Milliseconds for which a body that nobody wants is still read and dropped. */
const LINGER = 30_000

/**
 * Sends an answer of our own, whole. What the client still sends of its body is read and dropped for a while: a connection
 * that is closed under a sending client is reset, and the client never sees why.
 */
export function sendPlainAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: PlainAnswer,
  options: { close?: boolean } = {},
): void {
  if (response.headersSent || response.destroyed) return
  const bytes = Buffer.from(body)
  const bodiless = status === 204 || status === 304
  const all: OutgoingHttpHeaders = { ...(headers as OutgoingHttpHeaders) }
  if (!bodiless) all['content-length'] = bytes.length
  if (options.close) all['connection'] = 'close'
  response.writeHead(status, all)
  response.end(request.method === 'HEAD' || bodiless ? undefined : bytes)
  if (request.complete) return
  const timer = setTimeout(() => request.destroy(), LINGER).unref()
  request.on('end', () => clearTimeout(timer)).on('close', () => clearTimeout(timer))
  request.resume()
}
