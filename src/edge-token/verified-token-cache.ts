/**
 * Tokens whose signature was found good, with what was read from them, so that it need not be checked again. Nothing
 * else is saved by it: time, trust, resource and delegation are judged each time.
 */
export interface VerifiedTokenCache<Content> {
  /** What was remembered of exactly this token and has not ended by `now` (seconds since 1970). */
  find(token: string, now: number): Content | undefined
  /** Remembers a token until it ends (seconds since 1970), or until newer ones need the room. */
  remember(token: string, content: Content, end: number): void
}

interface Entry<Content> {
  token: string
  content: Content
  end: number
}

/** Enough of the signature to tell tokens apart; the whole token is compared as well. Short keys are hashed quickly. */
const KEY_LENGTH = 32

/**
 * Opens a cache of two generations: where the younger one is full it becomes the older one, and what was not asked for in
 * between is gone. So no entry needs to be moved when it is found.
 * @param most entries and characters of tokens in one generation; it holds up to twice as much.
 */
export function createVerifiedTokenCache<Content>(
  most: { entries: number; characters: number } = { entries: 4_096, characters: 8_388_608 },
): VerifiedTokenCache<Content> {
  let young = new Map<string, Entry<Content>>()
  let old = new Map<string, Entry<Content>>()
  let characters = 0

  function keep(key: string, entry: Entry<Content>): void {
    characters += entry.token.length
    if (young.size >= most.entries || characters > most.characters) {
      old = young
      young = new Map()
      characters = entry.token.length
    }
    young.set(key, entry)
  }

  return {
    find(token, now) {
      if (typeof token !== 'string') return undefined
      const key = token.slice(-KEY_LENGTH)
      const fresh = young.get(key)
      const entry = fresh ?? old.get(key)
      if (entry === undefined || entry.token !== token) return undefined
      if (!(now < entry.end)) {
        young.delete(key)
        old.delete(key)
        return undefined
      }
      if (fresh === undefined) keep(key, entry)
      return entry.content
    },
    remember(token, content, end) {
      // A copy: what came as a piece of a header would keep the whole header in memory.
      keep(token.slice(-KEY_LENGTH), { token: Buffer.from(token, 'latin1').toString('latin1'), content, end })
    },
  }
}
