import type {
  PlainRequest,
  Preauthentication,
  Preauthenticator,
} from '../../../src/proxy/preauthentication/preauthentication.ts'

/** What a browser's navigation carries. */
export const navigation = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

/** What a script's fetch carries. */
export const scriptFetch = {
  accept: '*/*',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  'sec-fetch-site': 'same-origin',
}

export function plainRequest(url: string, more: Partial<PlainRequest> = {}): PlainRequest {
  const { protocol, host, pathname, search } = new URL(url)
  return {
    method: 'GET',
    scheme: protocol === 'https:' ? 'https' : 'http',
    host,
    target: pathname + search,
    headers: navigation,
    clientAddress: '203.0.113.7',
    requestId: 'request-1',
    ...more,
  }
}

export function header(answer: Preauthentication, name: string): string | undefined {
  if (answer.kind === 'allow') return undefined
  const found = Object.entries(answer.headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return typeof found === 'string' || found === undefined ? found : found.join('\n')
}

export function setCookies(answer: Preauthentication): string[] {
  if (answer.kind === 'allow') return [...answer.response.setCookies]
  const lines = answer.headers['Set-Cookie']
  return lines === undefined ? [] : typeof lines === 'string' ? [lines] : [...lines]
}

/** A browser in front of one preauthenticator: it keeps cookies as browsers do, and follows nothing by itself. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly preauthenticate: Preauthenticator
  now: Date

  constructor(preauthenticate: Preauthenticator, now = new Date()) {
    this.preauthenticate = preauthenticate
    this.now = now
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async visit(url: string, more: Partial<PlainRequest> = {}): Promise<Preauthentication> {
    const cookie = this.cookieHeader
    const headers = { ...(more.headers ?? navigation), ...(cookie === '' ? {} : { cookie }) }
    const answer = await this.preauthenticate(plainRequest(url, { currentDate: this.now, ...more, headers }))
    for (const line of setCookies(answer)) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/; Max-Age=0(?:;|$)/.test(line)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return answer
  }

  /** Begins a round trip: what the federation service is asked. */
  async beginAt(url: string): Promise<{ returnUrl: string; requestId: string; parameters: URLSearchParams }> {
    const answer = await this.visit(url)
    const location = header(answer, 'location') ?? ''
    const parameters = new URL(location).searchParams
    return {
      returnUrl: parameters.get('returnUrl') ?? '',
      requestId: parameters.get('client-request-id') ?? '',
      parameters,
    }
  }
}

/** The address that a federation service sends a browser back to. */
export function returnAddress(returnUrl: string, token: string, requestId: string): string {
  return `${returnUrl}${returnUrl.includes('?') ? '&' : '?'}authToken=${token}&client-request-id=${requestId}`
}
