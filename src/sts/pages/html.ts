/** Markup that is safe to send: the only way to make it is the `html` tag, which escapes what is put in. */
export interface Html {
  readonly markup: string
}

type Piece = string | number | Html | readonly Html[] | undefined | false

/** Template tag: text becomes text, `Html` stays markup, `undefined` and `false` leave nothing. */
export function html(literals: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  let markup = literals[0] ?? ''
  for (const [index, piece] of pieces.entries()) markup += toMarkup(piece) + (literals[index + 1] ?? '')
  return { markup }
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Escapes text for element content and for quoted attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? '')
}

function toMarkup(piece: Piece): string {
  if (piece === undefined || piece === false) return ''
  if (typeof piece === 'string' || typeof piece === 'number') return escapeHtml(String(piece))
  return 'markup' in piece ? piece.markup : piece.map(({ markup }) => markup).join('')
}
