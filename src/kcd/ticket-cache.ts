/** Least recently used goes first: the tickets and what is made from them, bounded in number, each until near its end. */
export interface TicketCache<T extends { readonly usableUntil: number }> {
  /** @param now milliseconds since 1970 by the KDC's clock. */
  get(key: string, now: number): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
  /** Forgets every entry that the condition holds for. */
  deleteWhere(condition: (value: T) => boolean): void
  clear(): void
  readonly size: number
}

/** @param most entries that are kept. */
export function createTicketCache<T extends { readonly usableUntil: number }>(most: number): TicketCache<T> {
  const entries = new Map<string, T>()
  return {
    get: (key, now) => {
      const value = entries.get(key)
      if (value === undefined) return undefined
      entries.delete(key)
      if (value.usableUntil <= now) return undefined
      // A Map keeps the order of insertion: the one used last stands at the end.
      entries.set(key, value)
      return value
    },
    set: (key, value) => {
      entries.delete(key)
      if (entries.size >= most) {
        const [oldest] = entries.keys()
        if (oldest !== undefined) entries.delete(oldest)
      }
      entries.set(key, value)
    },
    delete: (key) => {
      entries.delete(key)
    },
    deleteWhere: (condition) => {
      for (const [key, value] of entries) if (condition(value)) entries.delete(key)
    },
    clear: () => entries.clear(),
    get size() {
      return entries.size
    },
  }
}

/** The longest time before its end, in milliseconds, that a ticket is not used any more: the backend's clock may be ahead. */
const LONGEST_MARGIN = 120_000

/** Until when a ticket may be used: shortly before its end, a tenth of its life at most. */
export function usableUntil({ startsAt, endsAt }: { readonly startsAt: Date; readonly endsAt: Date }): number {
  const end = endsAt.getTime()
  return end - Math.min(LONGEST_MARGIN, (end - startsAt.getTime()) / 10)
}
