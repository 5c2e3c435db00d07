import { type Page, pageHeaders, renderPage, textsFor } from '../pages/page.ts'
import type { Message, ProxyTexts } from '../pages/texts.ts'
import type { PublishedApplication } from '../published-application.ts'
import { clientKind, headerText } from './client-kind.ts'
import { corsHeaders } from './cross-origin.ts'
import type { Outcome, PlainRequest, Responded } from './preauthentication.ts'
import { type Publication, publicationOf } from './publication.ts'

/** How an answer of ours looks, before it is known who gets it. */
export interface Answer {
  readonly status: number
  readonly message: (texts: ProxyTexts) => Message
  readonly action?: (texts: ProxyTexts) => Page['action']
  /** Stable word for programs. */
  readonly code: string
  readonly outcome: Outcome
  readonly application?: PublishedApplication | undefined
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Further members of the problem document. */
  readonly problem?: Readonly<Record<string, unknown>>
  /** Who gets it, where that is not to be read from the request. */
  readonly kind?: 'person' | 'program'
}

/**
 * Answers with a page for a person, in their language, or with a problem document for a program (RFC 9457). Nothing of
 * the request's body or query is in either.
 */
export function answer(request: PlainRequest, given: Answer): Responded {
  const { status, code, application, outcome, kind = clientKind(request) } = given
  const { language, texts } = textsFor(kind === 'person' ? headerText(request.headers['accept-language']) : undefined)
  const message = given.message(texts)
  const vary = kind === 'person' ? 'Accept-Language' : undefined
  const cors = application === undefined ? {} : corsHeaders(request, publicationOf(application))
  const common = {
    ...cors,
    ...given.headers,
    Vary: [cors['Vary'], vary].filter((part) => part !== undefined).join(', '),
  }
  const { Vary, ...withoutVary } = common
  const headers = Vary === '' ? withoutVary : common
  const done = (extra: Readonly<Record<string, string>>, body: string): Responded => ({
    kind: 'respond',
    status,
    headers: { ...extra, ...headers },
    body: request.method === 'HEAD' ? '' : body,
    ...(application === undefined ? {} : { application }),
    outcome,
  })
  if (kind === 'person') {
    const action = given.action?.(texts)
    const page: Page = {
      ...message,
      ...(action === undefined ? {} : { action }),
      application: application?.name,
      requestId: request.requestId,
    }
    return done(pageHeaders, renderPage(page, language))
  }
  const problem = {
    type: `urn:gatehouse:problem:${code}`,
    title: message.title,
    status,
    detail: message.lines.join(' '),
    code,
    ...(application === undefined ? {} : { application: application.name }),
    request_id: request.requestId,
    ...given.problem,
  }
  return done(problemHeaders, `${JSON.stringify(problem)}\n`)
}

const problemHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'application/problem+json',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** A 307 that nobody keeps, and that takes no address along as a referrer. */
export function redirect(
  location: string,
  given: { application: PublishedApplication; outcome: Outcome; setCookies?: readonly string[] },
): Responded {
  const { application, outcome, setCookies = [] } = given
  return {
    kind: 'respond',
    status: 307,
    headers: {
      Location: location,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      ...(setCookies.length === 0 ? {} : { 'Set-Cookie': setCookies }),
    },
    body: '',
    application,
    outcome,
  }
}

/** The challenge of every 401 of ours; a browser asks nobody for a password because of it. */
export function bearerChallenge({ application }: Publication, request: PlainRequest): string {
  const tried = request.headers['authorization'] !== undefined
  return `Bearer realm="${application.externalUrl}"${tried ? ', error="invalid_token"' : ''}`
}
