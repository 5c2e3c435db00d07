import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { AccessCookieKey } from '../edge-token/index.ts'
import { publishedPlace } from './application-catalogue.ts'
import { ProxyError } from './proxy-error.ts'
import type { PublishedApplication } from './published-application.ts'

/** A cookie key and whether it still seals. */
export interface RingKey extends AccessCookieKey {
  readonly secret: KeyObject
  /** Since when it seals no more; milliseconds since 1970. */
  readonly retiredAt: number | undefined
}

/** What the proxy's store keeps. */
export interface ProxyState {
  version: number
  /** By id; and the same by name in lower case, and by what addresses must not have in common. */
  readonly applications: Map<string, PublishedApplication>
  readonly names: Map<string, PublishedApplication>
  readonly places: Map<string, PublishedApplication>
  ring: readonly RingKey[]
}

/** The longest that an edge token, and so a cookie made of it, can live, with a minute for clocks. */
const LONGEST_COOKIE = 86_460_000

/** A state with no applications. */
export function emptyState(version: number, ring: readonly RingKey[]): ProxyState {
  return { version, applications: new Map(), names: new Map(), places: new Map(), ring }
}

/** A copy to draft changes on; applications and keys themselves never change. */
export function copyOf({ version, applications, names, places, ring }: ProxyState): ProxyState {
  return { version, applications: new Map(applications), names: new Map(names), places: new Map(places), ring }
}

/**
 * Makes sure that an application has its id, name and address for itself.
 * @param itself what it replaces, on an update.
 * @throws {ProxyError} `application-exists`, `overlap`
 */
export function requireFree(state: ProxyState, application: PublishedApplication, itself?: PublishedApplication): void {
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

/** @throws {ProxyError} `application-unknown` */
export function requireKnown(state: ProxyState, id: string): PublishedApplication {
  const application = state.applications.get(id)
  if (application === undefined)
    throw new ProxyError('application-unknown', `there is no published application '${id}'`)
  return application
}

/** Adds an application, or replaces the one of the same id whose name and place were erased. */
export function insert(state: ProxyState, application: PublishedApplication): void {
  state.applications.set(application.id, application)
  state.names.set(application.name.toLowerCase(), application)
  state.places.set(publishedPlace(application), application)
}

/** Takes an application out. */
export function erase(state: ProxyState, application: PublishedApplication): void {
  state.applications.delete(application.id)
  state.names.delete(application.name.toLowerCase())
  state.places.delete(publishedPlace(application))
}

/** A new cookie key. */
export function newKey(): RingKey {
  return { id: randomBytes(4).toString('hex'), secret: createSecretKey(randomBytes(32)), retiredAt: undefined }
}

/** The ring with a new key in front, without those whose last cookie is dead. */
export function rotated(ring: readonly RingKey[], now: Date): RingKey[] {
  const old = ring.map((key) => ({ ...key, retiredAt: key.retiredAt ?? now.getTime() }))
  return [newKey(), ...old.filter(isAlive(now))]
}

/** Tells whether a cookie that a key sealed can still be valid. */
export function isAlive(now: Date) {
  return ({ retiredAt }: RingKey) => retiredAt === undefined || now.getTime() - retiredAt < LONGEST_COOKIE
}
