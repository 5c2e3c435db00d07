import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { type KeyRing, keysFor } from './derived-keys.ts'

/**
 * The request id of a round trip. It looks like the GUID that AD FS repeats in the answer, and tells us whether we made
 * it, when, and the how-manieth attempt in a row it is:
 *
 *     random (3 bytes) | attempt (1) | seconds since 1970 (4) | HMAC-SHA256 of these and of the host, cut to 8 bytes
 */
export interface RequestId {
  /** Upper-case GUID. */
  readonly text: string
  readonly attempt: number
  readonly issuedAt: Date
}

const macKey = keysFor('gatehouse round trip request id 1')

/**
 * Makes a request id.
 * @param attempt 1 for a round trip of its own, one more than the last one's where its answer came without our cookie.
 */
export function issueRequestId(
  keys: KeyRing,
  { host, attempt, now }: { host: string; attempt: number; now: Date },
): RequestId {
  const [key] = keys()
  if (key === undefined) throw new TypeError('the ring of cookie keys is empty')
  const head = Buffer.alloc(8)
  randomBytes(3).copy(head)
  head.writeUInt8(Math.min(attempt, 255), 3)
  head.writeUInt32BE(Math.floor(now.getTime() / 1000) >>> 0, 4)
  return readBytes(Buffer.concat([head, mac(macKey(key), head, host)]))
}

/**
 * Reads a request id that came back, in upper or lower case.
 * @returns undefined for one that we did not make for this host.
 */
export function readRequestId(text: string | undefined, keys: KeyRing, host: string): RequestId | undefined {
  if (text === undefined || !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  const head = bytes.subarray(0, 8)
  const ours = keys().some((key) => timingSafeEqual(mac(macKey(key), head, host), bytes.subarray(8)))
  return ours ? readBytes(bytes) : undefined
}

function mac(key: Parameters<typeof createHmac>[1], head: Uint8Array, host: string): Buffer {
  return createHmac('sha256', key).update(head).update(host).digest().subarray(0, 8)
}

function readBytes(bytes: Buffer): RequestId {
  const hex = bytes.toString('hex').toUpperCase()
  const text = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  return { text, attempt: bytes.readUInt8(3), issuedAt: new Date(bytes.readUInt32BE(4) * 1000) }
}
