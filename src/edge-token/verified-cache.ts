/**
 * Tokens and cookies that were found genuine, with what was read from them, so that signature or seal need not be checked
 * again. Nothing else is saved by it: time, trust, resource and delegation are judged each time.
 *
 * Most edge tokens are seen once and never again. So at first sight only the end of a text is noted, and what comes a
 * second time is kept.
 */
export interface VerifiedCache<Content> {
  /** What was kept of exactly this text and has not ended by `now`, in the unit that it was remembered with. */
  find(text: string, now: number): Content | undefined
  /** Notes a text, or keeps it where it was noted before: until it ends, or until newer ones need the room. */
  remember(text: string, content: Content, end: number): void
}

interface Entry<Content> {
  text: string
  content: Content
  end: number
}

/**
 * Enough of a signature to tell texts apart; the whole of it is compared as well. Short keys are hashed quickly, and so
 * short a piece is a text of its own for V8, which does not keep the whole in memory.
 */
const KEY_LENGTH = 12

/**
 * Opens a cache of two generations: where the younger one is full it becomes the older one, and what was not asked for in
 * between is gone. So no entry needs to be moved when it is found.
 * @param most entries and characters of texts in one generation; it holds up to twice as much.
 */
export function createVerifiedCache<Content>(
  most: { entries: number; characters: number } = { entries: 8_192, characters: 8_388_608 },
): VerifiedCache<Content> {
  /** An entry, or undefined for a text that was noted. */
  let young = new Map<string, Entry<Content> | undefined>()
  let old = new Map<string, Entry<Content> | undefined>()
  let characters = 0

  function keep(key: string, entry: Entry<Content> | undefined): void {
    const length = entry?.text.length ?? 0
    characters += length
    if (young.size >= most.entries || characters > most.characters) {
      old = young
      young = new Map()
      characters = length
    }
    young.set(key, entry)
  }

  return {
    find(text, now) {
      if (typeof text !== 'string') return undefined
      const key = text.slice(-KEY_LENGTH)
      const fresh = young.get(key)
      const entry = fresh ?? old.get(key)
      if (entry === undefined || entry.text !== text) return undefined
      if (!(now < entry.end)) {
        young.delete(key)
        old.delete(key)
        return undefined
      }
      if (fresh === undefined) keep(key, entry)
      return entry.content
    },
    remember(text, content, end) {
      const key = text.slice(-KEY_LENGTH)
      const isNoted = young.has(key) || old.has(key)
      // A copy: what came as a piece of a header would keep the whole header in memory.
      keep(key, isNoted ? { text: Buffer.from(text, 'latin1').toString('latin1'), content, end } : undefined)
    },
  }
}
