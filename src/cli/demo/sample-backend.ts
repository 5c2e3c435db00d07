/**
 * A sample application behind the proxy. It knows nothing of Gatehouse: it believes the header `X-Forwarded-User`, as an
 * application inside the network would, and shows what reached it, as a page or, to `Accept: application/json`, as
 * `{ application, method, url, headers }`. It answers so on every path and to every method.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type SampleLinks, samplePage } from './sample-page.ts'

export interface SampleBackendOptions {
  /** The name by which the application calls itself. */
  readonly application: string
  /** A port on the loopback interface; one that is free when 0 or absent. */
  readonly port?: number
  readonly links: SampleLinks
  /** Header in which a web server before it says whose Kerberos ticket it saw; only for an application behind one. */
  readonly ticketUserHeader?: string
}

export interface SampleBackend {
  readonly application: string
  /** Base address on the loopback interface, with a closing slash. */
  readonly url: string
  readonly port: number
  /** Stops listening and ends what is open. */
  close(): Promise<void>
}

/**
 * Starts a sample application on the loopback interface.
 * @returns the running application, once it listens.
 * @throws the system's error with its `code` (`EADDRINUSE`, `EACCES` …) when the port cannot be had.
 */
export async function startSampleBackend(options: SampleBackendOptions): Promise<SampleBackend> {
  const { port = 0 } = options
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => answer(options, request, response))
  server.listen({ host: '127.0.0.1', port })
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return {
    application: options.application,
    url: `http://127.0.0.1:${address.port}/`,
    port: address.port,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function answer(options: SampleBackendOptions, request: IncomingMessage, response: ServerResponse): void {
  const { application, links, ticketUserHeader } = options
  const method = request.method ?? ''
  const url = request.url ?? ''
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Vary', 'Accept')
  if (asksForJson(request)) {
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    const seen = ticketUserHeader === undefined ? {} : { user: request.headers[ticketUserHeader] ?? null }
    response.end(`${JSON.stringify({ application, method, url, headers: request.headers, ...seen }, undefined, 2)}\n`)
  } else {
    const user = request.headers[ticketUserHeader ?? 'x-forwarded-user']
    const by = ticketUserHeader === undefined ? 'header' : 'ticket'
    const known = typeof user === 'string' ? ({ user, by } as const) : {}
    const visit = { application, ...known, method, url, headers: headerLines(request) }
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.setHeader(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    )
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.end(samplePage(visit, links))
  }
  // The body is of no interest, but the connection is only good for a next request when it was read.
  request.resume()
}

function asksForJson(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '')
    .split(',')
    .some((range) => range.split(';', 1)[0]?.trim().toLowerCase() === 'application/json')
}

function headerLines(request: IncomingMessage): [string, string][] {
  const lines: [string, string][] = []
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2)
    lines.push([request.rawHeaders[at] ?? '', request.rawHeaders[at + 1] ?? ''])
  return lines
}
