import type { IncomingMessage } from 'node:http'
import type { Outcome } from '../preauthentication/preauthentication.ts'
import type { PublishedApplication } from '../published-application.ts'
import type { GatewayFailure } from './gateway-failure.ts'

/** The part of pino's interface that is used here. */
export interface ProxyLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A line of the access log. No query is in it, so no token can be. */
export interface AccessLine {
  requestId: string
  from: string
  method: string
  host: string
  path: string
  status: number
  /** Milliseconds until the answer was handed to the network, whole or not. */
  ms: number
  decision?: string
  app?: string
  upn?: string
  code?: string
  wapEvent?: number
  detail?: string
  /** The client went away before the end of the answer. */
  aborted?: boolean
}

/** Longest path that is written down. */
const LONGEST_PATH = 1_024

export interface AccessFacts {
  readonly requestId: string
  readonly from: string
  readonly started: number
  readonly status: number
  readonly outcome?: Outcome | undefined
  readonly application?: PublishedApplication | undefined
  readonly failure?: GatewayFailure | undefined
  readonly aborted: boolean
}

/** Writes one line for one request: a warning where the answer is a failure of ours or of a backend. */
export function logAccess(log: ProxyLog, request: IncomingMessage, facts: AccessFacts): void {
  const { outcome, application, failure, status } = facts
  const line: AccessLine = {
    requestId: facts.requestId,
    from: facts.from,
    method: request.method ?? '',
    host: request.headers.host ?? '',
    path: pathOf(request.url ?? ''),
    status,
    ms: Math.round((performance.now() - facts.started) * 10) / 10,
  }
  if (outcome !== undefined) {
    line.decision = outcome.decision
    if (outcome.upn !== undefined) line.upn = outcome.upn
    if (outcome.code !== undefined) line.code = outcome.code
    if (outcome.wapEvent !== undefined) line.wapEvent = outcome.wapEvent
    if (outcome.message !== undefined) line.detail = outcome.message
  }
  if (application !== undefined) line.app = application.name
  if (facts.aborted) line.aborted = true
  if (failure === undefined) log.info(line, 'request')
  else {
    line.code = failure.code
    line.detail = failure.message
    if (failure.wapEvent !== undefined) line.wapEvent = failure.wapEvent
    log.warn(line, 'request')
  }
}

function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  return path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path
}
