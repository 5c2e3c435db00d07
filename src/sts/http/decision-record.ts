import type { AuditTrail } from '../audit/audit-trail.ts'
import type { StsRequest } from './sts-request.ts'

/** A logger as pino's: fields first, then the message. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What was decided about a request. */
export interface Decision {
  /** `sign-in`, `sign-in-refused`, `lockout`, `edge-token-issued`, `edge-refused`, `sign-out`, `request-refused`. */
  readonly event: string
  readonly result: 'success' | 'failure'
  /** The person, as far as known; for a refused sign-in the name that was typed. */
  readonly who?: string | undefined
  /** The application or page that it was about. */
  readonly what?: string | undefined
  readonly code?: string | undefined
  readonly detail?: Readonly<Record<string, string | number>> | undefined
}

/** The parts of a request that go with each decision. */
export type DecisionRequest = Pick<StsRequest, 'clientAddress' | 'requestId' | 'now'>

/** Writes a decision down; resolves when it is on disk, and only then may the answer leave. */
export type DecisionRecord = (request: DecisionRequest, decision: Decision) => Promise<void>

const mostCharacters = 256

/** One audit event and one log line per decision. Nothing in either is a token, a cookie or a password. */
export function createDecisionRecord({ audit, log }: { audit: Pick<AuditTrail, 'record'>; log: Log }): DecisionRecord {
  return async ({ clientAddress, requestId, now }, { event, result, who, what, code, detail }) => {
    const fields = { who: who?.slice(0, mostCharacters), what: what?.slice(0, mostCharacters), code, requestId, detail }
    await audit.record({ at: now, event, result, from: clientAddress, ...fields })
    log.info({ event, result, clientAddress, ...fields }, event)
  }
}
