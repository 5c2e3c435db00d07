import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Allowed, Outcome, PlainRequest } from '../preauthentication/preauthentication.ts'
import type { PublishedApplication } from '../published-application.ts'
import type { ClientOrigin } from './client-origin.ts'
import type { Exchange } from './exchange.ts'
import type { GatewayFailure } from './gateway-failure.ts'
import type { UpgradeSocket } from './upgrade-socket.ts'

/** A request on its way through the proxy. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly origin: ClientOrigin
  readonly started: number
  readonly expectContinue: boolean
  /** The request asks for a WebSocket, on this socket. */
  readonly upgrade: UpgradeSocket | undefined
  outcome: Outcome | undefined
  application: PublishedApplication | undefined
  exchange: Exchange<Visit> | undefined
  failure: GatewayFailure | undefined
}

/** The request as the preauthenticator judges it. */
export function plainRequest({ request, requestId, origin, upgrade }: Visit): PlainRequest {
  return {
    method: request.method ?? '',
    scheme: origin.scheme,
    host: request.headers.host ?? '',
    target: request.url ?? '',
    headers: request.headers,
    clientAddress: origin.address,
    requestId,
    upgrade: upgrade === undefined ? undefined : 'websocket',
  }
}

/** Whose connection it is: a session, or a person, or whoever holds the client's end where nobody had to sign in. */
export const ownerOf = ({ identity }: Allowed): string => identity?.sid ?? identity?.upn ?? ''
