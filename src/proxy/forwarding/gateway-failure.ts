/** Why a request that was let through got no answer from its backend. */
export type GatewayFailureCode =
  | 'backend-unreachable' // no such name, no connection
  | 'backend-certificate' // its certificate is not trusted, expired or for another name
  | 'backend-timeout' // nothing moved for as long as the application allows
  | 'backend-closed' // it hung up before or within its answer
  | 'backend-answer' // what it sent is no HTTP/1.1, or has a header that must not be passed on
  | 'client-timeout' // the client stopped sending its body
  | 'request-refused' // what the client sent cannot be passed on
  | 'too-many-connections'
  | 'loop' // the request has been here before
  | 'closing'
  | 'internal' // a fault of ours
  | 'audit' // the event could not be written down, so nothing happens
  | 'kerberos-person' // the KDC gives no ticket for this person
  | 'kerberos-service' // the KDC does not know the service, or does not let this proxy delegate to it
  | 'kerberos-unavailable' // no KDC answers, or our own account cannot be used
  | 'kerberos-rejected' // the backend takes no ticket
  | 'kerberos-forbidden' // the backend knows the person and refuses
  | 'kerberos-unproved' // the backend does not prove that it is the service

/** A failure as a value: `message` is for the log alone, it names inner addresses. */
export interface GatewayFailure {
  readonly status: 400 | 403 | 408 | 500 | 501 | 502 | 503 | 504 | 508
  readonly code: GatewayFailureCode
  readonly message: string
  /** The event number of Windows' Web Application Proxy for it. */
  readonly wapEvent?: number
}

/** Errors of ours that a sender raises. */
export class ForwardingError extends Error {
  override readonly name = 'ForwardingError'
  readonly code: GatewayFailureCode

  constructor(code: GatewayFailureCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Reads an error of undici, node:http, node:net or node:tls. */
export function gatewayFailure(error: unknown): GatewayFailure {
  const { code = '', message = String(error) } = error as { code?: string; message?: string }
  if (error instanceof ForwardingError) return byCode(error.code, message)
  if (TIMEOUTS.has(code)) return byCode('backend-timeout', message || code)
  if (UNREACHABLE.has(code)) return byCode('backend-unreachable', message || code)
  if (isCertificateError(code)) return byCode('backend-certificate', message || code)
  if (code === 'UND_ERR_INVALID_ARG' || code === 'ERR_INVALID_CHAR') return byCode('request-refused', message)
  if (code.startsWith('HPE_') || INVALID_ANSWERS.has(code)) return byCode('backend-answer', `${code} ${message}`)
  return byCode('backend-closed', message || code)
}

function byCode(code: GatewayFailureCode, message: string): GatewayFailure {
  switch (code) {
    case 'backend-unreachable':
      return { status: 502, code, message, wapEvent: 13006 }
    case 'backend-certificate':
      return { status: 502, code, message, wapEvent: 13001 }
    case 'backend-timeout':
      return { status: 504, code, message, wapEvent: 13007 }
    case 'request-refused':
      return { status: 400, code, message }
    case 'client-timeout':
      return { status: 408, code, message }
    case 'too-many-connections':
    case 'closing':
    case 'audit':
      return { status: 503, code, message }
    case 'loop':
      return { status: 508, code, message }
    default:
      return { status: 502, code, message }
  }
}

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EADDRNOTAVAIL',
  'EMFILE',
])
const INVALID_ANSWERS = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ERR_HTTP_INVALID_HEADER_VALUE',
  'ERR_HTTP_INVALID_STATUS_CODE',
])

/** OpenSSL's verification errors come as codes of their own, without a common prefix. */
function isCertificateError(code: string): boolean {
  return (
    code === 'ERR_TLS_CERT_ALTNAME_INVALID' ||
    code.startsWith('CERT_') ||
    code.startsWith('UNABLE_TO_') ||
    code.startsWith('ERR_SSL_') ||
    code.endsWith('_SELF_SIGNED_CERT') ||
    code.startsWith('SELF_SIGNED_CERT') ||
    code.startsWith('DEPTH_ZERO_') ||
    code === 'HOSTNAME_MISMATCH' ||
    code === 'INVALID_CA' ||
    code === 'INVALID_PURPOSE'
  )
}
