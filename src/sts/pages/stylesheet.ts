/**
 * The one stylesheet of all pages. Written for every browser since Internet Explorer 11: no custom properties, no
 * grid; what an old one does not know (shadows, dark colours) it passes over, and the page still reads well.
 */

/** Colours that branding decides; each as `#rrggbb`. */
export interface Accent {
  /** Buttons and the line at the top. */
  readonly fill: string
  /** Text on `fill`. */
  readonly onFill: string
  /** Links and focus rings on the light page. */
  readonly ink: string
  /** Links and focus rings on the dark page. */
  readonly inkOnDark: string
}

/** The stylesheet with these colours. */
export function stylesheet({ fill, onFill, ink, inkOnDark }: Accent): string {
  return `*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; background: #f2f4f7; color-scheme: light dark; }
body { margin: 0; padding: 0; color: #1c2430; background: #f2f4f7;
  font: 16px/1.5 "Segoe UI", system-ui, -apple-system, Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: ${ink}; text-underline-offset: 2px; }
a:focus, button:focus, input:focus { outline: 3px solid ${ink}; outline-offset: 2px; }
a:focus:not(:focus-visible), button:focus:not(:focus-visible) { outline: none; }
main { display: block; }
h1 { margin: 0; font-size: 26px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: break-word; word-wrap: break-word; }
p { margin: 0; overflow-wrap: break-word; word-wrap: break-word; }

.page { max-width: 464px; margin: 0 auto; padding: 7vh 20px 32px; }
.page.wide { max-width: 760px; padding-top: 6vh; }
.brand { margin: 0 0 20px; padding: 0 4px; font-size: 17px; font-weight: 600; line-height: 32px; color: #3c4757; }
.brand img { display: inline-block; width: auto; height: 32px; max-width: 200px; margin-right: 10px; vertical-align: middle; border: 0; }
.brand span { vertical-align: middle; }
.card { padding: 36px 40px 40px; background: #ffffff; border: 1px solid #dde2e9; border-top: 4px solid ${fill}; border-radius: 10px;
  box-shadow: 0 1px 2px rgba(23, 32, 46, 0.05), 0 12px 32px rgba(23, 32, 46, 0.07); }
.foot { margin-top: 24px; padding: 0 4px; font-size: 14px; color: #56606f; white-space: pre-line; }

.lead { margin-top: 6px; color: #4a5564; }
.lead strong { color: #1c2430; font-weight: 600; }
.address { font-size: 14px; color: #56606f; word-break: break-all; }
.text { margin-top: 16px; }
.alert { margin-top: 22px; padding: 12px 14px; color: #7a1620; background: #fdf1f1; border: 1px solid #eec4c6; border-left: 4px solid #b3202e; border-radius: 6px; }

.field { margin-top: 20px; }
.field label { display: block; margin-bottom: 6px; font-weight: 600; font-size: 15px; }
.field .hint { margin-top: 6px; font-size: 14px; color: #56606f; }
.field .problem { margin-top: 6px; font-size: 14px; font-weight: 600; color: #a31b28; }
.field input { display: block; width: 100%; height: 46px; padding: 10px 12px; color: #1c2430; background: #ffffff; border: 1px solid #7b8696;
  border-radius: 6px; font: inherit; font-size: 16px; line-height: 1.4; }
.field input[aria-invalid="true"] { border-color: #b3202e; box-shadow: inset 0 0 0 1px #b3202e; }
.check { position: relative; margin-top: 22px; padding-left: 30px; }
.check input { position: absolute; left: 0; top: 3px; width: 18px; height: 18px; margin: 0; }
.check .hint { font-size: 14px; color: #56606f; }
.actions { margin-top: 28px; }
button, .button { display: inline-block; min-height: 46px; padding: 10px 22px; color: ${onFill}; background: ${fill}; border: 1px solid transparent;
  border-radius: 6px; font: inherit; font-weight: 600; line-height: 24px; text-align: center; text-decoration: none; cursor: pointer; }
button:hover, .button:hover { box-shadow: inset 0 0 0 100px rgba(0, 0, 0, 0.12); }
.actions form { display: inline-block; }
.actions .whole { width: 100%; }
.quiet { min-height: 40px; padding: 7px 16px; color: #1c2430; background: #ffffff; border-color: #7b8696; }
.actions a.beside { display: inline-block; margin-left: 18px; padding: 10px 0; }

.facts { margin: 26px 0 0; padding: 14px 0 0; border-top: 1px solid #e3e7ed; font-size: 14px; color: #56606f; }
.facts dt { font-weight: 600; }
.facts dd { margin: 0; font-family: Consolas, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: 13px; word-break: break-all; }

.bar { position: relative; padding-right: 150px; }
.bar form { position: absolute; top: 0; right: 0; }
.applications { margin: 24px 0 0; padding: 0; list-style: none; }
.applications li { margin: 12px 0 0; }
.applications a { display: block; padding: 16px 18px; color: #1c2430; background: #ffffff; border: 1px solid #cfd6df; border-radius: 8px; text-decoration: none; }
.applications a:hover { border-color: ${ink}; box-shadow: 0 2px 10px rgba(23, 32, 46, 0.08); }
.applications strong { display: block; font-size: 17px; font-weight: 600; color: ${ink}; }
.applications span { display: block; margin-top: 2px; font-size: 14px; color: #56606f; word-break: break-all; }

@media (max-width: 520px) {
  html, body { background: #ffffff; }
  .page, .page.wide { padding: 20px 20px 32px; }
  .brand { padding: 0; }
  .card { padding: 24px 0 0; border: 0; border-top: 4px solid ${fill}; border-radius: 0; box-shadow: none; }
  .foot { padding: 20px 0 0; margin-top: 32px; border-top: 1px solid #e3e7ed; }
  .actions form { display: block; }
  .actions button, .actions .button { width: 100%; }
  .actions a.beside { display: block; margin: 8px 0 0; text-align: center; }
  .bar { padding-right: 0; }
  .bar form { position: static; margin-top: 16px; }
}
@media (prefers-color-scheme: dark) {
  html, body { color: #e6eaf0; background: #12161c; }
  a { color: ${inkOnDark}; }
  a:focus, button:focus, input:focus { outline-color: ${inkOnDark}; }
  .brand, .lead { color: #b9c2cf; }
  .lead strong, .quiet { color: #e6eaf0; }
  .foot, .address, .field .hint, .check .hint, .facts, .applications span { color: #a3adbb; }
  .card { background: #1b2129; border-color: #2e3642; border-top-color: ${fill}; box-shadow: none; }
  .alert { color: #ffd9dc; background: #3a1a1e; border-color: #6d2b33; border-left-color: #f0707c; }
  .field .problem { color: #ff9aa3; }
  .field input, .quiet { color: #e6eaf0; background: #12161c; border-color: #7b8696; }
  .field input[aria-invalid="true"] { border-color: #f0707c; box-shadow: inset 0 0 0 1px #f0707c; }
  .facts, .foot { border-color: #2e3642; }
  .applications a { color: #e6eaf0; background: #12161c; border-color: #3a4452; }
  .applications a:hover { border-color: ${inkOnDark}; }
  .applications strong { color: ${inkOnDark}; }
}
@media (prefers-color-scheme: dark) and (max-width: 520px) {
  html, body, .card { background: #12161c; }
}
@media print { .actions, .bar form { display: none; } }
`
}
