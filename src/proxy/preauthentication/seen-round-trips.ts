import { SIGN_IN_LIFETIME } from './sign-in-cookie.ts'

/** More than come back within ten minutes anywhere; beyond twice as many the oldest are forgotten. */
const MOST_SEEN = 50_000

/**
 * Remembers which round trips have come back, for at least as long as their cookies could: a token is taken once. What
 * comes a second time is no error, it begins anew.
 * @returns a function that tells whether this is the first time.
 */
export function createSeenRoundTrips(): (requestId: string, now: Date) => boolean {
  let recent = new Set<string>()
  let earlier = new Set<string>()
  let since = 0
  return (requestId, now) => {
    const time = now.getTime()
    if (time - since > SIGN_IN_LIFETIME * 1000 || recent.size >= MOST_SEEN) {
      earlier = time - since > 2 * SIGN_IN_LIFETIME * 1000 ? new Set() : recent
      recent = new Set()
      since = time
    }
    if (recent.has(requestId) || earlier.has(requestId)) return false
    recent.add(requestId)
    return true
  }
}
