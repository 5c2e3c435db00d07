/**
 * The page that a sample backend shows: who the person is to it, what it was asked for and which headers came through
 * the proxy. One document without script, styled inside, so that it can be read as it stands by anything that shows HTML.
 */

/** What the page tells. `user` is absent when no identity header reached the backend. */
export interface SampleVisit {
  readonly application: string
  readonly user?: string
  /** How the application knows: by the proxy's header, or by a Kerberos ticket. */
  readonly by?: 'header' | 'ticket'
  readonly method: string
  readonly url: string
  /** Name and value of every header line, as they reached the backend. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Where the page leads: named addresses of other applications, and the sign-out page of the federation service. */
export interface SampleLinks {
  readonly applications: readonly { readonly name: string; readonly url: string }[]
  readonly portal: string
  readonly signOut: string
}

const style = `
:root{color-scheme:light dark;--ground:#f4f6f8;--card:#fff;--ink:#17212b;--soft:#566573;--line:#dbe1e7;--accent:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ground:#10161c;--card:#19222b;--ink:#e8edf2;--soft:#9fb0bf;--line:#2c3945;--accent:#7db8f5}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
header,main{max-width:56rem;margin:0 auto;padding:1rem}
header{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem 1.5rem}
header strong{font-size:1.15rem;margin-right:auto}
a{color:var(--accent)}
a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.25rem;margin:0 0 1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.25rem 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:.25rem 0 .5rem}
p{margin:.25rem 0}
.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-top:1px solid var(--line)}
th{font-weight:600;white-space:nowrap}
code{white-space:nowrap}
p.soft code{white-space:normal;overflow-wrap:anywhere}
td{font-family:ui-monospace,Consolas,monospace;font-size:.875rem;overflow-wrap:anywhere}
@media (max-width:36rem){header strong{flex-basis:100%}th,td{display:block;padding-right:0}td{border-top:0;padding-top:0}th{padding-bottom:0;white-space:normal}}
`

/**
 * Writes the page of a visit.
 * @returns a whole HTML document; every value that came with the request is escaped.
 */
export function samplePage(visit: SampleVisit, links: SampleLinks): string {
  const greeting =
    visit.user === undefined
      ? `<h1>${escapeHtml(visit.application)}, open to everybody</h1>
<p>No identity came with this request: this application is passed through without sign-in.</p>`
      : `<h1>You are <span id="user">${escapeHtml(visit.user)}</span></h1>
<p>${visit.by === 'ticket' ? ticketSaid : headerSaid} ${escapeHtml(visit.application)} asked for no password of its own.</p>`
  const rows = visit.headers.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  const others = links.applications
    .filter(({ name }) => name !== visit.application)
    .map(({ name, url }) => `<a href="${escapeHtml(url)}">${escapeHtml(name)}</a>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(visit.application)} – sample application</title>
<style>${style}</style>
</head>
<body>
<header>
<strong>${escapeHtml(visit.application)}</strong>
${others.join('\n')}
<a href="${escapeHtml(links.portal)}">All applications</a>
<a href="${escapeHtml(links.signOut)}">Sign out</a>
</header>
<main>
<section>
${greeting}
</section>
<section>
<h2>What reached the application</h2>
<p class="soft">${escapeHtml(visit.method)} <code>${escapeHtml(visit.url)}</code></p>
<table>
${rows.join('\n')}
</table>
<p class="soft">The same as JSON: ask with <code>Accept: application/json</code>.</p>
</section>
</main>
</body>
</html>
`
}

const headerSaid = 'Gatehouse said so in the header <code>X-Forwarded-User</code>.'
const ticketSaid = 'A Kerberos ticket said so, which Gatehouse got on your behalf; the web server takes nothing else.'

const replacements: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => replacements[character] ?? character)
}
