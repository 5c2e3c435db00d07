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
