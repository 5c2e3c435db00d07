import type { Backend } from './backend.ts'
import { asksForConnectionBound } from './connection-bound.ts'
import { ForwardingError } from './gateway-failure.ts'
import { headerName, namedByConnection } from './header-names.ts'
import { setsReservedCookie } from './reserved-cookies.ts'

/** Header fields as a parser leaves them: names and values in turn. */
export type RawHeaders = readonly (Buffer | string)[]

/** The header section of an answer to a client. */
export interface ResponseHead {
  /** Names and values in turn, as `ServerResponse.writeHead` takes them; without Connection and Transfer-Encoding. */
  headers: string[]
  /** The answer has a length of its own, so no trailers. */
  readonly sized: boolean
  readonly eventStream: boolean
  /** The backend asks for an authentication that binds to the connection. */
  readonly connectionBound: boolean
}

/**
 * Writes the header section for the client in one pass over what the backend sent.
 * @param setCookies lines of ours; a backend's cookie under one of our names is left out.
 * @param trailers the client takes trailers: announce what the backend announced.
 * @throws {ForwardingError} `backend-answer` for a transfer coding that nobody asked for.
 */
export function responseHead(
  raw: RawHeaders,
  status: number,
  backend: Backend,
  setCookies: readonly string[],
  trailers: boolean,
): ResponseHead {
  const translation = backend.responseTranslation
  let headers: string[] = []
  let sized = false
  let eventStream = false
  let connectionBound = false
  let connection: string | undefined
  let announced: string | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const name = latin1(raw[at])
    const { lower, response: rule } = headerName(name)
    switch (rule) {
      case 'copy':
        headers.push(name, latin1(raw[at + 1]))
        break
      case 'drop':
        if (trailers && lower === 'trailer') announced = latin1(raw[at + 1])
        break
      case 'content-length':
        // RFC 9110 §8.6: none in a 204, whatever the backend thinks
        if (status === 204) break
        sized = true
        headers.push(name, latin1(raw[at + 1]))
        break
      case 'content-type': {
        const value = latin1(raw[at + 1])
        eventStream = /^[ \t]*text\/event-stream\b/i.test(value)
        headers.push(name, value)
        break
      }
      case 'address':
      case 'allow-origin': {
        const value = latin1(raw[at + 1])
        headers.push(name, translation === undefined ? value : translation.toExternal(value))
        break
      }
      case 'set-cookie': {
        const line = latin1(raw[at + 1])
        if (setsReservedCookie(line)) break
        headers.push(name, translation === undefined ? line : translation.cookieToExternal(line))
        break
      }
      case 'www-authenticate': {
        const value = latin1(raw[at + 1])
        if (status === 401 && asksForConnectionBound(value)) connectionBound = true
        headers.push(name, value)
        break
      }
      case 'connection':
        connection = connection === undefined ? latin1(raw[at + 1]) : `${connection}, ${latin1(raw[at + 1])}`
        break
      case 'transfer-encoding':
        if (
          latin1(raw[at + 1])
            .trim()
            .toLowerCase() !== 'chunked'
        )
          throw new ForwardingError('backend-answer', `transfer coding ${latin1(raw[at + 1])} was not asked for`)
        break
    }
  }
  const named = connection === undefined ? undefined : namedByConnection(connection.toLowerCase())
  if (named !== undefined) headers = without(headers, named)
  for (const line of setCookies) headers.push('Set-Cookie', line)
  if (announced !== undefined && !sized && status !== 204 && status !== 304) {
    const names = announced.split(',').filter((name) => isTrailer(name.trim().toLowerCase()))
    if (names.length > 0) headers.push('Trailer', names.map((name) => name.trim()).join(', '))
  }
  return { headers, sized, eventStream, connectionBound }
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
