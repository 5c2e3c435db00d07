/** Reads forms out of pages of ours, as far as a client without script and without a document tree needs it. */
import type { Answer, HttpClient } from './http-client.ts'

export interface Form {
  readonly action: URL
  readonly method: string
  readonly fields: Record<string, string>
}

/** All forms of a page, with the fields that a browser would send if nobody typed anything. */
export function formsOf(answer: Answer): Form[] {
  return [...answer.body.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, opening = '', inside = '']) => ({
    action: new URL(attribute(opening, 'action') ?? '', answer.url),
    method: (attribute(opening, 'method') ?? 'get').toUpperCase(),
    fields: Object.fromEntries(
      [...inside.matchAll(/<(?:input|button)\b([^>]*)>/gi)].flatMap(([, tag = '']) => {
        const name = attribute(tag, 'name')
        const unchecked = attribute(tag, 'type') === 'checkbox' && !/\bchecked\b/i.test(tag)
        return name === undefined || unchecked ? [] : [[name, attribute(tag, 'value') ?? '']]
      }),
    ),
  }))
}

/** Posts a form as a browser does: from its page's origin, with what is given on top of what stood in it. */
export function submit(
  client: HttpClient,
  page: Answer,
  form: Form,
  typed: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return client.visit(form.action, {
    method: form.method,
    form: { ...form.fields, ...typed },
    headers: { origin: page.url.origin, referer: `${page.url.origin}/`, 'sec-fetch-site': 'same-origin' },
  })
}

/** The form with a password field, if the page has one. */
export function signInForm(answer: Answer): Form | undefined {
  const at = answer.body.search(/type=["']?password/i)
  return at === -1 ? undefined : formsOf(answer).find(({ fields }) => passwordField(answer, fields) !== undefined)
}

/** Fills in the sign-in form that a page shows, and posts it. */
export function signIn(client: HttpClient, page: Answer, upn: string, password: string): Promise<Answer> {
  const form = signInForm(page)
  const secret = form && passwordField(page, form.fields)
  const name = form && nameField(page, form.fields)
  if (form === undefined || secret === undefined || name === undefined)
    throw new Error(`no sign-in form in ${page.status} ${page.url.href}: ${page.body}`)
  return submit(client, page, form, { [name]: upn, [secret]: password })
}

function passwordField(answer: Answer, fields: Readonly<Record<string, string>>): string | undefined {
  return fieldOfType(answer, fields, ['password'])
}

function nameField(answer: Answer, fields: Readonly<Record<string, string>>): string | undefined {
  return fieldOfType(answer, fields, ['email', 'text', undefined])
}

function fieldOfType(
  answer: Answer,
  fields: Readonly<Record<string, string>>,
  types: readonly (string | undefined)[],
): string | undefined {
  for (const [, tag = ''] of answer.body.matchAll(/<input\b([^>]*)>/gi)) {
    const name = attribute(tag, 'name')
    if (name !== undefined && name in fields && types.includes(attribute(tag, 'type'))) return name
  }
  return undefined
}

function attribute(tag: string, name: string): string | undefined {
  const match = tag.match(new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'))
  const value = match?.[1] ?? match?.[2] ?? match?.[3]
  return value
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
