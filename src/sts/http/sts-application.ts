/**
 * The Express application of the federation server: it reads a request once into plain data, hands it to the endpoint
 * of its path and method, and writes the plain answer. It knows no protocol and decides nothing but whether a request
 * can be read at all.
 */
import { isIP } from 'node:net'
import express, { type Application, type NextFunction, type Request, type Response } from 'express'
import { messagePage } from '../pages/message-page.ts'
import { type PageMaker, securityHeaders } from '../pages/page.ts'
import { chooseLanguage, type Language } from '../pages/strings.ts'
import { type Answer, sendAnswer } from './answer.ts'
import { clientRouteOf } from './client-route.ts'
import { parseCookies } from './cookies.ts'
import type { DecisionRecord, Log } from './decision-record.ts'
import { readFormBody } from './form-body.ts'
import { areParameters, parseParameters } from './parameters.ts'
import { requestIdFrom } from './request-id.ts'
import type { StsRequest } from './sts-request.ts'

export type EndpointHandler = (request: StsRequest) => Answer | Promise<Answer>

/** What answers at a path, per method; GET answers HEAD too. */
export interface Endpoint {
  readonly path: string
  readonly get?: EndpointHandler
  readonly post?: EndpointHandler
}

export interface StsApplicationOptions {
  readonly endpoints: readonly Endpoint[]
  readonly pages: PageMaker
  readonly languages: readonly Language[]
  /** Whether browsers reach the server over https. */
  readonly secure: boolean
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed; nobody's unless named. */
  readonly trustedProxies: readonly string[]
  readonly decisions: DecisionRecord
  readonly log: Log
}

/** Builds the application; it listens nowhere by itself. */
export function createStsApplication(options: StsApplicationOptions): Application {
  const { endpoints, pages, secure, decisions, log } = options
  const always = securityHeaders({ secure })
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', false)
  app.set('trust proxy', options.trustedProxies.length === 0 ? false : [...options.trustedProxies])

  const send = (response: Response, { requestId }: Pick<StsRequest, 'requestId'>, answer: Answer) =>
    sendAnswer(response, answer, { ...always, 'client-request-id': requestId })

  // Nothing was decided about anybody, so the audit trail is not concerned.
  const logRefusal = ({ requestId, clientAddress, method }: StsRequest, status: number) =>
    log.info({ status, method, clientAddress, requestId }, 'request refused')

  const refuse = async (request: StsRequest, code: string, target: string): Promise<Answer> => {
    await decisions(request, { event: 'request-refused', result: 'failure', what: target, code })
    return pages(request, (strings) => {
      const text = code === 'too-large' ? strings.tooLarge : strings.badRequest
      return messagePage(request, strings, { status: 400, title: strings.badRequestTitle, text })
    })
  }

  const answerTo = async (endpoint: Endpoint, incoming: Request): Promise<[StsRequest, Answer | undefined]> => {
    const { request, problem } = readRequest(incoming, options.languages)
    const handler = incoming.method === 'POST' ? endpoint.post : isRead(incoming.method) ? endpoint.get : undefined
    if (handler === undefined) {
      logRefusal(request, 405)
      return [request, methodNotAllowed(request, endpoint, pages)]
    }
    if (problem !== undefined) return [request, await refuse(request, problem, endpoint.path)]
    if (incoming.method !== 'POST') return [request, await handler(request)]
    const body = await readFormBody(incoming)
    if ('problem' in body) {
      return [request, body.problem === 'aborted' ? undefined : await refuse(request, body.problem, endpoint.path)]
    }
    const form = parseParameters(body.text)
    if (!areParameters(form)) return [request, await refuse(request, form, endpoint.path)]
    return [request, await handler({ ...request, form })]
  }

  for (const endpoint of endpoints) {
    app.all(endpoint.path, async (incoming, response) => {
      const [request, answer] = await answerTo(endpoint, incoming)
      if (answer !== undefined && !response.destroyed) send(response, request, answer)
    })
  }
  app.use((incoming: Request, response: Response) => {
    const { request } = readRequest(incoming, options.languages)
    logRefusal(request, 404)
    send(response, request, notFound(request, pages))
  })
  // Express tells an error handler by its four parameters.
  app.use((error: unknown, incoming: Request, response: Response, _next: NextFunction) => {
    const { request } = readRequest(incoming, options.languages)
    log.error({ err: error, requestId: request.requestId, clientAddress: request.clientAddress }, 'request failed')
    if (response.headersSent) response.destroy()
    else send(response, request, failure(request, pages))
  })
  return app
}

function readRequest(
  incoming: Request,
  languages: readonly Language[],
): { request: StsRequest; problem?: 'duplicate' | 'encoding' | 'too-many' } {
  const { url, headers } = incoming
  const mark = url.indexOf('?')
  const query = parseParameters(mark === -1 ? '' : url.slice(mark + 1))
  const stated = (areParameters(query) ? query.get('client-request-id') : undefined) ?? headers['client-request-id']
  const request: StsRequest = {
    method: incoming.method,
    query: areParameters(query) ? query : new Map(),
    form: undefined,
    headers,
    cookies: parseCookies(headers.cookie),
    clientAddress: clientAddressOf(incoming),
    route: clientRouteOf(incoming),
    requestId: requestIdFrom(typeof stated === 'string' ? stated : undefined),
    language: chooseLanguage(headers['accept-language'], languages),
    now: new Date(),
  }
  return areParameters(query) ? { request } : { request, problem: query }
}

/** What Express makes of the trusted proxies' headers, if it is an address; IPv4 in its plain form. */
function clientAddressOf(incoming: Request): string {
  const socket = incoming.socket.remoteAddress ?? ''
  const stated = incoming.ip ?? ''
  return (isIP(stated) === 0 ? socket : stated).replace(/^::ffff:(?=\d+\.)/i, '')
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

function methodNotAllowed(request: StsRequest, { get, post }: Endpoint, pages: PageMaker): Answer {
  const allow = [get && 'GET, HEAD', post && 'POST'].filter(Boolean).join(', ')
  return pages(request, (strings) =>
    messagePage(request, strings, {
      status: 405,
      title: strings.methodNotAllowedTitle,
      text: strings.methodNotAllowed,
      headers: { allow },
    }),
  )
}

function notFound(request: StsRequest, pages: PageMaker): Answer {
  return pages(request, (strings) =>
    messagePage(request, strings, { status: 404, title: strings.notFoundTitle, text: strings.notFound }),
  )
}

function failure(request: StsRequest, pages: PageMaker): Answer {
  return pages(request, (strings) =>
    messagePage(request, strings, { status: 500, title: strings.failureTitle, text: strings.failure }),
  )
}
