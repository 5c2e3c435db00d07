import { connect, type LookupFunction } from 'node:net'
import { KerberosError } from '../kerberos-error.ts'
import { type KdcAddress, kdcAddressText } from './kdc-address.ts'

/**
 * A ticket with the groups of a person is at most 64 KiB on Windows (MaxTokenSize 65,535); the answer carries one ticket,
 * so this is several times what an honest KDC sends.
 */
export const LARGEST_ANSWER = 256 * 1024

/**
 * Sends one request to one KDC over a TCP connection of its own and waits for the answer. Both are preceded by their
 * length (RFC 4120 §7.2.2).
 * @param lookup how host names become addresses.
 * @param signal ends the wait; its reason is what the promise then rejects with.
 * @throws {KerberosError} `kdc-unreachable` where there is no connection or it ends early; `malformed` for an answer that
 * is empty, too large or longer than it says.
 */
export function exchangeWithKdc(
  address: KdcAddress,
  request: Uint8Array,
  { lookup, signal }: { lookup?: LookupFunction | undefined; signal: AbortSignal },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const socket = connect({ ...address, noDelay: true, ...(lookup === undefined ? {} : { lookup }) })
    const pieces: Buffer[] = []
    let have = 0
    let expected = -1
    let over = false
    const finish = (settle: () => void) => {
      over = true
      signal.removeEventListener('abort', aborted)
      socket.destroy()
      settle()
    }
    const aborted = () => finish(() => reject(signal.reason))
    const malformed = (what: string) =>
      finish(() => reject(new KerberosError('malformed', `the KDC at ${kdcAddressText(address)} ${what}`)))
    signal.addEventListener('abort', aborted, { once: true })
    socket.on('data', (piece) => {
      pieces.push(piece)
      have += piece.length
      if (expected < 0 && have >= 4) {
        expected = (pieces.length === 1 ? piece : joined(pieces)).readUInt32BE()
        // The highest bit is reserved for extensions, so that is too large as well.
        if (expected === 0 || expected > LARGEST_ANSWER) {
          return malformed(`announces an answer of ${expected} octets, 1 to ${LARGEST_ANSWER} expected`)
        }
      }
      if (expected < 0 || have < expected + 4) return
      if (have > expected + 4) return malformed('sends more than the answer')
      finish(() => resolve(joined(pieces).subarray(4)))
    })
    const lost = (cause: Error | undefined) => {
      if (over) return
      const why = cause === undefined ? 'closed the connection before its answer was complete' : reasonOf(cause)
      const message = `the KDC at ${kdcAddressText(address)} ${why}`
      finish(() => reject(new KerberosError('kdc-unreachable', message, cause === undefined ? {} : { cause })))
    }
    socket.on('error', lost)
    socket.on('close', () => lost(undefined))

    const framed = Buffer.allocUnsafe(4 + request.length)
    framed.writeUInt32BE(request.length)
    framed.set(request, 4)
    socket.write(framed)
  })
}

/** The pieces as one, and from then on the only piece. */
function joined(pieces: Buffer[]): Buffer {
  if (pieces.length > 1) pieces.splice(0, pieces.length, Buffer.concat(pieces))
  return pieces[0] as Buffer
}

function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  switch (code) {
    case 'ECONNREFUSED':
      return 'refuses the connection: nothing listens there'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'has a name that does not resolve'
    default:
      return `cannot be talked to (${code ?? error.name})`
  }
}
