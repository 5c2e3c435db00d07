import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { AccessCookieKey } from '../edge-token/index.ts'
import { deriveKey, seal, unseal } from '../edge-token/sealing.ts'
import { publishedPlace } from './application-catalogue.ts'
import { writeDurably } from './durable-file.ts'
import { ProxyError } from './proxy-error.ts'
import { type PublishedApplication, parsePublishedApplication } from './published-application.ts'

/**
 * The proxy's own state on its disk: published applications and the ring of cookie keys, one versioned JSON document.
 * It is replaced whole (temporary file, fsync, rename, fsync of the folder), so a crash leaves the old one or the new
 * one. Changes that wait for the same write are written together. Cookie keys are sealed under the master key.
 */
export interface ProxyStore {
  /** Grows with every change. */
  readonly version: number
  applications(): readonly PublishedApplication[]
  /** By id or by name, without regard to case. */
  application(idOrName: string): PublishedApplication | undefined
  /** Throws what `publish` would reject with, and changes nothing. */
  check(application: PublishedApplication): void
  /** @throws {ProxyError} `application-exists` (id or name), `overlap` (an address of the same length). */
  publish(application: PublishedApplication): Promise<void>
  /** Replaces the application of the same id. @throws {ProxyError} `application-unknown`, and as `publish`. */
  update(application: PublishedApplication): Promise<void>
  /** @throws {ProxyError} `application-unknown` */
  remove(id: string): Promise<void>
  /** The first seals, all open. The same array until the ring changes. */
  cookieKeys(): readonly AccessCookieKey[]
  /**
   * Puts a new key first. The old ones still open what they sealed until the last of it is dead; with `regenerate` they
   * are dropped at once, and everybody signs in anew (silently, where the federation service still knows them).
   */
  rotateCookieKeys(options?: { regenerate?: boolean; now?: Date }): Promise<void>
  /** Called after each change, once it is on disk. Returns what stops it. */
  onChange(listener: () => void): () => void
  /** Waits for what is being written. */
  close(): Promise<void>
}

interface RingKey extends AccessCookieKey {
  readonly secret: KeyObject
  /** Since when it seals no more; milliseconds since 1970. */
  readonly retiredAt: number | undefined
}

interface State {
  version: number
  /** By id; and the same by name in lower case, and by what addresses must not have in common. */
  readonly applications: Map<string, PublishedApplication>
  readonly names: Map<string, PublishedApplication>
  readonly places: Map<string, PublishedApplication>
  ring: readonly RingKey[]
}

/** Changes a draft, or throws and leaves it as it was. */
type Change = (draft: State) => void

const FORMAT = 'gatehouse-proxy'
const SCHEMA = 1
const SEALING = 'gatehouse proxy store, cookie keys'
/** The longest that an edge token, and so a cookie made of it, can live, with a minute for clocks. */
const LONGEST_COOKIE = 86_460_000

/**
 * Opens the document, or makes the first one where there is none.
 * @param options.file its path; the folder is made. @param options.masterKey 32 bytes, seals the cookie keys.
 * @throws {ProxyError} `store-unusable` (damaged, foreign, another master key, unwritable) or `newer-schema`; the file is
 *   left as it was.
 */
export async function openProxyStore(options: { file: string; masterKey: KeyObject; now?: Date }): Promise<ProxyStore> {
  const { file, masterKey, now = new Date() } = options
  const sealing = deriveKey(masterKey, SEALING)
  const text = await readDocument(file)
  let state: State
  if (text === undefined) {
    state = emptyState(1, [newKey()])
    await save(file, state, sealing)
  } else {
    state = parseDocument(text, file, sealing)
    await removeLeftovers(file)
  }
  state.ring = state.ring.filter(isAlive(now))
  return createStore(file, state, sealing)
}

