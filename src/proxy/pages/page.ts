import { escapeHtml } from './html.ts'
import { type Language, preferredLanguage } from './language.ts'
import { contentSecurityPolicy, stylesheet } from './stylesheet.ts'
import { type ProxyTexts, proxyTexts } from './texts.ts'

/** What a page of the proxy says. Everything in it is plain text; it is escaped here. */
export interface Page {
  readonly title: string
  readonly lines: readonly string[]
  /** One thing to do next. */
  readonly action?: { readonly text: string; readonly href: string; readonly newTab?: boolean }
  /** Name of the application, where one was found. */
  readonly application?: string | undefined
  readonly requestId?: string | undefined
}

/** The texts for whoever sends this Accept-Language header. */
export function textsFor(acceptLanguage: string | undefined): { language: Language; texts: ProxyTexts } {
  const language = preferredLanguage(acceptLanguage)
  return { language, texts: proxyTexts[language] }
}

/** Headers of every page: kept nowhere, framed nowhere, nothing loaded. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': contentSecurityPolicy,
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** Renders a page; it needs no script and nothing from elsewhere. */
export function renderPage(page: Page, language: Language): string {
  const { title, lines, action, application, requestId } = page
  const { facts } = proxyTexts[language]
  const terms = [
    ...(application === undefined ? [] : [[facts.application, application]]),
    ...(requestId === undefined ? [] : [[facts.requestId, requestId]]),
  ]
  const text = escapeHtml
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${text(title)}</title>
<style>${stylesheet}</style>
</head>
<body>
<main>
<div class="card">
<h1>${text(title)}</h1>
${lines.map((line) => `<p>${text(line)}</p>\n`).join('')}${
  action === undefined
    ? ''
    : `<p class="actions"><a class="button" href="${text(action.href)}"${
        action.newTab === true ? ' target="_blank" rel="noopener"' : ''
      }>${text(action.text)}</a></p>\n`
}${
  terms.length === 0
    ? ''
    : `<dl>\n${terms.map(([term = '', fact = '']) => `<dt>${text(term)}</dt><dd>${text(fact)}</dd>\n`).join('')}</dl>\n`
}</div>
</main>
</body>
</html>
`
}
