/** The main path, walked by a client without script: to an application, over the sign-in, and back into it. */
import { signIn, signInForm } from './forms.ts'
import { type Answer, createHttpClient, type HttpClient, type HttpClientOptions } from './http-client.ts'

export const demoPassword = 'demo-password'

/**
 * Opens an address as a person would, with the password where it is asked for.
 * @returns every answer of the way; the last one is no redirect.
 */
export async function enter(client: HttpClient, url: string | URL, upn: string): Promise<Answer[]> {
  const way = await client.follow(await client.visit(url))
  const page = lastOf(way)
  if (signInForm(page) === undefined) return way
  return [...way, ...(await client.follow(await signIn(client, page, upn, demoPassword)))]
}

/** A client that has the access cookie of an application. Rejects when the application did not let the person in. */
export async function signedIn(url: string | URL, upn: string, options?: HttpClientOptions): Promise<HttpClient> {
  const client = createHttpClient(options)
  const last = lastOf(await enter(client, url, upn))
  if (last.status !== 200) throw new Error(`${upn} was not let into ${url}: ${last.status} ${last.body}`)
  return client
}

export function lastOf(answers: readonly Answer[]): Answer {
  const last = answers.at(-1)
  if (last === undefined) throw new Error('no answer')
  return last
}

/** What a sample application saw of a request. */
export interface Seen {
  readonly application: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Asks a sample application, with the client's cookies, what reaches it. */
export async function seenBy(client: HttpClient, url: string | URL): Promise<Seen> {
  const answer = await client.ask(url, { headers: { accept: 'application/json' } })
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.body}`)
  return answer.json<Seen>()
}
