import type { IncomingMessage } from 'node:http'
import { ForwardingError, type GatewayFailure, gatewayFailure } from './gateway-failure.ts'
import type { NodeRequest } from './node-sender.ts'
import type { RequestHead } from './request-headers.ts'

/** What the parser lets pass but must not be passed on (RFC 9112 §6.1). */
export function framingProblem({
  headers,
  httpVersion,
  upgrade,
}: IncomingMessage & { upgrade?: boolean }): GatewayFailure | undefined {
  const coding = headers['transfer-encoding']
  if (upgrade === true && (coding !== undefined || Number(headers['content-length'] ?? 0) > 0))
    return gatewayFailure(new ForwardingError('request-refused', 'an upgrade with a body'))
  if (coding === undefined) return undefined
  if (httpVersion === '1.0')
    return gatewayFailure(new ForwardingError('request-refused', 'a transfer coding in HTTP/1.0'))
  if (coding.trim().toLowerCase() === 'chunked') return undefined
  return { status: 501, code: 'request-refused', message: `transfer coding ${coding}` }
}

/** A header that says where the body ends. */
export type Framing = readonly [name: string, value: string]

/** How the body is framed towards the backend: by the length the client said, or in chunks; undefined: there is none. */
export function bodyFraming({ headers }: IncomingMessage): Framing | undefined {
  if (headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked']
  const length = headers['content-length']
  return length === undefined || /^0+$/.test(length) ? undefined : ['Content-Length', length]
}

const WITHOUT_LENGTH = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/** The request for node:http, framed anew. */
export function nodeRequest(
  method: string,
  target: string,
  head: RequestHead,
  framing: Framing | undefined,
  expectContinue: boolean,
): NodeRequest {
  const { headers } = head
  if (framing !== undefined) headers.push(...framing)
  else if (!WITHOUT_LENGTH.has(method)) headers.push('Content-Length', '0')
  if (head.sendsTe) headers.push('Connection', 'keep-alive, TE')
  const expects = expectContinue && framing !== undefined
  if (expects) headers.push('Expect', '100-continue')
  return { method, target, headers, expectContinue: expects, hasBody: framing !== undefined }
}
