import type { KeyObject } from 'node:crypto'
import type { AccessCookieKey } from '../edge-token/index.ts'
import { deriveKey } from '../edge-token/sealing.ts'
import { parseDocument, readDocument, removeLeftovers, saveDocument } from './proxy-document.ts'
import {
  copyOf,
  emptyState,
  erase,
  insert,
  isAlive,
  newKey,
  type ProxyState,
  requireFree,
  requireKnown,
  rotated,
} from './proxy-state.ts'
import type { PublishedApplication } from './published-application.ts'

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

/** Changes a draft, or throws and leaves it as it was. */
type Change = (draft: ProxyState) => void

const SEALING = 'gatehouse proxy store, cookie keys'

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
  let state: ProxyState
  if (text === undefined) {
    state = emptyState(1, [newKey()])
    await saveDocument(file, state, sealing)
  } else {
    state = parseDocument(text, file, sealing)
    await removeLeftovers(file)
  }
  state.ring = state.ring.filter(isAlive(now))
  return createStore(file, state, sealing)
}

function createStore(file: string, first: ProxyState, sealing: KeyObject): ProxyStore {
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
        await saveDocument(file, draft, sealing)
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
