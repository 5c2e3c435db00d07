import { randomUUID } from 'node:crypto'

const guid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Whether a text has the shape of a GUID, in either case of its letters. */
export function isGuid(text: string): boolean {
  return guid.test(text)
}

/**
 * The id that this request goes by in page, log, audit trail and token: the one that came with it where it is
 * GUID-shaped (kept as it was written, the proxy compares it), otherwise a new one in upper case, as AD FS makes them.
 */
export function requestIdFrom(given: string | undefined): string {
  return given !== undefined && isGuid(given) ? given : randomUUID().toUpperCase()
}
