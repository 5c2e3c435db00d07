import { createHash } from 'node:crypto'
import t from 'tap'
import { preferredLanguage } from '../../../src/proxy/pages/language.ts'
import { pageHeaders, renderPage } from '../../../src/proxy/pages/page.ts'
import { proxyTexts, type RefusalReason } from '../../../src/proxy/pages/texts.ts'

t.test('a page escapes everything that it is given', async (t) => {
  const evil = `<script>alert("1")</script>'&`
  const html = renderPage(
    {
      title: evil,
      lines: [evil],
      action: { text: evil, href: evil, newTab: true },
      application: evil,
      requestId: evil,
    },
    'en',
  )
  t.notMatch(html, /<script|alert\("/)
  t.equal(html.split('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#38;').length - 1, 7)
})

t.test('a page loads nothing, runs nothing, and allows exactly its own style', async (t) => {
  const html = renderPage({ title: 'x', lines: [] }, 'de')
  t.match(html, /^<!DOCTYPE html>\n<html lang="de">/)
  t.match(html, /<meta name="viewport" content="width=device-width, initial-scale=1">/)
  t.notMatch(html, / (?:style|on\w+|src)=|<link|url\(|@import/)
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  t.ok(pageHeaders['Content-Security-Policy']?.includes(`style-src 'sha256-${hash}'`))
  t.match(pageHeaders, { 'Cache-Control': 'no-store', 'X-Frame-Options': 'DENY', 'X-Content-Type-Options': 'nosniff' })
})

t.test('every text is there in every language, and no two reasons for a refusal read the same', async (t) => {
  const reasons: RefusalReason[] = [
    'signature',
    'expired',
    'not-yet-valid',
    'other-application',
    'other-service',
    'other-browser',
    'unreadable',
    'trust-disabled',
    'session-ended',
    'cookie-not-kept',
    'cookie-too-large',
    'stray-token',
  ]
  for (const texts of Object.values(proxyTexts)) {
    const lines = reasons.map((reason) => texts.refusal(reason, 42))
    t.equal(new Set(lines).size, reasons.length)
    t.ok(lines.every((line) => line.length > 20))
    t.match(texts.refusal('not-yet-valid', 42), '42')
  }
})

for (const [header, language] of [
  [undefined, 'en'],
  ['', 'en'],
  ['de', 'de'],
  ['de-CH, en;q=0.5', 'de'],
  ['en-GB,en;q=0.9,de;q=0.8', 'en'],
  ['fr, de;q=0.4, en;q=0.2', 'de'],
  ['de;q=0, en', 'en'],
  ['fr', 'en'],
  ['*', 'en'],
  ['de;q=x', 'en'],
  [`${'x,'.repeat(10_000)}de`, 'en'],
] as const)
  t.test(`Accept-Language ${String(header).slice(0, 30)} reads ${language}`, async (t) =>
    t.equal(preferredLanguage(header), language),
  )
