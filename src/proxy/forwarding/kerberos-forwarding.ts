import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { BackendDelegator } from '../backend-kerberos.ts'
import type { EndedSessionsView } from '../federation-service.ts'
import type { BackendConnections } from './backend-connections.ts'
import { type DelegatedConnectionLimits, DelegatedConnections } from './delegated-connections.ts'
import type { Exchange } from './exchange.ts'
import { ForwardingError, type GatewayFailure } from './gateway-failure.ts'
import { KerberosExchange, type KerberosExchangeHost, type KerberosRequest } from './kerberos-exchange.ts'
import { withoutDelegator, withoutPerson } from './kerberos-failure.ts'
import { RecordedBody } from './recorded-body.ts'
import { bodyFraming, nodeRequest } from './request-framing.ts'
import type { RequestHead } from './request-headers.ts'

/** What is done with requests of applications whose backend takes Kerberos alone. */
export interface KerberosForwarding {
  /**
   * Sends one on in the name of the person that preauthentication found.
   * @param options.onUpgrade for a WebSocket: takes both ends over when the backend agrees. It may throw.
   */
  send(exchange: Exchange, head: RequestHead, options: SendOptions): void
  /** Connections to backends that are somebody's. */
  readonly connections: number
  close(): void
}

export interface SendOptions {
  readonly expectContinue: boolean
  readonly onUpgrade?: ((answer: IncomingMessage, socket: Socket, head: Buffer) => void) | undefined
}

export interface KerberosForwardingParts {
  readonly delegator: BackendDelegator | undefined
  readonly connections: BackendConnections
  readonly endedSessions: Pick<EndedSessionsView, 'onEnded'>
  readonly limits?: DelegatedConnectionLimits | undefined
  /** Nothing was sent to the client yet: answer with a page. */
  failed(exchange: Exchange, failure: GatewayFailure): void
}

/** People whose name at the KDC is another than their user principal name, and is remembered to forget their tickets. */
const MOST_NAMES = 10_000

/** Opens nothing before the first request. When a person is ended, so are their connections, and their tickets are forgotten. */
export function createKerberosForwarding(parts: KerberosForwardingParts): KerberosForwarding {
  const { delegator, endedSessions, failed } = parts
  const connections = new DelegatedConnections(parts.connections, parts.limits)
  /** By user principal name in lower case. */
  const otherNames = new Map<string, string>()

  /** An account name is looked up in the realm of the proxy's own account, a whole one where its suffix leads. */
  const kdcName = (name: string): { upn: string; userName?: 'principal' } =>
    name.includes('@') ? { upn: name } : { upn: `${name}@${delegator?.realm ?? ''}`, userName: 'principal' }

  const stopListening =
    delegator === undefined
      ? undefined
      : endedSessions.onEnded(({ upn }) => {
          // one session of several: the person goes on
          if (upn === undefined) return
          const ended = upn.toLowerCase()
          connections.forget((person) => person.startsWith(`${ended}\n`))
          delegator.forget(upn)
          const other = otherNames.get(ended)
          if (other !== undefined) delegator.forget(other)
          otherNames.delete(ended)
        })

  const remember = (upn: string, name: string): void => {
    if (otherNames.get(upn) === name) return
    if (otherNames.size >= MOST_NAMES) otherNames.clear()
    otherNames.set(upn, name)
  }

  const host: KerberosExchangeHost = {
    connect({ exchange, delegated, onUpgrade }, kind, brandNew) {
      if (onUpgrade !== undefined) return connections.open(exchange.backend)
      const person = `${(exchange.allowed.identity?.upn ?? '').toLowerCase()}\n${delegated.name}`
      return connections.acquire(exchange.backend, person, kind, { brandNew })
    },
    negotiate({ exchange, delegated: { spn, name } }, channelBinding, fresh) {
      if (delegator === undefined) return Promise.reject(new ForwardingError('internal', 'no delegator'))
      const person = kdcName(name)
      const upn = (exchange.allowed.identity?.upn ?? '').toLowerCase()
      if (person.upn.toLowerCase() !== upn) remember(upn, person.upn)
      return delegator.begin({ ...person, spn, channelBinding, fresh })
    },
    failed,
  }

  return {
    send(exchange, head, { expectContinue, onUpgrade }) {
      const { allowed, backend, request } = exchange
      const { delegation: delegated } = allowed
      if (delegator === undefined) failed(exchange, withoutDelegator)
      else if (delegated === undefined || exchange.session?.upn === undefined) failed(exchange, withoutPerson)
      else {
        const method = request.method ?? ''
        const { target } = allowed.request
        const framing = onUpgrade === undefined ? bodyFraming(request) : undefined
        const byNode = framing !== undefined || head.sendsTe
        const made: KerberosRequest = {
          exchange,
          delegated,
          mode: backend.application.kerberosMode ?? 'auto',
          dispatch: {
            method: method as 'GET',
            path: target,
            headers: head.headers,
            servername: backend.hostname,
            headersTimeout: backend.inactivity,
            // whoever asks for an event stream does not expect it to speak all the time
            bodyTimeout: request.headers.accept?.includes('text/event-stream') ? 0 : backend.inactivity,
          },
          outgoing: byNode ? nodeRequest(method, target, head, framing, expectContinue) : undefined,
          body: framing === undefined ? undefined : new RecordedBody(request),
          onUpgrade,
        }
        new KerberosExchange(host, made).start()
      }
    },
    get connections() {
      return connections.size
    },
    close() {
      stopListening?.()
      connections.close()
    },
  }
}
