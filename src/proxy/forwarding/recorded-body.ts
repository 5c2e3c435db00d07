import type { ClientRequest, IncomingMessage } from 'node:http'

/** Bytes of a body that are kept, so that a request whose ticket was refused can be sent once more. */
const MOST = 65_536

/**
 * The body of a request that may have to be sent twice: it goes out as it comes, no faster than the backend reads, and
 * as long as it is small it is remembered.
 */
export class RecordedBody {
  readonly #request: IncomingMessage
  #recorded: Buffer[] | undefined = []
  #size = 0
  #begun = false
  #ended = false
  #upstream: ClientRequest | undefined

  constructor(request: IncomingMessage) {
    this.#request = request
  }

  /** Whether all that has come so far could be sent again. */
  get replayable(): boolean {
    return this.#recorded !== undefined
  }

  /** Stops sending: what still comes waits for the next upstream. */
  hold(): void {
    this.#upstream = undefined
    if (!this.#ended) this.#request.pause()
  }

  /** Sends what has come, then the rest as it comes. */
  send(upstream: ClientRequest): void {
    const request = this.#request
    this.#upstream = upstream
    for (const chunk of this.#recorded ?? []) upstream.write(chunk)
    if (this.#ended) {
      upstream.end()
      return
    }
    upstream.on('drain', () => {
      if (this.#upstream === upstream) request.resume()
    })
    upstream.on('close', () => {
      if (this.#upstream !== upstream) return
      // the backend has answered early: the rest is read and dropped, so that the client's connection stays in step
      this.#upstream = undefined
      this.#recorded = undefined
      request.resume()
    })
    if (this.#begun) request.resume()
    else this.#begin()
  }

  #begin(): void {
    this.#begun = true
    this.#request.on('data', (chunk: Buffer) => {
      this.#record(chunk)
      if (this.#upstream?.write(chunk) === false) this.#request.pause()
    })
    this.#request.on('end', () => {
      this.#ended = true
      this.#upstream?.end()
    })
  }

  #record(chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > MOST) this.#recorded = undefined
    else this.#recorded?.push(chunk)
  }
}
