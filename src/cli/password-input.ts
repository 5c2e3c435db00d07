import { CliError } from './cli-error.ts'
import type { Call } from './command.ts'

const longestInput = 65_536

/**
 * The password for a command: one line of standard input with `--password-stdin`, else asked for twice at the terminal
 * without showing it.
 * @throws {CliError} `usage` when there is neither, or nothing, or no UTF-8 in it; `invalid-input` when the two differ.
 */
export async function readPassword(call: Call): Promise<string> {
  const { stdin, stderr } = call.terminal
  if (call.has('password-stdin')) return firstLine(await readInput(stdin))
  if (stdin.isTTY !== true)
    throw new CliError('usage', 'standard input is no terminal; give --password-stdin and the password on it')
  const password = await ask('Password: ', stdin, stderr)
  if ((await ask('Once more: ', stdin, stderr)) !== password)
    throw new CliError('invalid-input', 'the two passwords differ')
  return password
}

/**
 * Everything on standard input as text.
 * @throws {CliError} `usage` for more than 64 KiB or what is not UTF-8.
 */
export async function readInput(stdin: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestInput) throw new CliError('usage', 'standard input brings more than 64 KiB')
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new CliError('usage', 'standard input is not UTF-8 text', { cause })
  }
}

function firstLine(text: string): string {
  const [line = '', ...more] = text.replace(/\r?\n$/, '').split(/\r?\n/)
  if (more.length > 0) throw new CliError('usage', 'standard input brings more than one line')
  if (line === '') throw new CliError('usage', 'standard input brings no password')
  return line
}

function ask(question: string, stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = ''
    stderr.write(question)
    stdin.setRawMode(true)
    stdin.setEncoding('utf8')
    const finish = (settle: () => void) => {
      stdin.off('data', read)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const read = (text: string) => {
      for (const character of text) {
        if (character === '\r' || character === '\n') return finish(() => resolve(typed))
        if (character === '\x03' || character === '\x04')
          return finish(() => reject(new CliError('usage', 'no password was given')))
        if (character === '\x7f' || character === '\b') typed = [...typed].slice(0, -1).join('')
        else typed += character
      }
    }
    stdin.on('data', read)
    stdin.resume()
  })
}
