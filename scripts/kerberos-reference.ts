/** Writes the table of KDC errors into docs/kerberos.md: `node scripts/kerberos-reference.ts`. */
import { readFile, writeFile } from 'node:fs/promises'
import { kdcErrorFacts, knownKdcErrorCodes } from '../src/kcd/kdc-error-facts.ts'

const begin = '<!-- Made from src/kcd/kdc-error-facts.ts by scripts/kerberos-reference.ts. -->'
const end = '<!-- End of what is made. -->'

/** The page with its table made anew. */
export function withKdcErrors(page: string): string {
  const [before, rest] = [page.indexOf(begin), page.indexOf(end)]
  if (before < 0 || rest < before) throw new Error('docs/kerberos.md has lost the marks of its table')
  const rows = knownKdcErrorCodes().map((number) => {
    const { name, code, meaning, advice } = kdcErrorFacts(number)
    return `| ${number} | \`${name}\` | \`${code}\` | ${cell(meaning)} ${cell(advice)} |`
  })
  const table = ['| | the KDC says | code | what it means, and what mends it |', '|---|---|---|---|', ...rows]
  return `${page.slice(0, before)}${begin}\n\n${table.join('\n')}\n\n${page.slice(rest)}`
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

if (import.meta.main) {
  const file = new URL('../docs/kerberos.md', import.meta.url)
  await writeFile(file, withKdcErrors(await readFile(file, 'utf8')))
}
