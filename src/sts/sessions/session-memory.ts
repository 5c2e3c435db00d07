import type { SsoSession } from './sso-session.ts'

/** Sessions kept in memory by the hash of their secret; a bounded number, the longest unchanged go first. */
export interface SessionMemory {
  get(secretHash: string): SsoSession | undefined
  find(sid: string): SsoSession | undefined
  set(secretHash: string, session: SsoSession): void
  delete(sid: string): void
}

/** @param limit how many are kept; one takes about 700 bytes. */
export function createSessionMemory(limit = 50_000): SessionMemory {
  const sessions = new Map<string, SsoSession>()
  const secretHashes = new Map<string, string>()

  function remove(sid: string): void {
    const secretHash = secretHashes.get(sid)
    if (secretHash === undefined) return
    secretHashes.delete(sid)
    sessions.delete(secretHash)
  }

  return {
    get: (secretHash) => sessions.get(secretHash),
    find(sid) {
      const secretHash = secretHashes.get(sid)
      return secretHash === undefined ? undefined : sessions.get(secretHash)
    },
    set(secretHash, session) {
      remove(session.sid)
      if (secretHashes.size >= limit) {
        const [oldest] = secretHashes.keys()
        if (oldest !== undefined) remove(oldest)
      }
      sessions.set(secretHash, session)
      secretHashes.set(session.sid, secretHash)
    },
    delete: remove,
  }
}
