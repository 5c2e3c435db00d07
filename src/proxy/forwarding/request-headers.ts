import type { IncomingMessage } from 'node:http'
import type { Allowed } from '../preauthentication/preauthentication.ts'
import type { Backend } from './backend.ts'
import type { ClientOrigin } from './client-origin.ts'
import { isConnectionBound } from './connection-bound.ts'
import { headerName, namedByConnection } from './header-names.ts'

/** The header section of a request to a backend. */
export interface RequestHead {
  /** Names and values in turn, Host first; without framing and without Connection, which belong to the sender. */
  readonly headers: string[]
  /** The client authenticates its connection, not its request: NTLM, Negotiate. */
  readonly connectionBound: boolean
  /** The client takes response trailers. */
  readonly wantsTrailers: boolean
  /** TE is among the headers: Connection has to name it. */
  readonly sendsTe: boolean
}

/**
 * Writes the header section for the backend in one pass over what came: hop-by-hop fields, those that Connection names and
 * those that a client could forge are left out, then what we say ourselves is added, out of reach of `Connection: <name>`.
 * @param via our own entry for Via; undefined: send none.
 */
export function requestHead(
  request: IncomingMessage,
  { request: changes }: Allowed,
  backend: Backend,
  origin: ClientOrigin,
  via: string | undefined,
): RequestHead {
  const { rawHeaders } = request
  const { removeHeaders, setHeaders } = changes
  const named = namedByConnection(request.headers.connection)
  const translation = backend.requestTranslation
  const headers = ['Host', backend.hostHeader]
  let connectionBound = false
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    const { lower, request: rule } = headerName(name)
    if (rule === 'drop' || removeHeaders(lower) || named?.has(lower)) continue
    const value = rawHeaders[at + 1] as string
    if (rule === 'copy') headers.push(name, value)
    else if (rule === 'authorization') {
      if (isConnectionBound(value)) connectionBound = true
      headers.push(name, value)
    } else headers.push(name, translation === undefined ? value : translation.toBackend(value))
  }
  if (changes.cookie !== undefined) headers.push('Cookie', changes.cookie)
  headers.push('X-Forwarded-For', origin.forwardedFor, 'X-Forwarded-Proto', origin.scheme)
  headers.push(...backend.forwardedHeaders)
  if (via !== undefined) headers.push('Via', viaOf(request, origin, via))
  for (const name in setHeaders) headers.push(name, setHeaders[name] as string)
  const te = request.headers['te'] as string | undefined
  // only where trailers are all it asks for: we cannot decode what else it offers
  const sendsTe = te !== undefined && te.trim().toLowerCase() === 'trailers'
  if (sendsTe) headers.push('TE', 'trailers')
  return { headers, connectionBound, wantsTrailers: te !== undefined && TRAILERS.test(te), sendsTe }
}

const TRAILERS = /(?:^|,)[ \t]*trailers[ \t]*(?:,|;|$)/i

function viaOf(request: IncomingMessage, origin: ClientOrigin, via: string): string {
  const ours = `${request.httpVersion} ${via}`
  const before = origin.trusted ? request.headers.via : undefined
  return before === undefined ? ours : `${before}, ${ours}`
}
