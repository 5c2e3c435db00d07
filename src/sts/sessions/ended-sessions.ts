/** A session that has ended, or everything that was issued to a person before an instant. */
export type EndedEntry = { readonly sid: string } | { readonly upn: string; readonly before: Date }

/** What the edge has to know: sessions that ended while tokens of theirs may still be valid. */
export interface EndedSessions {
  /** Grows with every entry and never goes back, not even over a restart. */
  readonly number: number
  entries(now: Date): EndedEntry[]
  isEnded(token: { sid?: string | undefined; upn?: string | undefined; issuedAt: Date }): boolean
  /** @returns a function that ends the listening. */
  onEnded(listener: (entry: EndedEntry) => void): () => void
}
