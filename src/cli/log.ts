/**
 * The one log: JSON lines by pino. Cookies, Authorization, passwords and tokens are taken out here, on the finished
 * line, so that no caller can forget to: neither in a field, nor in an address, nor in the text of an error.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

const withheld = '[withheld]'

// A key that holds a secret, whatever is in it: a text or a list of texts.
const secretKey =
  /("(?:set-cookie|cookie|(?:proxy-)?authorization|password|passphrase|secret|masterkey|authtoken|token)":)(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi
// authToken in an address, plain or percent-encoded inside another one. A backslash ends it: the line is JSON.
const tokenParameter = /(authtoken(?:=|%(?:25)*3d))[^&"\s\\]*/gi
// A JWS or a combo token by its first characters, `{"` in base64url, wherever it stands.
const token = /eyJ[\w-]{12,}(?:\.[\w-]*)*/g

const suspicious = /eyJ|authtoken|(?:cookie|authorization|password|passphrase|secret|masterkey|token)":/i

/**
 * Takes what must not be logged out of a line.
 * @param line a line of JSON.
 */
export function redact(line: string): string {
  // Most lines hold nothing of the kind: what they cost is this one search.
  if (!suspicious.test(line)) return line
  return line.replace(secretKey, `$1"${withheld}"`).replace(tokenParameter, `$1${withheld}`).replace(token, withheld)
}

export interface LogOptions {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** A stream of the process, or where lines go instead. */
  destination: 'stderr' | 'stdout' | DestinationStream
}

/**
 * Opens the log.
 * @returns the logger; `flush` writes out what is buffered.
 */
export function createLog(options: LogOptions): Logger {
  const { level, destination: where } = options
  const sink = typeof where === 'string' ? processStream(where) : where
  const redacting: DestinationStream & { flush?: (done?: (error?: Error) => void) => void } = {
    write: (line: string) => void sink.write(redact(line)),
  }
  if ('flushSync' in sink && typeof sink.flushSync === 'function') {
    const flushSync = sink.flushSync.bind(sink)
    redacting.flush = (done) => {
      flushSync()
      done?.()
    }
  }
  return pino(
    { level, base: { pid: process.pid }, timestamp: createTimestamp(), formatters: { level: levelName } },
    redacting,
  )
}

/** The time of a line as ISO 8601; many lines share a millisecond, and its text. */
function createTimestamp(): () => string {
  let instant = Number.NaN
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== instant) {
      instant = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

const levelName = (level: string) => ({ level })

function processStream(name: 'stderr' | 'stdout'): DestinationStream {
  // Collected and written at most every 200 ms: an access line per request must not cost a system call each.
  const stream = destination({ dest: name === 'stderr' ? 2 : 1, sync: false, minLength: 8192, periodicFlush: 200 })
  // Whoever reads the log may go away; the server stays.
  stream.on('error', () => {})
  return stream
}
