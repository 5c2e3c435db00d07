import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { Pool } from 'undici'
import type { Backend } from './backend.ts'

/** Bytes of header fields that an answer may have, as the listeners allow a request. */
export const MAX_HEADER_BYTES = 32_768

/** Milliseconds: to open a connection; to keep an idle one; between looks for pools that nobody uses. */
export const CONNECT_TIMEOUT = 10_000
export const KEEP_ALIVE = 4_000
const SWEEP = 30_000

/** Connections of its own that one client may have: several sessions come on one where a proxy in front shares it. */
const MOST_BOUND = 64

/** An idle connection that belongs to one client ends with the client's; this bounds a client that keeps silent. */
const BOUND_KEEP_ALIVE = 120_000

export interface BackendConnectionsOptions {
  lookup: LookupFunction
  /** PEM certificates of the authorities that backends may have besides the platform's. */
  backendCa?: readonly string[] | undefined
}

/** Options of a connection that node:net and node:tls take. */
export interface ConnectOptions {
  lookup: LookupFunction
  ca?: string[]
  rejectUnauthorized?: boolean
  servername?: string
  ALPNProtocols?: string[]
}

interface Entry {
  pool: Pool | undefined
  agent: HttpAgent | undefined
  used: boolean
}

/**
 * The connections to backends: a pool per backend origin, made when it is first needed and closed when nobody needed it
 * for a while, so that ten thousand applications cost what those in use cost; and, apart from the pools, connections that
 * belong to a single client's connection because the backend authenticates the connection itself.
 */
export class BackendConnections {
  readonly #options: BackendConnectionsOptions
  readonly #ca: string[] | undefined
  readonly #entries = new Map<string, Entry>()
  readonly #bound = new Map<Duplex, Map<string, HttpAgent>>()
  readonly #sweeper: NodeJS.Timeout

  constructor(options: BackendConnectionsOptions) {
    this.#options = options
    // naming any authority replaces the platform's list, so it is named as well
    this.#ca = options.backendCa?.length ? [...tls.getCACertificates('default'), ...options.backendCa] : undefined
    this.#sweeper = setInterval(() => this.sweep(), SWEEP).unref()
  }

  /** The pool that requests without a body go through. */
  pool(backend: Backend): Pool {
    const entry = this.#entry(backend)
    entry.pool ??= new Pool(backend.origin, {
      connect: this.connectOptions(backend),
      connectTimeout: CONNECT_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE,
      maxHeaderSize: MAX_HEADER_BYTES,
      allowH2: false,
    })
    return entry.pool
  }

  /** The agent that requests with a body go through. */
  agent(backend: Backend): HttpAgent {
    const entry = this.#entry(backend)
    entry.agent ??= this.#newAgent(backend, { keepAlive: true, maxFreeSockets: 64, timeout: KEEP_ALIVE })
    return entry.agent
  }

  /** The agent of one connection that belongs to `client`, or undefined when it has none for this backend and owner. */
  boundAgent(client: Duplex, backend: Backend, owner: string): HttpAgent | undefined {
    return this.#bound.size === 0 ? undefined : this.#bound.get(client)?.get(`${backend.connectionKey}\n${owner}`)
  }

  /** Gives `client` a connection of its own to this backend; it ends with the client's. */
  bind(client: Duplex, backend: Backend, owner: string): HttpAgent {
    let agents = this.#bound.get(client)
    if (agents === undefined) {
      agents = new Map()
      this.#bound.set(client, agents)
      client.once('close', () => this.#unbind(client))
    }
    const key = `${backend.connectionKey}\n${owner}`
    let agent = agents.get(key)
    if (agent === undefined) {
      const [oldest] = agents.size < MOST_BOUND ? [] : agents
      if (oldest !== undefined) {
        agents.delete(oldest[0])
        oldest[1].destroy()
      }
      agent = this.#newAgent(backend, { keepAlive: true, maxSockets: 1, maxFreeSockets: 1, timeout: BOUND_KEEP_ALIVE })
      agents.set(key, agent)
    }
    return agent
  }

  /** An agent whose connection ends with its one request. */
  singleUse(backend: Backend): HttpAgent {
    return this.#newAgent(backend, { keepAlive: false, maxSockets: 1 })
  }

  connectOptions(backend: Backend): ConnectOptions {
    const { lookup } = this.#options
    if (!backend.secure) return { lookup }
    return {
      lookup,
      servername: backend.hostname,
      rejectUnauthorized: backend.verifyCertificate,
      ALPNProtocols: ['http/1.1'],
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    }
  }

  /** Closes what was not used since the last call and has nothing under way. */
  sweep(): void {
    for (const [key, entry] of this.#entries) {
      const busy = (entry.pool?.stats.size ?? 0) > 0 || Object.keys(entry.agent?.sockets ?? {}).length > 0
      if (entry.used || busy) entry.used = false
      else {
        this.#entries.delete(key)
        entry.pool?.close().catch(() => {})
        entry.agent?.destroy()
      }
    }
  }

  get stats(): { backends: number; boundClients: number } {
    return { backends: this.#entries.size, boundClients: this.#bound.size }
  }

  /** Cuts off everything that is still under way. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const client of [...this.#bound.keys()]) this.#unbind(client)
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    await Promise.all(
      entries.map(async ({ pool, agent }) => {
        agent?.destroy()
        await pool?.destroy()
      }),
    )
  }

  #entry(backend: Backend): Entry {
    let entry = this.#entries.get(backend.connectionKey)
    if (entry === undefined) {
      entry = { pool: undefined, agent: undefined, used: true }
      this.#entries.set(backend.connectionKey, entry)
    }
    entry.used = true
    return entry
  }

  #newAgent(backend: Backend, options: ConstructorParameters<typeof HttpAgent>[0]): HttpAgent {
    const all = { ...options, ...this.connectOptions(backend) }
    return backend.secure ? new HttpsAgent(all) : new HttpAgent(all)
  }

  #unbind(client: Duplex): void {
    for (const agent of this.#bound.get(client)?.values() ?? []) agent.destroy()
    this.#bound.delete(client)
  }
}
