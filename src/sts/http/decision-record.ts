import type { AuditEvent, AuditTrail } from '../audit/audit-trail.ts'
import type { Transaction } from '../store/transaction.ts'
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

/** Writes decisions down. */
export interface DecisionRecord {
  /** Resolves when the decision is on disk, and only then may the answer leave. */
  (request: DecisionRequest, decision: Decision): Promise<void>
  /** The same as part of a transaction of the caller's. */
  within(transaction: Transaction, request: DecisionRequest, decision: Decision): void
}

const mostCharacters = 256

/** One audit event and one log line per decision. Nothing in either is a token, a cookie or a password. */
export function createDecisionRecord({
  audit,
  log,
}: {
  audit: Pick<AuditTrail, 'record' | 'within'>
  log: Log
}): DecisionRecord {
  const record = async (request: DecisionRequest, decision: Decision) => {
    await audit.record(auditEvent(request, decision))
    log.info(logFields(request, decision), decision.event)
  }
  const within: DecisionRecord['within'] = (transaction, request, decision) => {
    audit.within.record(transaction, auditEvent(request, decision))
    transaction.onCommit(() => log.info(logFields(request, decision), decision.event))
  }
  return Object.assign(record, { within })
}

function auditEvent({ now, clientAddress, requestId }: DecisionRequest, decision: Decision): AuditEvent {
  return { at: now, from: clientAddress, requestId, ...bounded(decision) }
}

function logFields({ clientAddress, requestId }: DecisionRequest, decision: Decision): object {
  return { clientAddress, requestId, ...bounded(decision) }
}

function bounded(decision: Decision): Decision {
  const { who, what } = decision
  return { ...decision, who: who?.slice(0, mostCharacters), what: what?.slice(0, mostCharacters) }
}
