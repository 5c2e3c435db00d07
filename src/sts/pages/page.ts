/**
 * A page: one layout, one set of headers. No script, no inline style, nothing from elsewhere; a page may not be framed
 * and is kept by no cache.
 */
import type { Answer } from '../http/answer.ts'
import type { StsRequest } from '../http/sts-request.ts'
import type { Branding } from './branding.ts'
import { type Html, html } from './html.ts'
import { type Strings, stringsOf } from './strings.ts'

/** What a page shows inside the layout. */
export interface Page {
  readonly status: number
  readonly title: string
  readonly main: Html
  readonly wide?: boolean
  /** The page holds a form; an address names where the redirects after posting it end, beside ourselves. */
  readonly form?: { readonly endsAt?: string | undefined }
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
}

/** Makes pages in the language of a request. */
export type PageMaker = (request: Pick<StsRequest, 'language'>, content: (strings: Strings) => Page) => Answer

/** @param branding what the organisation has set. */
export function createPageMaker(branding: Branding): PageMaker {
  return ({ language }, content) => {
    const page = content(stringsOf(language))
    const { markup } = html`<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="X-UA-Compatible" content="IE=edge">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${page.title} – ${branding.title}</title>
<link rel="icon" href="${branding.logoPath}">
<link rel="stylesheet" href="${branding.stylesheetPath}">
</head>
<body>
<div class="${page.wide ? 'page wide' : 'page'}">
<div class="brand" role="banner"><img src="${branding.logoPath}" alt=""><span>${branding.title}</span></div>
<main class="card" role="main">
${page.main}
</main>
${branding.footer !== undefined && html`<div class="foot" role="contentinfo">${branding.footer}</div>`}
</div>
</body>
</html>
`
    return {
      status: page.status,
      headers: { ...pageHeaders(page.form), 'content-language': language, ...page.headers },
      cookies: page.cookies ?? [],
      body: markup,
    }
  }
}

/**
 * Headers of a page. `form-action` names the origin that the round trip ends at, since browsers hold the redirects
 * after a form post against it; pages with a form carry `strict-origin`, because with `no-referrer` browsers would
 * post with `Origin: null`.
 */
function pageHeaders(form: Page['form']): Record<string, string> {
  const formAction = form === undefined ? "'none'" : ["'self'", form.endsAt].filter(Boolean).join(' ')
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none'; style-src 'self'; img-src 'self'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
    'referrer-policy': form === undefined ? 'no-referrer' : 'strict-origin',
    vary: 'Accept-Language',
  }
}

/**
 * Headers that every answer carries, pages and others: X-Frame-Options for browsers that do not know frame-ancestors,
 * and a policy under which what is no page, such as a picture opened by itself, runs and loads nothing.
 */
export function securityHeaders({ secure }: { secure: boolean }): Record<string, string> {
  return {
    'content-security-policy': "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    ...(secure && { 'strict-transport-security': 'max-age=31536000' }),
  }
}
