import type { EndedSessionsView, SessionQuestion } from '../federation-service.ts'

/** An answer that goes on: a WebSocket or an event stream. */
export interface OpenStream {
  /** Whose it is; undefined for one that nobody had to sign in for. */
  readonly session: SessionQuestion | undefined
  /** Ends it in the way of its protocol, because its session ended or because the proxy stops. */
  end(why: 'session-ended' | 'going-away'): void
}

/**
 * The answers that go on for longer than a request: they live on when only the access cookie expires, and are ended at
 * once when their session is.
 */
export class OpenStreams {
  readonly #endedSessions: Pick<EndedSessionsView, 'isEnded' | 'onEnded'>
  readonly #all = new Set<OpenStream>()
  readonly #bySession = new Map<string, Set<OpenStream>>()
  readonly #stop: () => void

  constructor(endedSessions: Pick<EndedSessionsView, 'isEnded' | 'onEnded'>) {
    this.#endedSessions = endedSessions
    this.#stop = endedSessions.onEnded(({ sid }) => {
      if (sid === undefined) this.#endWhereEnded(this.#all)
      else this.#endWhereEnded(this.#bySession.get(sid) ?? [])
    })
  }

  get size(): number {
    return this.#all.size
  }

  /** How many are open for a session. */
  sizeOf(sid: string): number {
    return this.#bySession.get(sid)?.size ?? 0
  }

  /** Keeps a stream until `remove`. One whose session ended while it was being opened is ended here. */
  add(stream: OpenStream): void {
    this.#all.add(stream)
    const sid = stream.session?.sid
    if (sid !== undefined) {
      const streams = this.#bySession.get(sid)
      if (streams === undefined) this.#bySession.set(sid, new Set([stream]))
      else streams.add(stream)
    }
    this.#endWhereEnded([stream])
  }

  remove(stream: OpenStream): void {
    this.#all.delete(stream)
    const sid = stream.session?.sid
    if (sid === undefined) return
    const streams = this.#bySession.get(sid)
    streams?.delete(stream)
    if (streams?.size === 0) this.#bySession.delete(sid)
  }

  /** Ends all of them: the proxy stops. */
  close(): void {
    this.#stop()
    for (const stream of [...this.#all]) stream.end('going-away')
  }

  #endWhereEnded(streams: Iterable<OpenStream>): void {
    for (const stream of [...streams])
      if (stream.session !== undefined && this.#endedSessions.isEnded(stream.session)) stream.end('session-ended')
  }
}
