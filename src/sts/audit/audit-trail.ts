import type { Database } from '../store/database.ts'

/** Something of interest to security, as it is kept and streamed. */
export interface AuditEvent {
  at: Date
  /** `sign-in`, `sign-in-refused`, `edge-token-issued`, `sign-out`, `lockout`, `administration`, `edge-refused` … */
  event: string
  who?: string | undefined
  what?: string | undefined
  /** Client address. */
  from?: string | undefined
  result: 'success' | 'failure'
  code?: string | undefined
  requestId?: string | undefined
  detail?: Readonly<Record<string, string | number>> | undefined
}

export interface RecordedAuditEvent extends AuditEvent {
  /** Grows with every event. */
  id: number
}

export interface AuditTrail {
  /** Resolves when the event is on disk; the answer to a client leaves after that. */
  record(event: AuditEvent): Promise<void>
  /** Newest first; `before` is an id. */
  list(options?: {
    limit?: number
    before?: number
    event?: string
    who?: string
    requestId?: string
  }): RecordedAuditEvent[]
}

export declare function createAuditTrail(options: {
  database: Database
  /** Called with one line of JSON, without its line feed, for each event that is on disk. */
  stream?: (line: string) => void
}): AuditTrail
