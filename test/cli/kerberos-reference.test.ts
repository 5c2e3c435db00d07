import { readFile } from 'node:fs/promises'
import t from 'tap'
import { withKdcErrors } from '../../scripts/kerberos-reference.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')

t.test(
  'docs/kerberos.md has every error of the KDC as the source tells it; else run scripts/kerberos-reference.ts',
  async (t) => {
    const page = await read('docs/kerberos.md')
    t.equal(page, withKdcErrors(page))
  },
)

t.test('it explains every code of KerberosError, and no other', async (t) => {
  const source = await read('src/kcd/kerberos-error.ts')
  const codes = [...source.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, code]) => code)
  t.ok(codes.length > 15)
  const page = await read('docs/kerberos.md')
  const table = page.slice(page.indexOf('| code | meaning |'), page.indexOf("### By the KDC's own error"))
  const explained = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...(cell ?? '').matchAll(/`([a-z-]+)`/g)].map(([, code]) => code),
  )
  t.same(explained.sort(), codes.sort())
})

t.test('every command and option that it names is there', async (t) => {
  const page = await read('docs/kerberos.md')
  const { commands } = await import('../../src/cli/commands.ts')
  const options = new Set(
    commands
      .flatMap(({ options = [], vocabulary }) => [...options, ...(vocabulary?.options ?? [])])
      .map(({ name }) => name),
  )
  for (const [, words = ''] of page.matchAll(/gatehouse ((?:user|trust|app|kcd|keys)(?: [a-z-]+)+)/g)) {
    const known = commands.some(({ words: own }) => own.every((word, index) => words.split(' ')[index] === word))
    t.ok(known, words)
  }
  for (const [line] of page.matchAll(/(?:^ {4}.*--|`--).*$/gm)) {
    for (const [, option = ''] of line.matchAll(/--([a-z][a-z-]+)/g)) {
      if (line.includes('negotiate') && option === 'negotiate') continue
      t.ok(options.has(option), option)
    }
  }
})
