import type { PlainRequest } from './preauthentication.ts'
import type { Publication } from './publication.ts'

/** A request on its way through one application. */
export interface Visit {
  readonly request: PlainRequest
  readonly publication: Publication
  /** Normalised. */
  readonly path: string
  readonly query: string
  readonly now: Date
}

/** The absolute address of a visit as a browser would write it, so that it compares equal when it comes back. */
export function addressOf({ publication, path, query }: Visit): string {
  return new URL(publication.origin + path + query).href
}

/** The trust of an outcome. */
export function trustOf({ application }: Publication): { trustId?: string } {
  return application.trustId === undefined ? {} : { trustId: application.trustId }
}
