import { PassThrough } from 'node:stream'
import t from 'tap'
import type { Call } from '../../src/cli/command.ts'
import { readPassword } from '../../src/cli/password-input.ts'

/** A terminal as far as asking for a password goes: what is typed comes in raw, what is shown is kept. */
function terminal() {
  const modes: boolean[] = []
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) })
  const stderr = new PassThrough()
  let shown = ''
  const waiting: { text: string; tell: () => void }[] = []
  stderr.on('data', (chunk) => {
    shown += String(chunk)
    for (const { text, tell } of waiting) if (shown.includes(text)) tell()
  })
  const call = { has: () => false, terminal: { stdin, stderr } } as unknown as Call
  /** Types each line when it is asked for. */
  const type = async (first: string, second?: string) => {
    const asked = (text: string) => new Promise<void>((tell) => waiting.push({ text, tell }))
    const [one, two] = [asked('Password: '), asked('Once more: ')]
    const password = readPassword(call)
    password.catch(() => {})
    await one
    stdin.write(first)
    if (second !== undefined) {
      await two
      stdin.write(second)
    }
    return password
  }
  return { type, modes, shown: () => shown }
}

t.test('a password is asked for twice and never shown', async (t) => {
  const { type, modes, shown } = terminal()
  t.equal(await type('correct hörse\r', 'correct hörse\n'), 'correct hörse')
  t.notMatch(shown(), /rse/)
  t.strictSame(modes, [true, false, true, false], 'the terminal is left as it was')
})

t.test('backspace takes back one character, however many bytes it has', async (t) => {
  t.equal(await terminal().type('abc😀\x7f\b\r', 'ab\r'), 'ab')
})

t.test('two that differ are refused', async (t) => {
  await t.rejects(terminal().type('one\r', 'two\r'), { code: 'invalid-input' })
})

for (const [name, key] of [
  ['Ctrl-C', '\x03'],
  ['Ctrl-D', '\x04'],
] as const) {
  t.test(`${name} ends it without a password`, async (t) => {
    const { type, modes } = terminal()
    await t.rejects(type(`abc${key}`), { code: 'usage' })
    t.equal(modes.at(-1), false)
  })
}
