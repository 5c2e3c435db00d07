import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  Allowed,
  PlainRequest,
  Preauthentication,
  Preauthenticator,
} from './preauthentication/preauthentication.ts'
import { createPreauthenticator, type PreauthenticatorOptions } from './preauthentication/preauthenticator.ts'

/** What the adapter reads of an Express request. */
export interface ExpressRequest extends IncomingMessage {
  originalUrl?: string
  /** Express's own, which heed its `trust proxy` setting. */
  readonly protocol?: string
  readonly ip?: string | undefined
  app?: { get(name: string): unknown }
  /** Set by the adapter: who this is and which application it is for. */
  preauthentication?: Allowed
}

export type ExpressPreauth = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Preauthentication as Express middleware, for an application that stands on the internet itself. It answers what needs
 * an answer, and hands on requests that are let in: forgeable headers gone, identity headers set, our cookies cut out of
 * Cookie, `request.preauthentication` telling who it is. Put it before everything else, at the root.
 * @param options as for `createPreauthenticator`, or a preauthenticator that is there already.
 * @throws {TypeError} and ProxyError as `createPreauthenticator`.
 */
export function expressPreauth(options: PreauthenticatorOptions | Preauthenticator): ExpressPreauth {
  const preauthenticate = typeof options === 'function' ? options : createPreauthenticator(options)
  return (request, response, next) => {
    let decision: Preauthentication | Promise<Preauthentication>
    try {
      decision = preauthenticate(plainRequest(request))
    } catch (error) {
      next(error)
      return
    }
    if (decision instanceof Promise) decision.then((decided) => carryOut(decided, request, response, next)).catch(next)
    else carryOut(decision, request, response, next)
  }
}

function plainRequest(request: ExpressRequest): PlainRequest {
  const { rawHeaders, headers, socket } = request
  // Node keeps the first of several Host lines; which one others read is anybody's guess, so none of them counts.
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  const encrypted = 'encrypted' in socket && socket.encrypted === true
  return {
    method: request.method ?? 'GET',
    scheme:
      request.protocol === undefined ? (encrypted ? 'https' : 'http') : request.protocol === 'https' ? 'https' : 'http',
    host: hosts.length === 1 ? (headers.host ?? '') : '',
    target: request.originalUrl ?? request.url ?? '/',
    headers,
    clientAddress: request.ip ?? socket.remoteAddress ?? '',
    requestId: randomUUID(),
  }
}

function carryOut(
  decision: Preauthentication,
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  if (decision.kind === 'respond') {
    const { status, headers, body } = decision
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string | string[])
    response.setHeader('Content-Length', Buffer.byteLength(body))
    response.statusCode = status
    response.end(body)
    // What the client still sends is read and dropped: closing on it would reset the connection before it has our answer.
    request.resume()
    return
  }
  const { target, cookie, setHeaders, removeHeaders } = decision.request
  const believed = comesFromTrustedProxy(request) ? /^x-forwarded-(?:for|proto|host|port)$/ : undefined
  const kept: string[] = []
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? ''
    const lower = name.toLowerCase()
    if (removeHeaders(lower) && believed?.test(lower) !== true) delete request.headers[lower]
    else kept.push(name, request.rawHeaders[at + 1] ?? '')
  }
  const added = cookie === undefined ? setHeaders : { ...setHeaders, Cookie: cookie }
  for (const [name, value] of Object.entries(added)) {
    request.headers[name.toLowerCase()] = value
    kept.push(name, value)
  }
  request.rawHeaders = kept
  // Routers go by the address as it was judged; under a mount point Express has cut it already, and keeps the rest.
  if (request.url === request.originalUrl || request.originalUrl === undefined) request.url = target
  request.preauthentication = decision
  for (const line of decision.response.setCookies) response.appendHeader('Set-Cookie', line)
  next()
}

/** Whether Express itself believes the X-Forwarded-* of this peer. */
function comesFromTrustedProxy({ app, socket }: ExpressRequest): boolean {
  const trusts: unknown = app?.get('trust proxy fn')
  return typeof trusts === 'function' && trusts(socket.remoteAddress, 0) === true
}
