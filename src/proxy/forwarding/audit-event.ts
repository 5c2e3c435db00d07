import type { Preauthentication } from '../preauthentication/preauthentication.ts'
import type { Visit } from './visit.ts'

/** A security event of the proxy, as the audit trail takes it. */
export interface ProxyAuditEvent {
  at: Date
  event: string
  who?: string
  what?: string
  from?: string
  result: 'success' | 'failure'
  code?: string
  requestId?: string
  detail?: Record<string, string | number>
}

/** The event that a decision is. */
export function auditEvent(
  { requestId, origin }: Visit,
  { kind, outcome, application }: Preauthentication,
): ProxyAuditEvent {
  const success = kind === 'allow' || outcome.decision === 'signed-in' || outcome.decision === 'renewal'
  return {
    at: new Date(),
    event: `edge-${outcome.decision}`,
    from: origin.address,
    result: success ? 'success' : 'failure',
    requestId,
    ...(outcome.upn === undefined ? {} : { who: outcome.upn }),
    ...(application === undefined ? {} : { what: application.name }),
    ...(outcome.code === undefined ? {} : { code: outcome.code }),
    ...(outcome.wapEvent === undefined ? {} : { detail: { wapEvent: outcome.wapEvent } }),
  }
}
