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
export function renderPage({ title, lines, action, application, requestId }: Page, language: Language): string {
  const { facts } = proxyTexts[language]
  const text = escapeHtml
  const paragraphs = lines.map((line) => `<p>${text(line)}</p>`)
  if (action !== undefined) {
    const target = action.newTab === true ? ' target="_blank" rel="noopener"' : ''
    paragraphs.push(
      `<p class="actions"><a class="button" href="${text(action.href)}"${target}>${text(action.text)}</a></p>`,
    )
  }
  const terms: string[] = []
  if (application !== undefined) terms.push(`<dt>${text(facts.application)}</dt><dd>${text(application)}</dd>`)
  if (requestId !== undefined) terms.push(`<dt>${text(facts.requestId)}</dt><dd><code>${text(requestId)}</code></dd>`)
  if (terms.length > 0) paragraphs.push(`<dl>\n${terms.join('\n')}\n</dl>`)
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
${paragraphs.join('\n')}
</div>
</main>
</body>
</html>
`
}
