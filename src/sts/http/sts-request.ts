import type { IncomingHttpHeaders } from 'node:http'
import type { Language } from '../pages/strings.ts'
import type { ClientRoute } from './client-route.ts'
import type { Cookies } from './cookies.ts'
import type { Parameters } from './parameters.ts'

/** A request as the rooms of the federation server see it: plain data, read once, nothing of the framework. */
export interface StsRequest {
  readonly method: string
  /** Parameters of the address; already known to be well-formed. */
  readonly query: Parameters
  /** Fields of the posted form; undefined for every other method than POST. */
  readonly form: Parameters | undefined
  readonly headers: IncomingHttpHeaders
  readonly cookies: Cookies
  /** The client's address: the socket's, or what a trusted proxy says. */
  readonly clientAddress: string
  /** What `clientAddress` rests on. */
  readonly route: ClientRoute
  /** GUID; goes through page, log, audit trail and token. */
  readonly requestId: string
  /** The language that the browser asks for, of those offered. */
  readonly language: Language
  readonly now: Date
}
