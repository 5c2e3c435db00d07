/** Those who want to hear of a change. */
export interface Listeners<Event> {
  /** @returns a function that ends the listening. */
  add(listener: (event: Event) => void): () => void
  /** Tells all of them, even when one throws; the first thing thrown is thrown again when all were told. */
  tell(event: Event): void
}

export function createListeners<Event>(): Listeners<Event> {
  const listeners = new Set<{ hear: (event: Event) => void }>()
  return {
    add(hear) {
      const listener = { hear }
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(event) {
      const thrown: unknown[] = []
      for (const { hear } of [...listeners]) {
        try {
          hear(event)
        } catch (error) {
          thrown.push(error)
        }
      }
      if (thrown.length > 0) throw thrown[0]
    },
  }
}
