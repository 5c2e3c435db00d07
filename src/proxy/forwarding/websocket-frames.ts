import { randomBytes } from 'node:crypto'

/**
 * Follows the frames of one direction of a WebSocket (RFC 6455 §5.2) without looking into them: only where one ends and
 * the next may begin, because that is where a close frame of ours can be put between.
 */
export class FrameBoundary {
  readonly #header = new Uint8Array(14)
  #headerLength = 0
  #payload = 0

  /** Whether a frame of ours could begin here. */
  get clear(): boolean {
    return this.#payload === 0 && this.#headerLength === 0
  }

  /**
   * Follows `chunk`.
   * @param toBoundary stop at the first boundary.
   * @returns how many bytes were followed: all of them, or those up to the boundary.
   */
  follow(chunk: Uint8Array, toBoundary = false): number {
    let at = 0
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const skipped = Math.min(this.#payload, chunk.length - at)
        this.#payload -= skipped
        at += skipped
      } else {
        this.#header[this.#headerLength++] = chunk[at++] as number
        if (this.#headerLength === this.#headerSize()) {
          this.#payload = this.#payloadSize()
          this.#headerLength = 0
        }
      }
      if (toBoundary && this.clear) break
    }
    return at
  }

  #headerSize(): number {
    if (this.#headerLength < 2) return 2
    const second = this.#header[1] as number
    const length = second & 0x7f
    return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0)
  }

  #payloadSize(): number {
    const view = new DataView(this.#header.buffer)
    const length = (this.#header[1] as number) & 0x7f
    if (length === 126) return view.getUint16(2)
    return length === 127 ? view.getUint32(2) * 2 ** 32 + view.getUint32(6) : length
  }
}

/**
 * A close frame.
 * @param code a status of RFC 6455 §7.4.1: 1008 policy, 1001 going away.
 * @param masked as a client must send it (towards the backend), not as a server does.
 */
export function closeFrame(code: number, reason: string, masked: boolean): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  if (!masked) return Buffer.concat([Buffer.of(0x88, payload.length), payload])
  const mask = randomBytes(4)
  for (let at = 0; at < payload.length; at++) payload[at] = (payload[at] as number) ^ (mask[at % 4] as number)
  return Buffer.concat([Buffer.of(0x88, 0x80 | payload.length), mask, payload])
}
