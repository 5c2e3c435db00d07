import { createHash } from 'node:crypto'

/**
 * The look of the proxy's pages: the same calm card as the federation service's. It stands in the page itself, because
 * these pages answer on hosts and paths that belong to applications, and is allowed there by its hash alone.
 */
export const stylesheet = `*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; background: #f2f4f7; color-scheme: light dark; }
body { margin: 0; color: #1c2430; background: #f2f4f7;
  font: 16px/1.5 "Segoe UI", system-ui, -apple-system, Roboto, "Helvetica Neue", Arial, sans-serif; }
main { display: block; max-width: 504px; margin: 0 auto; padding: 9vh 20px 32px; }
.card { padding: 36px 40px 40px; background: #ffffff; border: 1px solid #dde2e9; border-top: 4px solid #1f5fa8; border-radius: 10px;
  box-shadow: 0 1px 2px rgba(23, 32, 46, 0.05), 0 12px 32px rgba(23, 32, 46, 0.07); }
h1 { margin: 0; font-size: 26px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: break-word; word-wrap: break-word; }
p { margin: 16px 0 0; color: #333d4b; overflow-wrap: break-word; word-wrap: break-word; }
.actions { margin: 28px 0 0; }
a.button { display: inline-block; min-height: 46px; padding: 10px 22px; color: #ffffff; background: #1f5fa8; border: 1px solid transparent;
  border-radius: 6px; font-weight: 600; line-height: 24px; text-align: center; text-decoration: none; }
a.button:hover { box-shadow: inset 0 0 0 100px rgba(0, 0, 0, 0.12); }
a.button:focus { outline: 3px solid #1f5fa8; outline-offset: 2px; }
dl { margin: 28px 0 0; padding: 14px 0 0; border-top: 1px solid #e3e7ed; font-size: 14px; color: #56606f; }
dt { font-weight: 600; }
dd { margin: 0 0 8px; overflow-wrap: break-word; word-wrap: break-word; }
dd code { font-family: Consolas, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: 13px; word-break: break-all; }
dd:last-child { margin-bottom: 0; }
@media (max-width: 520px) {
  html, body { background: #ffffff; }
  main { padding: 20px 20px 32px; }
  .card { padding: 24px 0 0; border: 0; border-top: 4px solid #1f5fa8; border-radius: 0; box-shadow: none; }
  a.button { display: block; }
}
@media (prefers-color-scheme: dark) {
  html, body { color: #e6eaf0; background: #12161c; }
  p { color: #c6ceda; }
  .card { background: #1b2129; border-color: #2e3642; border-top-color: #1f5fa8; box-shadow: none; }
  a.button:focus { outline-color: #8ab8f0; }
  dl { color: #a3adbb; border-color: #2e3642; }
}
@media (prefers-color-scheme: dark) and (max-width: 520px) { .card { background: #12161c; } }
@media print { .actions { display: none; } }
`

const styleHash = createHash('sha256').update(stylesheet).digest('base64')

/** Nothing may be loaded, run, framed or posted; the one style is known by its hash. */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
