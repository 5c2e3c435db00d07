import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { buildConnector, Client } from 'undici'
import { tlsServerEndPoint } from '../../kcd/spnego/channel-binding.ts'
import type { Backend } from './backend.ts'
import { type BackendConnections, CONNECT_TIMEOUT, KEEP_ALIVE, MAX_HEADER_BYTES } from './backend-connections.ts'
import { ForwardingError } from './gateway-failure.ts'

/**
 * Connections that a backend may take for one person's, so nobody else's request may ever come by them: a set for each
 * person and application, apart from the pools of all other requests. One connection is one socket: when it ends, so does
 * what was made of it, and no request that trusts in who the connection belongs to can slip onto a new one.
 */
export interface DelegatedConnection {
  readonly socket: Socket
  /** Application data of the channel binding, behind TLS. */
  readonly channelBinding: Buffer | undefined
  /** For requests without a body, or undefined. */
  readonly client: Client | undefined
  /** For all others and upgrades, or undefined. */
  readonly agent: HttpAgent | undefined
  /** A request has gone over it before. */
  used: boolean
  /** The backend knows whose connection this is and wants to be told no more. */
  keepsPerson: boolean
  /** It may be used by the next request of the person. */
  release(): void
  /** Ends it, whatever is under way. */
  discard(): void
}

export type ConnectionKind = 'client' | 'agent'

interface People {
  readonly key: string
  readonly person: string
  readonly open: Set<Connection>
  /** The one used last stands at the end. */
  readonly idle: Connection[]
  readonly waiting: Waiting[]
  opening: number
}

interface Waiting {
  readonly kind: ConnectionKind
  readonly resolve: (connection: Connection | Promise<Connection>) => void
  readonly timer: NodeJS.Timeout
}

export interface DelegatedConnectionLimits {
  /** Connections of one person to one application. Default: 64. */
  readonly perPerson?: number | undefined
  /** Connections of all. Default: 8192. */
  readonly total?: number | undefined
}

/** The connections of a proxy to its Kerberos backends. */
export class DelegatedConnections {
  readonly #connections: BackendConnections
  readonly #perPerson: number
  readonly #total: number
  readonly #people = new Map<string, People>()
  /** In the order in which they became idle. */
  readonly #idle = new Set<Connection>()
  readonly #connectors = new Map<string, buildConnector.connector>()
  #open = 0
  #closed = false

  constructor(connections: BackendConnections, { perPerson = 64, total = 8_192 }: DelegatedConnectionLimits = {}) {
    this.#connections = connections
    this.#perPerson = perPerson
    this.#total = total
  }

  get size(): number {
    return this.#open
  }

  /**
   * A connection of this person alone, at once where one is idle.
   * @param options.brandNew not one that was used before.
   * @throws {ForwardingError} `too-many-connections`, as a rejection; and what connecting fails with.
   */
  acquire(
    backend: Backend,
    person: string,
    kind: ConnectionKind,
    options: { brandNew?: boolean } = {},
  ): Connection | Promise<Connection> {
    const key = `${backend.application.id}\n${backend.connectionKey}\n${person}`
    let people = this.#people.get(key)
    if (people === undefined) {
      people = { key, person, open: new Set(), idle: [], waiting: [], opening: 0 }
      this.#people.set(key, people)
    }
    const found = options.brandNew === true ? undefined : this.#takeIdle(people, kind)
    if (found !== undefined) return found
    if (people.open.size + people.opening >= this.#perPerson) {
      const oldest = people.idle[0]
      // of the other kind, or doubted
      if (oldest === undefined) return this.#wait(people, backend, kind)
      oldest.discard()
    }
    return this.#openFor(people, backend, kind)
  }

  /** A connection for one upgrade; it is in no set and ends with what it carries. */
  async open(backend: Backend): Promise<Connection> {
    this.#makeRoom()
    return this.#connect(backend, 'agent', undefined)
  }

  /** Ends what is idle of a person; what is under way ends with its request. */
  forget(belongsTo: (person: string) => boolean): void {
    for (const people of this.#people.values()) {
      if (!belongsTo(people.person)) continue
      for (const connection of [...people.open]) connection.retire()
    }
  }

  /** Cuts off everything. */
  close(): void {
    this.#closed = true
    for (const people of this.#people.values()) for (const connection of [...people.open]) connection.discard()
  }

  #takeIdle(people: People, kind: ConnectionKind): Connection | undefined {
    for (let at = people.idle.length - 1; at >= 0; at--) {
      const connection = people.idle[at] as Connection
      if (connection.kind !== kind) continue
      people.idle.splice(at, 1)
      this.#idle.delete(connection)
      if (!connection.socket.destroyed && !connection.socket.readableEnded) {
        connection.busy = true
        return connection
      }
      connection.discard()
    }
    return undefined
  }

