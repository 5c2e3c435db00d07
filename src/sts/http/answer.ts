import type { ServerResponse } from 'node:http'

/** What goes back to the client, as plain data. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
  readonly body: string | Uint8Array
}

/**
 * A redirect that no cache keeps and that names no page of ours to the next.
 * @param status 303 after a posted form (never 307: it would post the password on), 302 otherwise.
 */
export function redirect(status: 302 | 303, location: string, cookies: readonly string[] = []): Answer {
  const headers = { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }
  return { status, headers, cookies, body: '' }
}

/** A short text without markup, for machines and for paths that no person opens. */
export function plainText(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const always = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
  return { status, headers: { ...always, ...headers }, body: `${text}\n` }
}

/** The same answer with more cookies to set, and headers. */
export function withCookies(
  answer: Answer,
  cookies: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Answer {
  if (cookies.length === 0) return answer
  return { ...answer, headers: { ...answer.headers, ...headers }, cookies: [...(answer.cookies ?? []), ...cookies] }
}

/**
 * Writes an answer; Node itself leaves the body away for HEAD.
 * @param always headers that every answer of this server carries.
 */
export function sendAnswer(response: ServerResponse, answer: Answer, always: Readonly<Record<string, string>>): void {
  const { status, headers, cookies = [], body } = answer
  const bodiless = status === 304
  const length = bodiless ? undefined : String(typeof body === 'string' ? Buffer.byteLength(body) : body.length)
  response.writeHead(status, {
    ...always,
    ...headers,
    ...(cookies.length > 0 && { 'set-cookie': [...cookies] }),
    ...(length !== undefined && { 'content-length': length }),
  })
  response.end(bodiless ? undefined : body)
}
