import type { AccessCookieKey } from '../edge-token/index.ts'
import type { PublishedApplication } from './published-application.ts'

/** The proxy's own state on its disk: published applications and the ring of cookie keys. */
export interface ProxyStore {
  /** Grows with every change. */
  readonly version: number
  applications(): readonly PublishedApplication[]
  /** By id or by name, without regard to case. */
  application(idOrName: string): PublishedApplication | undefined
  publish(application: PublishedApplication): Promise<void>
  update(application: PublishedApplication): Promise<void>
  remove(id: string): Promise<void>
  /** The first seals, all open. The same array until the ring changes. */
  cookieKeys(): readonly AccessCookieKey[]
  rotateCookieKeys(options?: { regenerate?: boolean; now?: Date }): Promise<void>
  onChange(listener: () => void): () => void
  close(): Promise<void>
}
