/**
 * The audit trail: security events in a table of their own and, line by line, in a stream. An event is on disk when
 * `record` resolves, and the answer that it is about leaves after that; events in flight share a commit. Nothing that
 * came from outside can break a line or move a terminal's cursor: see `auditLine`.
 */
import type { Selectable } from 'kysely'
import { compiledOnce } from '../store/compiled-once.ts'
import type { Database } from '../store/database.ts'
import type { AuditEventsTable } from '../store/schema.ts'
import type { Transaction } from '../store/transaction.ts'
import type { AuditEvent, RecordedAuditEvent } from './audit-event.ts'
import { auditLine } from './audit-line.ts'

export type { AuditEvent, RecordedAuditEvent }

export interface AuditTrail {
  /**
   * Resolves when the event is on disk; the answer to a client leaves after that.
   * @throws {StsError} `store-unusable`, `store-closed`: then the answer must not leave.
   */
  record(event: AuditEvent): Promise<void>
  /** The same as part of a transaction of the caller's: what it does and the event are on disk together, or neither. */
  readonly within: { record(transaction: Transaction, event: AuditEvent): void }
  /** Newest first; `before` is an id, `limit` defaults to 100. */
  list(filter?: AuditFilter): RecordedAuditEvent[]
}

export interface AuditFilter {
  limit?: number | undefined
  before?: number | undefined
  event?: string | undefined
  who?: string | undefined
  requestId?: string | undefined
}

/**
 * Opens the trail of a database.
 * @param options.stream is called with one line of JSON, without its line feed, for each event that is on disk.
 */
export function createAuditTrail(options: {
  database: Database
  stream?: ((line: string) => void) | undefined
}): AuditTrail {
  const { database, stream } = options
  const { query } = database
  const insert = compiledOnce(columns, (row: AuditRow) => query.insertInto('audit_events').values(row).returning('id'))
  const add = ({ run, onCommit }: Transaction, event: AuditEvent): void => {
    const row = rowOf(event)
    const [added] = run(insert(row))
    if (stream !== undefined && added !== undefined) {
      onCommit(() => stream(auditLine(eventOf({ ...row, id: added.id }))))
    }
  }
  return {
    record: (event) => database.write((run, onCommit) => add({ run, onCommit }, event)),
    within: { record: add },
    list({ limit = 100, before, event, who, requestId } = {}) {
      let events = query.selectFrom('audit_events').selectAll().orderBy('id', 'desc').limit(limit)
      if (before !== undefined) events = events.where('id', '<', before)
      if (event !== undefined) events = events.where('event', '=', event)
      if (who !== undefined) events = events.where('who', '=', who)
      if (requestId !== undefined) events = events.where('request_id', '=', requestId)
      return database.read(events).map(eventOf)
    },
  }
}

/** Characters of one value that are kept; what a client sends can be long. */
const longestValue = 2048

type AuditRow = Omit<Selectable<AuditEventsTable>, 'id'>

const columns = [
  'at',
  'event',
  'who',
  'what',
  'from_address',
  'result',
  'code',
  'request_id',
  'detail',
] as const satisfies readonly (keyof AuditRow)[]

function rowOf(event: AuditEvent): AuditRow {
  return {
    at: event.at.getTime(),
    event: event.event,
    who: bounded(event.who),
    what: bounded(event.what),
    from_address: bounded(event.from),
    result: event.result,
    code: bounded(event.code),
    request_id: bounded(event.requestId),
    detail: event.detail === undefined ? null : JSON.stringify(boundedDetail(event.detail)),
  }
}

function bounded(value: string | undefined): string | null {
  return value === undefined ? null : value.slice(0, longestValue).toWellFormed()
}

function boundedDetail(detail: NonNullable<AuditEvent['detail']>): Record<string, string | number | null> {
  const entries = Object.entries(detail)
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'string' ? bounded(value) : value]))
}

function eventOf(row: Selectable<AuditEventsTable>): RecordedAuditEvent {
  return {
    id: row.id,
    at: new Date(row.at),
    event: row.event,
    result: row.result,
    ...(row.who !== null && { who: row.who }),
    ...(row.what !== null && { what: row.what }),
    ...(row.from_address !== null && { from: row.from_address }),
    ...(row.code !== null && { code: row.code }),
    ...(row.request_id !== null && { requestId: row.request_id }),
    ...(row.detail !== null && { detail: JSON.parse(row.detail) as Record<string, string | number> }),
  }
}
