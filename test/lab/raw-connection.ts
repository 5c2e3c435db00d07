/** Bytes as an attacker writes them: sent on a bare socket, with every answer that comes back taken apart. */
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface RawAnswer {
  readonly status: number
  /** Header lines in the order they came, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  header(name: string): string | undefined
}

export interface RawExchange {
  readonly answers: readonly RawAnswer[]
  /** Everything that came, for messages of failing tests. */
  readonly received: Buffer
  /** Whether the server ended the connection, by itself or because we were done writing. */
  readonly closed: boolean
  readonly milliseconds: number
}

export interface RawOptions {
  readonly port: number
  /** Server name for TLS; plain when absent. */
  readonly servername?: string
  readonly ca?: string
  /** The number of whole answers after which the exchange is over; default 1. */
  readonly answers?: number
  /** Longest wait in milliseconds for the server to answer or to close; default 5,000. */
  readonly patience?: number
}

/** Sends the bytes on one connection and collects what comes back, until the answers are complete or the server closes. */
export function exchangeRaw(bytes: Uint8Array, options: RawOptions): Promise<RawExchange> {
  const { port, servername, ca, answers = 1, patience = 5_000 } = options
  const began = performance.now()
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    const socket =
      servername === undefined
        ? connectPlain({ port, host: '127.0.0.1' })
        : connectTls({ port, host: '127.0.0.1', servername, ...(ca !== undefined && { ca }) })
    const finish = (closed: boolean) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.destroy()
      const received = Buffer.concat(pieces)
      resolve({ answers: parseAnswers(received), received, closed, milliseconds: performance.now() - began })
    }
    const timer = setTimeout(() => finish(false), patience)
    socket.on(servername === undefined ? 'connect' : 'secureConnect', () => socket.write(bytes))
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece)
      if (parseAnswers(Buffer.concat(pieces)).filter(({ status }) => status >= 200 || status === 101).length >= answers)
        finish(false)
    })
    socket.on('error', () => finish(true))
    socket.on('close', () => finish(true))
  })
}

function parseAnswers(received: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = []
  let rest = received
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return answers
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1])
    if (!Number.isInteger(status)) return answers
    const headers = lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    })
    const header = (name: string) => headers.find(([key]) => key === name)?.[1]
    const after = rest.subarray(end + 4)
    const framed = bodyOf(status, header, after)
    if (framed === undefined) return answers
    answers.push({ status, headers, body: framed.body, header })
    rest = framed.rest
  }
}

function bodyOf(
  status: number,
  header: (name: string) => string | undefined,
  bytes: Buffer,
): { body: Buffer; rest: Buffer } | undefined {
  if (status < 200 || status === 204 || status === 304) return { body: Buffer.alloc(0), rest: bytes }
  if (header('transfer-encoding')?.toLowerCase() === 'chunked') return dechunk(bytes)
  const length = Number(header('content-length') ?? 0)
  return bytes.length < length ? undefined : { body: bytes.subarray(0, length), rest: bytes.subarray(length) }
}

function dechunk(bytes: Buffer): { body: Buffer; rest: Buffer } | undefined {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1) return undefined
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    const start = end + 2
    if (!Number.isInteger(size) || bytes.length < start + size + 2) return undefined
    if (size === 0) {
      const closing = bytes.indexOf('\r\n\r\n', end)
      return closing === -1 ? undefined : { body: Buffer.concat(pieces), rest: bytes.subarray(closing + 4) }
    }
    pieces.push(bytes.subarray(start, start + size))
    at = start + size + 2
  }
}