  #wait(people: People, backend: Backend, kind: ConnectionKind): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        people.waiting.splice(people.waiting.indexOf(waiting), 1)
        reject(new ForwardingError('too-many-connections', `${this.#perPerson} requests of this person are under way`))
      }, backend.inactivity)
      const waiting: Waiting = { kind, resolve, timer: timer.unref() }
      people.waiting.push(waiting)
    })
  }

  async #openFor(people: People, backend: Backend, kind: ConnectionKind): Promise<Connection> {
    people.opening++
    try {
      this.#makeRoom()
      const connection = await this.#connect(backend, kind, people)
      people.open.add(connection)
      return connection
    } finally {
      people.opening--
      this.#tidy(people)
    }
  }

  #makeRoom(): void {
    if (this.#open < this.#total) return
    const [oldest] = this.#idle
    if (oldest === undefined)
      throw new ForwardingError('too-many-connections', `${this.#total} connections to Kerberos backends are under way`)
    oldest.discard()
  }

  async #connect(backend: Backend, kind: ConnectionKind, people: People | undefined): Promise<Connection> {
    this.#open++
    let socket: Socket
    try {
      socket = await this.#openSocket(backend)
    } catch (error) {
      this.#open--
      throw error
    }
    const connection = new Connection(
      socket,
      backend,
      kind,
      (ready) => people !== undefined && this.#free(people, ready),
    )
    socket.once('close', () => {
      this.#open--
      connection.discard()
      this.#idle.delete(connection)
      if (people === undefined) return
      people.open.delete(connection)
      const at = people.idle.indexOf(connection)
      if (at >= 0) people.idle.splice(at, 1)
      this.#serve(people, backend)
    })
    if (this.#closed) connection.discard()
    return connection
  }

  #openSocket(backend: Backend): Promise<Socket> {
    let connector = this.#connectors.get(backend.connectionKey)
    if (connector === undefined) {
      const options = {
        ...this.#connections.connectOptions(backend),
        timeout: CONNECT_TIMEOUT,
        allowH2: false,
        // a resumed session shows no certificate, so there would be nothing to bind a token to
        maxCachedSessions: 0,
      }
      connector = buildConnector(options as buildConnector.BuildOptions)
      if (this.#connectors.size >= MOST_CONNECTORS) this.#connectors.clear()
      this.#connectors.set(backend.connectionKey, connector)
    }
    const { hostname, port, secure } = backend
    const to = {
      hostname,
      host: hostname,
      port: String(port),
      protocol: secure ? 'https:' : 'http:',
      servername: hostname,
    }
    return new Promise((resolve, reject) =>
      connector(to, (error, socket) => (error === null ? resolve(socket) : reject(error))),
    )
  }

  #free(people: People, connection: Connection): void {
    const at = people.waiting.findIndex(({ kind }) => kind === connection.kind)
    if (at >= 0) {
      const [next] = people.waiting.splice(at, 1) as [Waiting]
      clearTimeout(next.timer)
      connection.busy = true
      next.resolve(connection)
      return
    }
    people.idle.push(connection)
    this.#idle.add(connection)
    // those who wait need the other kind
    if (people.waiting.length > 0) connection.discard()
  }

  /** A place is free: whoever waits longest gets a connection of its own. */
  #serve(people: People, backend: Backend): void {
    const next = people.waiting.shift()
    if (next !== undefined) {
      clearTimeout(next.timer)
      next.resolve(this.#openFor(people, backend, next.kind))
    } else this.#tidy(people)
  }

  #tidy(people: People): void {
    if (people.open.size === 0 && people.opening === 0 && people.waiting.length === 0) this.#people.delete(people.key)
  }
}

const MOST_CONNECTORS = 4_096

/** An error of a request that was never sent, because its connection had ended before. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded'
  readonly code = 'ECONNRESET'
}

class Connection implements DelegatedConnection {
  readonly socket: Socket
  readonly kind: ConnectionKind
  readonly channelBinding: Buffer | undefined
  readonly client: Client | undefined
  readonly agent: HttpAgent | undefined
  used = false
  keepsPerson = false
  /** A request has it. */
  busy = true
  readonly #freed: (connection: Connection) => void
  #retired = false
  #over = false

  constructor(socket: Socket, backend: Backend, kind: ConnectionKind, freed: (connection: Connection) => void) {
    this.socket = socket
    this.kind = kind
    this.#freed = freed
    this.channelBinding = bindingOf(socket)
    let given = false
    const once = (): Socket | undefined => {
      if (given || socket.destroyed) return undefined
      given = true
      return socket
    }
    if (kind === 'client') this.client = clientOf(backend, once)
    else {
      this.agent = agentOf(backend, once)
      // after the agent's own listener: the socket is among its free ones by then
      this.agent.on('free', () => this.release())
    }
  }

  release(): void {
    if (this.#over || !this.busy) return
    if (this.#retired) {
      this.discard()
      return
    }
    this.busy = false
    this.used = true
    this.#freed(this)
  }

  /** It ends as soon as nothing is under way. */
  retire(): void {
    this.#retired = true
    if (!this.busy) this.discard()
  }

  discard(): void {
    if (this.#over) return
    this.#over = true
    this.client?.destroy().catch(() => {})
    this.agent?.destroy()
    this.socket.destroy()
  }
}

function bindingOf(socket: Socket): Buffer | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const { raw } = socket.getPeerCertificate()
  return raw === undefined ? undefined : tlsServerEndPoint(raw)
}

function clientOf(backend: Backend, once: () => Socket | undefined): Client {
  return new Client(backend.origin, {
    connect: (_options, callback) => {
      // not within the call: the client would not notice that it may go on
      queueMicrotask(() => {
        const socket = once()
        if (socket === undefined) callback(new ConnectionEnded('the connection of this person has ended'), null)
        else callback(null, socket)
      })
    },
    keepAliveTimeout: KEEP_ALIVE,
    maxHeaderSize: MAX_HEADER_BYTES,
    pipelining: 1,
    allowH2: false,
  })
}

function agentOf(backend: Backend, once: () => Socket | undefined): HttpAgent {
  const options = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1, timeout: KEEP_ALIVE }
  const agent = backend.secure ? new HttpsAgent(options) : new HttpAgent(options)
  const createConnection = (_options: object, created: (error: Error | null) => void): Socket | undefined => {
    const socket = once()
    if (socket === undefined)
      queueMicrotask(() => created(new ConnectionEnded('the connection of this person has ended')))
    return socket
  }
  return Object.assign(agent, { createConnection })
}