function createStore(file: string, first: State, sealing: KeyObject): ProxyStore {
  let state = first
  let applications: readonly PublishedApplication[] = [...state.applications.values()]
  const listeners = new Set<() => void>()
  let waiting: { change: Change; resolve: () => void; reject: (error: unknown) => void }[] = []
  let writing: Promise<void> | undefined

  const commit = (change: Change) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ change, resolve, reject })
      writing ??= writeWaiting()
    })

  async function writeWaiting(): Promise<void> {
    // Whatever else is asked for in this turn of the loop goes into the same write.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const draft = copyOf(state)
      const written = batch.filter(({ change, reject }) => {
        try {
          change(draft)
          return true
        } catch (error) {
          reject(error)
          return false
        }
      })
      if (written.length === 0) continue
      try {
        draft.version++
        await save(file, draft, sealing)
      } catch (error) {
        for (const { reject } of written) reject(error)
        continue
      }
      state = draft
      applications = [...state.applications.values()]
      for (const listener of listeners) listener()
      for (const { resolve } of written) resolve()
    }
    // In the same step as the look that found nothing waiting: a change in between would wait for ever.
    writing = undefined
  }

  return {
    get version() {
      return state.version
    },
    applications: () => applications,
    application: (idOrName) => {
      const key = idOrName.toLowerCase()
      return state.applications.get(key) ?? state.names.get(key)
    },
    check: (application) => requireFree(state, application),
    publish: (application) =>
      commit((draft) => {
        requireFree(draft, application)
        insert(draft, application)
      }),
    update: (application) =>
      commit((draft) => {
        const before = requireKnown(draft, application.id)
        requireFree(draft, application, before)
        erase(draft, before)
        insert(draft, application)
      }),
    remove: (id) => commit((draft) => erase(draft, requireKnown(draft, id.toLowerCase()))),
    cookieKeys: () => state.ring,
    rotateCookieKeys: ({ regenerate = false, now = new Date() } = {}) =>
      commit((draft) => {
        draft.ring = regenerate ? [newKey()] : rotated(draft.ring, now)
      }),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      while (writing !== undefined) await writing
      listeners.clear()
    },
  }
}

function emptyState(version: number, ring: readonly RingKey[]): State {
  return { version, applications: new Map(), names: new Map(), places: new Map(), ring }
}

function copyOf({ version, applications, names, places, ring }: State): State {
  return { version, applications: new Map(applications), names: new Map(names), places: new Map(places), ring }
}

function requireFree(state: State, application: PublishedApplication, itself?: PublishedApplication): void {
  const { id, name, externalUrl } = application
  for (const namesake of [state.applications.get(id), state.names.get(name.toLowerCase())])
    if (namesake !== undefined && namesake !== itself)
      throw new ProxyError('application-exists', `there is a published application '${namesake.name}' already`)
  const other = state.places.get(publishedPlace(application))
  if (other !== undefined && other !== itself)
    throw new ProxyError('overlap', `externalUrl: ${externalUrl} overlaps '${other.name}', ${other.externalUrl}`, {
      parameter: 'externalUrl',
    })
}

function requireKnown(state: State, id: string): PublishedApplication {
  const application = state.applications.get(id)
  if (application === undefined)
    throw new ProxyError('application-unknown', `there is no published application '${id}'`)
  return application
}

function insert(state: State, application: PublishedApplication): void {
  state.applications.set(application.id, application)
  state.names.set(application.name.toLowerCase(), application)
  state.places.set(publishedPlace(application), application)
}

function erase(state: State, application: PublishedApplication): void {
  state.applications.delete(application.id)
  state.names.delete(application.name.toLowerCase())
  state.places.delete(publishedPlace(application))
}

function newKey(): RingKey {
  return { id: randomBytes(4).toString('hex'), secret: createSecretKey(randomBytes(32)), retiredAt: undefined }
}

function rotated(ring: readonly RingKey[], now: Date): RingKey[] {
  const old = ring.map((key) => ({ ...key, retiredAt: key.retiredAt ?? now.getTime() }))
  return [newKey(), ...old.filter(isAlive(now))]
}

