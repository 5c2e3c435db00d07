/**
 * The administration API: every operation of `operations.ts` as `POST /operations/<name>` with JSON in and out, on a Unix
 * socket (0600, so that the file system says who may) and, where configured, on a loopback address with a bearer token.
 * A page in a browser cannot reach it: it checks `Host`, takes `application/json` alone, which no form can send and no
 * script without asking first, refuses whatever has an `Origin`, and never answers CORS.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { userInfo } from 'node:os'
import { parseStrictJson } from '../../edge-token/strict-json.ts'
import { CliError } from '../cli-error.ts'
import { exitCodeOf } from '../exit-code.ts'
import type { Gatehouse } from '../gatehouse.ts'
import { isBearer, readBearerToken } from './bearer-token.ts'
import { type AdministrationEndpoint, administrationEndpoints, socketHost } from './endpoint.ts'
import { healthOf } from './health.ts'
import { type AdministrationAnswer, operationPath, operatorHeader } from './message.ts'
import type { Operator } from './operation.ts'
import { isOperationName, operate } from './operations.ts'

const bodyLimit = 262_144

export interface AdministrationServer {
  readonly endpoints: readonly AdministrationEndpoint[]
  /** Stops accepting, finishes what is in flight, removes the socket. */
  close(): Promise<void>
}

/**
 * Opens every door that the configuration names.
 * @throws {CliError} `listen`, `file`, `not-permitted`
 */
export async function openAdministration(gatehouse: Gatehouse): Promise<AdministrationServer> {
  const opened: { server: Server; endpoint: AdministrationEndpoint }[] = []
  const close = async () => {
    await Promise.all(
      opened.map(
        ({ server }) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            server.closeIdleConnections()
          }),
      ),
    )
  }
  try {
    for (const endpoint of administrationEndpoints(gatehouse.configuration)) {
      opened.push(await openDoor(gatehouse, endpoint))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { endpoints: opened.map(({ endpoint }) => endpoint), close }
}

async function openDoor(
  gatehouse: Gatehouse,
  endpoint: AdministrationEndpoint,
): Promise<{ server: Server; endpoint: AdministrationEndpoint }> {
  const door = endpoint.kind === 'socket' ? socketDoor() : addressDoor(endpoint)
  const server = createServer(
    { maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 30_000, keepAlive: false },
    (request, response) => {
      void answer(gatehouse, door, request, response)
    },
  )
  server.maxConnections = 64
  if (endpoint.kind === 'socket') {
    await listenOnSocket(server, endpoint.path)
    return { server, endpoint }
  }
  await listen(server, { host: endpoint.address, port: endpoint.port }, `${endpoint.address} port ${endpoint.port}`)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : endpoint.port
  door.host = hostOf(endpoint.address, port)
  return { server, endpoint: { ...endpoint, port } }
}

interface Door {
  host: string
  /** Undefined: nobody but the owner of the socket gets here. */
  readonly token: string | undefined
  operator(request: IncomingMessage): Operator
}

function socketDoor(): Door {
  return {
    host: socketHost,
    token: undefined,
    operator: (request) => ({ who: namedOperator(request) ?? userInfo().username, from: 'socket' }),
  }
}

function addressDoor(endpoint: Extract<AdministrationEndpoint, { kind: 'address' }>): Door {
  return {
    host: hostOf(endpoint.address, endpoint.port),
    token: readBearerToken(endpoint.tokenFile, { create: true }),
    operator: (request) => ({
      who: namedOperator(request) ?? 'bearer token',
      from: request.socket.remoteAddress ?? '',
    }),
  }
}

const hostOf = (address: string, port: number) => `${address.includes(':') ? `[${address}]` : address}:${port}`

function namedOperator(request: IncomingMessage): string | undefined {
  const header = request.headers[operatorHeader]
  if (typeof header !== 'string' || header.length > 1000) return undefined
  try {
    const name = decodeURIComponent(header)
    return /^[^\p{C}]{1,256}$/u.test(name) ? name : undefined
  } catch {
    return undefined
  }
}

// The server holds the lock of the data folder, so a socket that is there already is one that a dead server left.
async function listenOnSocket(server: Server, path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket())
      throw new CliError('listen', `${path} is there and is not a socket; it is left alone`)
    unlinkSync(path)
  } catch (cause) {
    if (cause instanceof CliError || (cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
  const mask = process.umask(0o177)
  try {
    // Bound before `listen` returns, so nothing else is made under this mask.
    const listening = listen(server, { path }, path)
    process.umask(mask)
    await listening
  } finally {
    process.umask(mask)
  }
  chmodSync(path, 0o600)
}

function listen(server: Server, where: { path: string } | { host: string; port: number }, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'it is in use' : (cause.code ?? cause.message)
      reject(new CliError('listen', `the administration cannot listen on ${name}: ${why}`, { cause }))
    })
    server.listen(where, () => {
      server.removeAllListeners('error')
      server.on('error', () => {})
      resolve()
    })
  })
}

