/**
 * A plain HTTP client for the tests: keeps cookies like a browser, follows nothing by itself, sends what it is told
 * and nothing else, and finds every name of the lab on the loopback interface.
 */
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { type CookieJar, createCookieJar } from './cookie-jar.ts'

export interface Answer {
  readonly url: URL
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly setCookies: readonly string[]
  readonly body: string
  json<T = unknown>(): T
  /** Where a redirect leads, resolved against the address that was asked. */
  location(): URL
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** A form, sent as a browser sends one. */
  readonly form?: Readonly<Record<string, string>> | URLSearchParams
  readonly body?: string | Uint8Array
  /** The request target to send instead of the address's own path and query, byte for byte. */
  readonly target?: string
  /** Leave the jar alone for this request. */
  readonly withoutCookies?: boolean
}

export interface HttpClient {
  readonly jar: CookieJar
  ask(url: string | URL, ask?: Ask): Promise<Answer>
  /** A person's navigation: what a browser sends with a click. */
  visit(url: string | URL, ask?: Ask): Promise<Answer>
  /** Goes on from an answer along its redirects, as a browser does, until one is no redirect. */
  follow(answer: Answer): Promise<Answer[]>
}

export interface HttpClientOptions {
  readonly jar?: CookieJar
  /** PEM of the authority to trust for https. */
  readonly ca?: string
  /** Sent with each request unless the request says otherwise. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What Chromium says with a navigation that a person began. */
export const navigation = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0',
}

/** Opens a client with a jar of its own, or the one that is given. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const jar = options.jar ?? createCookieJar()
  const ask = (to: string | URL, asked: Ask = {}): Promise<Answer> => {
    const url = new URL(to)
    const body = asked.form === undefined ? asked.body : new URLSearchParams(asked.form).toString()
    const cookie = asked.withoutCookies ? undefined : jar.header(url)
    const headers: Record<string, string | readonly string[]> = {
      ...(cookie !== undefined && { cookie }),
      ...(asked.form !== undefined && { 'content-type': 'application/x-www-form-urlencoded', origin: url.origin }),
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      ...options.headers,
      ...asked.headers,
    }
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const parameters: RequestOptions & { ca?: string } = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (url.protocol === 'https:' ? 443 : 80),
      path: asked.target ?? `${url.pathname}${url.search}`,
      method: asked.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: headers as Record<string, string>,
      lookup: onLoopback,
      agent: false,
      maxHeaderSize: 64 * 1024,
      ...(options.ca !== undefined && { ca: options.ca }),
    }
    return new Promise((resolve, reject) => {
      let isAnswered = false
      const request = send(parameters, (response) => {
        isAnswered = true
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const setCookies = response.headers['set-cookie'] ?? []
          if (!asked.withoutCookies) jar.take(url, setCookies)
          const text = Buffer.concat(pieces).toString('utf8')
          resolve({
            url,
            status: response.statusCode ?? 0,
            headers: response.headers,
            setCookies,
            body: text,
            json: <T>() => JSON.parse(text) as T,
            location: () => {
              const { location } = response.headers
              if (location === undefined)
                throw new Error(`${response.statusCode} from ${url.href} has no Location: ${text}`)
              return new URL(location, url)
            },
          })
        })
      })
      // A server may have answered what it did not want to read to its end.
      request.on('error', (error) => {
        if (!isAnswered) reject(error)
      })
      request.end(body)
    })
  }
  const visit = (url: string | URL, asked: Ask = {}) =>
    ask(url, { ...asked, headers: { ...navigation, ...asked.headers } })
  return {
    jar,
    ask,
    visit,
    follow: async (answer) => {
      const answers = [answer]
      for (let last = answer; isRedirect(last) && answers.length < 20; answers.push(last))
        last = await visit(last.location())
      return answers
    },
  }
}

/** Whether an answer sends the browser elsewhere. */
export function isRedirect(answer: Answer): boolean {
  return [301, 302, 303, 307, 308].includes(answer.status) && answer.headers.location !== undefined
}

/** A `lookup` for Node's sockets: an address stays, every name is on the loopback interface. */
export const onLoopback: LookupFunction = (host, options, done) => {
  const address = isIP(host) === 0 ? '127.0.0.1' : host
  const family = isIP(address)
  if (options.all) done(null, [{ address, family }])
  else done(null, address, family)
}
