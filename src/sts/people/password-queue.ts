/**
 * The line in front of the password check. A check is made to be slow, so what arrives is bounded: two at a time, 32
 * places to wait in, at most four of them for one address and one for one person, and half of them only for those who
 * come from a familiar place. Whoever finds no place is told when to come again. One person's attempts run one after
 * the other, so that the count of failures is right before the next one starts.
 */
export interface QueueTicket {
  /** Whose password is tried, as it is compared. A familiar and an unknown place of one person are two. */
  person: string
  address: string
  familiar: boolean
}

export type QueueOutcome<T> =
  | { kind: 'done'; value: T }
  | { kind: 'busy' /** Seconds, at least 1. */; retryAfter: number }

export interface PasswordQueue {
  /** Does the work when its turn comes, or answers `busy` at once. Rejects when the work does. */
  enter<T>(ticket: QueueTicket, work: () => Promise<T>): Promise<QueueOutcome<T>>
  /** Milliseconds that a check takes, as seen lately. */
  typicalDuration(): number
}

const atOnce = 2
const places = 32
const placesForUnknown = places / 2
const placesPerAddress = 4

interface Waiting {
  ticket: QueueTicket
  key: string
  start: () => void
}

export function createPasswordQueue(): PasswordQueue {
  const running = new Set<string>()
  let waiting: Waiting[] = []
  let typical = 25

  function mayStart(key: string): boolean {
    return running.size < atOnce && !running.has(key)
  }

  function hasPlace(key: string, { address, familiar }: QueueTicket): boolean {
    if (waiting.length >= places) return false
    if (!familiar && waiting.filter(({ ticket }) => !ticket.familiar).length >= placesForUnknown) return false
    if (waiting.filter(({ ticket }) => ticket.address === address).length >= placesPerAddress) return false
    return !waiting.some((other) => other.key === key)
  }

  async function run<T>(key: string, work: () => Promise<T>): Promise<QueueOutcome<T>> {
    running.add(key)
    const started = performance.now()
    try {
      return { kind: 'done', value: await work() }
    } finally {
      typical += (performance.now() - started - typical) / 8
      running.delete(key)
      startNext()
    }
  }

  function startNext(): void {
    const next = waiting.find(({ key }) => mayStart(key))
    if (next === undefined) return
    waiting = waiting.filter((other) => other !== next)
    // taken here and not when the promise goes on, so that nobody slips in between
    running.add(next.key)
    next.start()
  }

  return {
    async enter(ticket, work) {
      const key = `${ticket.familiar ? 'familiar' : 'unknown'} ${ticket.person}`
      if (!mayStart(key)) {
        if (!hasPlace(key, ticket)) {
          const ahead = (waiting.length + running.size) / atOnce
          return { kind: 'busy', retryAfter: Math.max(1, Math.ceil((ahead * typical) / 1000)) }
        }
        await new Promise<void>((start) => waiting.push({ ticket, key, start }))
      }
      return run(key, work)
    },
    typicalDuration: () => typical,
  }
}