async function answer(
  gatehouse: Gatehouse,
  door: Door,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const health = healthOf(gatehouse, request.method, request.url)
    if (health !== undefined && request.headers.host?.toLowerCase() === door.host) {
      const headers = { 'content-type': 'text/plain', 'cache-control': 'no-store', connection: 'close' }
      response.writeHead(health.status, headers).end(request.method === 'HEAD' ? '' : health.text)
      return
    }
    const refusal = refuse(door, request)
    if (refusal !== undefined)
      return send(response, refusal.status, {
        error: { name: 'CliError', code: refusal.code, message: refusal.message },
      })
    const name = decodeURIComponent((request.url ?? '').slice(operationPath.length))
    if (!isOperationName(name)) throw new CliError('unknown-operation', 'there is no such operation')
    const input = await readJson(request)
    const result = await operate(gatehouse, name, input as never, door.operator(request))
    send(response, 200, { result: result ?? null })
  } catch (error) {
    const { status, message } = describe(gatehouse, error)
    send(response, status, { error: message })
  }
}

interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

// Before a byte of the body is read.
function refuse(door: Door, request: IncomingMessage): Refusal | undefined {
  const { headers, rawHeaders } = request
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
  const usage = (status: number, message: string): Refusal => ({ status, code: 'usage', message })
  if (hosts !== 1) return usage(400, 'expected one Host line')
  if (headers.host?.toLowerCase() !== door.host) return usage(421, 'this is not the name of the administration')
  if (headers.origin !== undefined) return { status: 403, code: 'not-permitted', message: 'not for browsers' }
  if (door.token !== undefined && !isBearer(headers.authorization, door.token)) {
    return { status: 401, code: 'not-permitted', message: 'the bearer token is missing or wrong' }
  }
  if (!(request.url ?? '').startsWith(operationPath) || !/^[\w./-]{1,100}$/.test(request.url ?? '')) {
    return usage(404, `operations are at ${operationPath}<name>`)
  }
  if (request.method !== 'POST') return usage(405, 'operations are called by POST')
  if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(headers['content-type'] ?? ''))
    return usage(415, 'expected application/json')
  if (headers['content-encoding'] !== undefined) return usage(415, 'expected a body without content encoding')
  if (Number(headers['content-length'] ?? 0) > bodyLimit) return usage(413, `expected at most ${bodyLimit} bytes`)
  return undefined
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bodyLimit) throw new CliError('usage', `expected at most ${bodyLimit} bytes`)
    chunks.push(chunk)
  }
  try {
    return parseStrictJson(Buffer.concat(chunks))
  } catch (cause) {
    throw new CliError('usage', `the body ${cause instanceof Error ? cause.message : 'is not JSON'}`, { cause })
  }
}

function describe(
  gatehouse: Gatehouse,
  error: unknown,
): { status: number; message: { name: string; code: string; message: string } } {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const status = { 0: 200, 1: 500, 2: 400, 3: 404, 4: 409, 5: 503, 6: 403 }[exitCodeOf(code)]
  // An error of ours has a name and a code of ours; anything else is a fault, told to the log and not to the caller.
  if (error instanceof Error && code !== undefined && /^(?:Cli|Sts|Proxy|EdgeToken|Listener)Error$/.test(error.name)) {
    return { status, message: { name: error.name, code, message: error.message } }
  }
  gatehouse.log.error({ err: error }, 'an operation of the administration failed')
  return {
    status: 500,
    message: { name: 'Error', code: 'internal', message: 'the operation failed; the log says why' },
  }
}

function send(response: ServerResponse, status: number, answer: AdministrationAnswer): void {
  if (response.headersSent || response.destroyed) return
  const body = JSON.stringify(answer)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(status === 405 ? { allow: 'POST' } : {}),
  })
  response.end(body)
}
