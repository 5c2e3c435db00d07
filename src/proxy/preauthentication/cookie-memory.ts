/** What was made of a Cookie header, remembered by the header itself. */
export interface CookieMemory<T> {
  get(header: string): T | undefined
  set(header: string, value: T): void
}

/**
 * A browser sends the same Cookie header again and again: what was deciphered of it is kept, within bounds. There are two
 * generations; when the young one is full it becomes the old one, whose unused half is forgotten with it. So what is in
 * use stays, and neither a look-up nor forgetting ever walks through what is kept.
 * @param bounds of one generation; a header longer than `longest` is not kept.
 */
export function createCookieMemory<T>(
  bounds: { most: number; characters: number; longest: number } = {
    most: 4_000,
    characters: 4_000_000,
    longest: 8_192,
  },
): CookieMemory<T> {
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  let characters = 0

  function set(header: string, value: T): void {
    if (header.length > bounds.longest) return
    if (young.size >= bounds.most || characters + header.length > bounds.characters) {
      old = young
      young = new Map()
      characters = 0
    }
    if (!young.has(header)) characters += header.length
    young.set(header, value)
  }

  return {
    get(header) {
      const found = young.get(header)
      if (found !== undefined) return found
      const before = old.get(header)
      if (before !== undefined) set(header, before)
      return before
    },
    set,
  }
}
