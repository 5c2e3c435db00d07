/** Text for a terminal: what came from a store, a token or a network cannot move its cursor. */

/** The text with everything that a terminal would obey made visible. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/** Rows in columns, two blanks apart; each as wide as its widest cell, the last one as long as it is. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(printable))
  const widths: number[] = []
  for (const row of cells) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  return cells.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd((widths[index] ?? 0) + 2)))
      .join('')
      .trimEnd(),
  )
}

/** A heading and rows below it; what is said instead where there are none. */
export function listing(heading: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  return rows.length === 0 ? none : table([heading, ...rows]).join('\n')
}

/** Names and values, one pair a line; pairs without a value are left out. */
export function facts(pairs: readonly (readonly [string, string | undefined])[]): string {
  return table(pairs.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]]))).join(
    '\n',
  )
}
