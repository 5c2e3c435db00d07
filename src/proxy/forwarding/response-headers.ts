import type { Backend } from './backend.ts'
import { asksForConnectionBound } from './connection-bound.ts'
import { ForwardingError } from './gateway-failure.ts'
import { type HeaderName, headerName, namedByConnection } from './header-names.ts'
import { setsReservedCookie } from './reserved-cookies.ts'
import type { UrlTranslation } from './url-translation.ts'

/** Header fields as node:http leaves them, and undici its trailers: names and values in turn. */
export type RawHeaders = readonly (Buffer | string)[]

/** Header fields as undici leaves them: values by lower-case name. */
export type ParsedHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** The header section of an answer to a client. */
export interface ResponseHead {
  /** Names and values in turn, as `ServerResponse.writeHead` takes them; without Connection and Transfer-Encoding. */
  readonly headers: string[]
  /** The answer has a length of its own, so no trailers. */
  readonly sized: boolean
  readonly eventStream: boolean
  /** The backend asks for an authentication that binds to the connection. */
  readonly connectionBound: boolean
}

/**
 * Writes the header section for the client in one pass over what the backend sent.
 * @param received what undici parsed (its values are decoded already), or names and values in turn.
 * @param setCookies lines of ours; a backend's cookie under one of our names is left out.
 * @param trailers the client takes trailers: announce what the backend announced.
 * @throws {ForwardingError} `backend-answer` for a transfer coding that nobody asked for.
 */
export function responseHead(
  received: ParsedHeaders | RawHeaders,
  status: number,
  backend: Backend,
  setCookies: readonly string[],
  trailers: boolean,
): ResponseHead {
  const writer = new HeadWriter(status, backend)
  if (isRaw(received))
    for (let at = 0; at < received.length; at += 2) {
      const name = latin1(received[at])
      writer.add(headerName(name), name, latin1(received[at + 1]))
    }
  else
    for (const lower in received) {
      const value = received[lower]
      const name = headerName(lower)
      if (typeof value === 'string') writer.add(name, name.spelling, value)
      else if (value !== undefined) for (const one of value) writer.add(name, name.spelling, one)
    }
  return writer.finish(setCookies, trailers)
}

const isRaw = (received: ParsedHeaders | RawHeaders): received is RawHeaders => Array.isArray(received)

class HeadWriter implements ResponseHead {
  headers: string[] = []
  sized = false
  eventStream = false
  connectionBound = false
  readonly #status: number
  readonly #translation: UrlTranslation | undefined
  #connection: string | undefined
  #announced: string | undefined

  constructor(status: number, backend: Backend) {
    this.#status = status
    this.#translation = backend.responseTranslation
  }

  add({ lower, response: rule }: HeaderName, name: string, value: string): void {
    switch (rule) {
      case 'copy':
        this.headers.push(name, value)
        break
      case 'drop':
        if (lower === 'trailer') this.#announced = value
        break
      case 'content-length':
        // RFC 9110 §8.6: none in a 204, whatever the backend thinks
        if (this.#status === 204) break
        this.sized = true
        this.headers.push(name, value)
        break
      case 'content-type':
        this.eventStream = /^[ \t]*text\/event-stream\b/i.test(value)
        this.headers.push(name, value)
        break
      case 'address':
      case 'allow-origin':
        this.headers.push(name, this.#translation === undefined ? value : this.#translation.toExternal(value))
        break
      case 'set-cookie':
        if (setsReservedCookie(value)) break
        this.headers.push(name, this.#translation === undefined ? value : this.#translation.cookieToExternal(value))
        break
      case 'www-authenticate':
        if (this.#status === 401 && asksForConnectionBound(value)) this.connectionBound = true
        this.headers.push(name, value)
        break
      case 'connection':
        this.#connection = this.#connection === undefined ? value : `${this.#connection}, ${value}`
        break
      case 'transfer-encoding':
        if (value.trim().toLowerCase() !== 'chunked')
          throw new ForwardingError('backend-answer', `transfer coding ${value} was not asked for`)
        break
    }
  }

  finish(setCookies: readonly string[], trailers: boolean): this {
    const named = namedByConnection(this.#connection?.toLowerCase())
    if (named !== undefined) this.headers = without(this.headers, named)
    for (const line of setCookies) this.headers.push('Set-Cookie', line)
    if (trailers && this.#announced !== undefined && !this.sized && this.#status !== 204 && this.#status !== 304) {
      const names = this.#announced.split(',').filter((name) => isTrailer(name.trim().toLowerCase()))
      if (names.length > 0) this.headers.push('Trailer', names.map((name) => name.trim()).join(', '))
    }
    return this
  }
}

/** Trailer fields that may be passed on, as pairs. RFC 9110 §6.5.1: nothing that frames, routes, authenticates or sets state. */
export function responseTrailers(raw: RawHeaders): [string, string][] {
  const trailers: [string, string][] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = latin1(raw[at])
    const value = latin1(raw[at + 1])
    if (isTrailer(name.toLowerCase()) && !INVALID_VALUE.test(value)) trailers.push([name, value])
  }
  return trailers
}

/** The fields of an interim answer that mean something before the final one. */
export function informationHeaders(raw: RawHeaders): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at < raw.length; at += 2) {
    const name = latin1(raw[at])
    const { lower, response } = headerName(name)
    const value = latin1(raw[at + 1])
    if (response !== 'copy' || INVALID_VALUE.test(value) || !INTERIM.has(lower)) continue
    const before = headers[lower]
    headers[lower] = before === undefined ? value : [before, value].flat()
  }
  return headers
}

const INTERIM = new Set(['link', 'content-security-policy', 'content-security-policy-report-only', 'referrer-policy'])

/** Whether a value would break the header section it is written into. */
export const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/

function isTrailer(lower: string): boolean {
  return (
    headerName(lower).response === 'copy' &&
    /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower) &&
    !NEVER_IN_TRAILERS.has(lower) &&
    !lower.startsWith('access-control-')
  )
}

const NEVER_IN_TRAILERS = new Set([
  ...[
    'authorization',
    'age',
    'cache-control',
    'clear-site-data',
    'content-encoding',
    'content-range',
    'cookie',
    'date',
  ],
  ...['expires', 'host', 'content-security-policy', 'strict-transport-security', 'vary', 'warning', 'retry-after'],
])

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string
    // the length says where the answer ends: it is never the backend's to hide
    const { lower } = headerName(name)
    if (lower === 'content-length' || !names.has(lower)) kept.push(name, headers[at + 1] as string)
  }
  return kept
}

const latin1 = (value: Buffer | string | undefined): string =>
  typeof value === 'string' ? value : value === undefined ? '' : value.toString('latin1')
