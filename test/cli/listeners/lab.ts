import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect as connectPlain, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import { type Listeners, type ListenersOptions, openListeners } from '../../../src/cli/listeners/listener.ts'
import type { Site } from '../../../src/cli/listeners/site.ts'

/** A log that keeps its lines. */
export function keptLog() {
  const lines: { level: string; message: string; [field: string]: unknown }[] = []
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ ...fields, level, message })
  }
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  return { log, lines, refusals: () => lines.filter(({ message }) => message === 'request refused') }
}

/** A site that says which request reached it, and remembers it. */
export function echoSite(names: readonly string[], more: Partial<Site> = {}) {
  const hosts = new Set(names)
  const reached: string[] = []
  const site: Site = {
    hosts: () => [...hosts],
    serves: (host) => hosts.has(host),
    handle(request: IncomingMessage, response: ServerResponse) {
      reached.push(`${request.method} ${request.headers.host} ${request.url}`)
      request.resume()
      request.on('end', () => response.end(`${names[0]} ${request.method} ${request.url}`))
    },
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer) {
      reached.push(`UPGRADE ${request.headers.host} ${request.url}`)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
      if (head.length > 0) socket.write(head)
      socket.pipe(socket)
    },
    ...more,
  }
  return { site, hosts, reached }
}

/** Opens listeners that close with the test. */
export async function open(t: Test, options: Omit<ListenersOptions, 'log'> & Partial<ListenersOptions>) {
  const kept = keptLog()
  const listeners: Listeners = await openListeners({ log: kept.log, ...options })
  t.teardown(() => listeners.close({ deadline: 0 }))
  const ports = listeners.addresses.map(({ port }) => port)
  return { listeners, port: ports[0] ?? 0, ports, ...kept }
}

export const plain = (port: number): Socket => connectPlain(port, '127.0.0.1')

/** A TLS connection that takes any certificate, as a client that wants to get through does. */
export const tls = (port: number, servername: string, more: object = {}): TLSSocket =>
  connectTls({ host: '127.0.0.1', port, servername, rejectUnauthorized: false, ...more })

/** Sends bytes and gives what comes back until `until` matches or the connection ends. */
export function exchange(socket: Socket, bytes: string | Buffer, until?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const done = () => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (until?.test(answer)) done()
    })
    socket.on('error', done)
    socket.on('close', done)
    socket.write(bytes)
  })
}

export const get = (host: string, path = '/') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
export const status = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)
