/**
 * What the edge has to know: sessions that ended while tokens of theirs may still be valid. An entry is a session, or a
 * person with everything that was issued before an instant, so that enabling an account again revives nothing. Entries
 * are on disk until the last token issued before them is dead; the list's number grows with each and never goes back.
 */
import { upnKey } from '../people/user-principal-name.ts'
import type { Database } from '../store/database.ts'
import { createListeners, type Listeners } from '../store/listeners.ts'
import type { Run, Transaction } from '../store/transaction.ts'

/** A session that has ended, or everything that was issued to a person (UPN in lower case) before an instant. */
export type EndedEntry = { readonly sid: string } | { readonly upn: string; readonly before: Date }

export interface EndedSessions {
  /** Grows with every entry and never goes back, not even over a restart. */
  readonly number: number
  /** Those whose tokens may still be alive. */
  entries(now: Date): EndedEntry[]
  /**
   * Tells whether what was issued in a session, or to a person, has ended with it.
   * @param token.issuedAt whole seconds, as `iat`. What was issued in the very second in which a person's sessions
   * ended counts as ended by its `sid` alone, so that a sign-in right after a password change lives.
   */
  isEnded(token: { sid?: string | undefined; upn?: string | undefined; issuedAt: Date }): boolean
  /** @returns a function that ends the listening. */
  onEnded(listener: (entry: EndedEntry) => void): () => void
}

/** The list as the session store writes to it. */
export interface EndedSessionsList extends EndedSessions {
  add(transaction: Transaction, entries: readonly EndedEntry[], now: Date): void
  /** Where a person stands in the list: the entry's number, and the instant before which everything has ended. */
  entryOf(run: Run, upn: string): { number: number; before: Date } | undefined
}

/** Milliseconds: the longest edge token (24 h) and ten minutes for clocks that are apart. */
export const keptFor = 86_400_000 + 600_000

const numberSetting = 'ended-sessions-number'

/** Opens the list of a database. @param options.now instant of the opening: what is older than it need be is dropped. */
export function openEndedSessions({ database, now }: { database: Database; now: Date }): EndedSessionsList {
  const { query } = database
  const listeners: Listeners<EndedEntry> = createListeners()
  /** When each ended, oldest first, in milliseconds. */
  const sessions = new Map<string, number>()
  const people = new Map<string, { before: number; endedAt: number }>()
  let number = 0

  function remember(entry: EndedEntry, endedAt: number): void {
    if ('sid' in entry) sessions.set(entry.sid, endedAt)
    else {
      people.delete(entry.upn)
      people.set(entry.upn, { before: entry.before.getTime(), endedAt })
    }
  }

  function forget(before: number): void {
    for (const [sid, endedAt] of sessions) {
      if (endedAt >= before) break
      sessions.delete(sid)
    }
    for (const [upn, { endedAt }] of people) {
      if (endedAt >= before) break
      people.delete(upn)
    }
  }

  function storedNumber(run: Run): number {
    const [row] = run(query.selectFrom('settings').select('value').where('name', '=', numberSetting))
    return Number(row?.value ?? 0)
  }

  number = storedNumber(database.read)
  const living = query
    .selectFrom('ended_sessions')
    .selectAll()
    .where('ended_at', '>=', now.getTime() - keptFor)
  for (const { sid, upn_key, before, ended_at } of database.read(living.orderBy('number'))) {
    if (sid !== null) remember({ sid }, ended_at)
    else if (upn_key !== null && before !== null) remember({ upn: upn_key, before: new Date(before) }, ended_at)
  }

  return {
    get number() {
      return number
    },
    entries(now) {
      forget(now.getTime() - keptFor)
      return [
        ...[...sessions.keys()].map((sid) => ({ sid })),
        ...[...people].map(([upn, { before }]) => ({ upn, before: new Date(before) })),
      ]
    },
    isEnded({ sid, upn, issuedAt }) {
      if (sid !== undefined && sessions.has(sid)) return true
      if (upn === undefined || people.size === 0) return false
      const person = people.get(upnKey(upn))
      return person !== undefined && issuedAt.getTime() < person.before
    },
    onEnded: (listener) => listeners.add(listener),
    add({ run, onCommit }, entries, now) {
      const endedAt = now.getTime()
      run(query.deleteFrom('ended_sessions').where('ended_at', '<', endedAt - keptFor))
      let last = storedNumber(run)
      for (const entry of entries) {
        last += 1
        if (!('sid' in entry)) run(query.deleteFrom('ended_sessions').where('upn_key', '=', entry.upn))
        const what =
          'sid' in entry
            ? { sid: entry.sid, upn_key: null, before: null }
            : { sid: null, upn_key: entry.upn, before: entry.before.getTime() }
        run(query.insertInto('ended_sessions').values({ number: last, ended_at: endedAt, ...what }))
      }
      const value = String(last)
      run(
        query
          .insertInto('settings')
          .values({ name: numberSetting, value })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ value })),
      )
      onCommit(() => {
        forget(endedAt - keptFor)
        for (const entry of entries) remember(entry, endedAt)
        number = last
        for (const entry of entries) listeners.tell(entry)
      })
    },
    entryOf(run, upn) {
      const entries = query.selectFrom('ended_sessions').select(['number', 'before'])
      const [row] = run(entries.where('upn_key', '=', upnKey(upn)).orderBy('number', 'desc').limit(1))
      return row && { number: row.number, before: new Date(row.before ?? 0) }
    },
  }
}
