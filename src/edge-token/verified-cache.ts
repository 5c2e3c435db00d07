/**
 * Tokens and cookies that were found genuine, with what was read from them, so that signature or seal need not be checked
 * again. Nothing else is saved by it: time, trust, resource and delegation are judged each time.
 *
 * Most edge tokens are seen once and never again. So at first sight a text leaves only a mark, and what comes a second time
 * is kept.
 */
export interface VerifiedCache<Content> {
  /** What was kept of exactly this text and has not ended by `now`, in the unit that it was remembered with. */
  find(text: string, now: number): Content | undefined
  /** Marks a text, or keeps it where it was marked before: until it ends, or until newer ones need the room. */
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
  const wasMarked = createMarks()
  let young = new Map<string, Entry<Content>>()
  let old = new Map<string, Entry<Content>>()
  let characters = 0

  function keep(key: string, entry: Entry<Content>): void {
    characters += entry.text.length
    if (young.size >= most.entries || characters > most.characters) {
      old = young
      young = new Map()
      characters = entry.text.length
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
      if (!wasMarked(text)) return
      // A copy: what came as a piece of a header would keep the whole header in memory.
      keep(text.slice(-KEY_LENGTH), { text: Buffer.from(text, 'latin1').toString('latin1'), content, end })
    },
  }
}

const PLACES = 32_768

/**
 * Marks of what was seen lately: hashes (FNV-1a of the end of a text) in pairs of places, the later one first. A mark that
 * was overwritten, or is that of another text, does no harm: it only decides whether something is worth keeping.
 * @returns a function that tells whether a text was marked, and marks it.
 */
function createMarks(): (text: string) => boolean {
  const marks = new Int32Array(PLACES)
  return (text) => {
    let hash = 0x811c9dc5
    for (let at = Math.max(0, text.length - KEY_LENGTH); at < text.length; at++) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    }
    // FNV leaves the low bits, which choose the place, poorly mixed.
    hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995)
    hash ^= hash >>> 15
    const later = hash & (PLACES - 2)
    const earlier = later + 1
    if (marks[later] === hash || marks[earlier] === hash) return true
    marks[earlier] = marks[later] ?? 0
    marks[later] = hash
    return false
  }
}