function isAlive(now: Date) {
  return ({ retiredAt }: RingKey) => retiredAt === undefined || now.getTime() - retiredAt < LONGEST_COOKIE
}

async function readDocument(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(file, `it cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
}

function parseDocument(text: string, file: string, sealing: KeyObject): State {
  let document: { format?: unknown; schema?: unknown; version?: unknown; applications?: unknown; cookieKeys?: unknown }
  try {
    document = Object(JSON.parse(text))
  } catch (cause) {
    throw unusable(file, 'it is damaged, not a JSON document', cause)
  }
  if (document.format !== FORMAT) throw unusable(file, 'it is not a document of this proxy')
  if (typeof document.schema === 'number' && document.schema > SCHEMA)
    throw new ProxyError(
      'newer-schema',
      `${file} was written by a newer version (schema ${document.schema}, this one knows ${SCHEMA})`,
    )
  const { version, applications, cookieKeys } = document
  if (
    document.schema !== SCHEMA ||
    !Number.isSafeInteger(version) ||
    !Array.isArray(applications) ||
    !Array.isArray(cookieKeys)
  )
    throw unusable(file, 'it is damaged')
  try {
    const ring = cookieKeys.map((written) => unsealKey(Object(written), sealing, file))
    const [sealingKey] = ring
    if (sealingKey === undefined || sealingKey.retiredAt !== undefined) throw unusable(file, 'it holds no cookie key')
    const state = emptyState(version as number, ring)
    for (const input of applications) {
      const application = parsePublishedApplication(input)
      requireFree(state, application)
      insert(state, application)
    }
    return state
  } catch (cause) {
    if (cause instanceof ProxyError && cause.code === 'store-unusable') throw cause
    throw unusable(file, `it is damaged: ${cause instanceof Error ? cause.message : 'not understood'}`, cause)
  }
}

function unsealKey(
  written: { id?: unknown; sealed?: unknown; retiredAt?: unknown },
  sealing: KeyObject,
  file: string,
): RingKey {
  const { id, sealed, retiredAt } = written
  if (
    typeof id !== 'string' ||
    typeof sealed !== 'string' ||
    (retiredAt !== undefined && typeof retiredAt !== 'string')
  )
    throw unusable(file, 'a cookie key in it is damaged')
  const secret = unseal(sealing, Buffer.from(sealed, 'base64url'), `cookie-key|${id}`)
  if (secret?.length !== 32) throw unusable(file, 'its cookie keys do not open with this master key')
  const retired = retiredAt === undefined ? undefined : Date.parse(retiredAt)
  if (Number.isNaN(retired)) throw unusable(file, 'a cookie key in it is damaged')
  return { id, secret: createSecretKey(secret), retiredAt: retired }
}

async function save(file: string, state: State, sealing: KeyObject): Promise<void> {
  const document = {
    format: FORMAT,
    schema: SCHEMA,
    version: state.version,
    applications: [...state.applications.values()],
    cookieKeys: state.ring.map(({ id, secret, retiredAt }) => ({
      id,
      ...(retiredAt === undefined ? {} : { retiredAt: new Date(retiredAt).toISOString() }),
      sealed: seal(sealing, secret.export(), `cookie-key|${id}`).toString('base64url'),
    })),
  }
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeDurably(file, `${JSON.stringify(document, undefined, 1)}\n`)
  } catch (cause) {
    throw unusable(file, `it cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause)
  }
}

/** What a crash between writing and renaming left behind. */
async function removeLeftovers(file: string): Promise<void> {
  const folder = dirname(file)
  const leftovers = (await readdir(folder)).filter(
    (name) => name.startsWith(`${basename(file)}.`) && name.endsWith('.tmp'),
  )
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { force: true })))
}

function unusable(file: string, message: string, cause?: unknown): ProxyError {
  return new ProxyError('store-unusable', `${file}: ${message}`, { cause })
}
