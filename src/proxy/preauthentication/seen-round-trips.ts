import { SIGN_IN_LIFETIME } from './sign-in-cookie.ts'

/** More than come back within ten minutes anywhere; beyond it the oldest are forgotten. */
const MOST_SEEN = 100_000

/**
 * Remembers which round trips have come back, for as long as their cookies could: a token is taken once. What comes a
 * second time is no error, it begins anew.
 * @returns a function that tells whether this is the first time.
 */
export function createSeenRoundTrips(): (requestId: string, now: Date) => boolean {
  const seen = new Map<string, number>()
  return (requestId, now) => {
    const time = now.getTime()
    for (const [oldest, at] of seen) {
      if (time - at <= SIGN_IN_LIFETIME * 1000 && seen.size < MOST_SEEN) break
      seen.delete(oldest)
    }
    if (seen.has(requestId)) return false
    seen.set(requestId, time)
    return true
  }
}
