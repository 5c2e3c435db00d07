import { addressKey } from '../../people/client-address.ts'

/** Counts refused tickets per client address, so that nobody keeps the library and the audit trail busy with bad ones. */
export interface RefusedTries {
  /** Whether an address has used up its tries for now. */
  tooMany(address: string, now: Date): boolean
  refused(address: string, now: Date): void
}

/** Tries in one window; people behind one terminal server share an address. */
const most = 20
/** Milliseconds from the first refused try until an address begins anew. */
const window = 60_000
const mostAddresses = 4096

export function createRefusedTries(): RefusedTries {
  const tries = new Map<string, { count: number; since: number }>()
  const current = (key: string, now: Date) => {
    const entry = tries.get(key)
    // Clocks are set back: a window that began in the future is none.
    return entry !== undefined && Math.abs(now.getTime() - entry.since) < window ? entry : undefined
  }
  return {
    tooMany: (address, now) => (current(addressKey(address), now)?.count ?? 0) >= most,
    refused(address, now) {
      const key = addressKey(address)
      const entry = current(key, now)
      if (entry !== undefined) {
        entry.count += 1
        return
      }
      tries.delete(key)
      tries.set(key, { count: 1, since: now.getTime() })
      const [oldest] = tries.keys()
      if (tries.size > mostAddresses && oldest !== undefined) tries.delete(oldest)
    },
  }
}
