/** Real programs for the tests: started without a shell, awaited by what they print, ended by their own process id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface ProgramOptions {
  readonly cwd?: string
  /** Added to this process's own environment; `undefined` takes a name out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What standard input brings; it is closed after that. */
  readonly input?: string | Uint8Array
}

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves with the first line of standard output that matches; rejects, with all output, when the program ends before. */
  line(pattern: RegExp): Promise<RegExpMatchArray>
  /** Resolves when the program has ended and its output is read. */
  readonly ended: Promise<Outcome>
  /** Sends the signal and waits for the end. Harmless when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<Outcome>
}

const longestStart = 30_000

/** What the test runner puts into the environment to watch processes is no part of how a program runs. */
const unmeasured = { NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined }

/** Starts a program and listens to it. It does not outlive this process's tests if they call `stop`. */
export function startProgram(command: string, parameters: readonly string[], options: ProgramOptions = {}): Program {
  const child: ChildProcess = spawn(command, [...parameters], {
    cwd: options.cwd,
    env: { ...process.env, ...unmeasured, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  const read = (take: (text: string) => void) => (bytes: Buffer) => {
    take(bytes.toString('utf8'))
    for (const watcher of watchers) watcher()
  }
  child.stdout?.on(
    'data',
    read((text) => {
      stdout += text
    }),
  )
  child.stderr?.on(
    'data',
    read((text) => {
      stderr += text
    }),
  )
  // A program that ends at once does not read what it is told.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  // A test that fails before it would have stopped the program must not leave it behind.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(child, 'close').then(([code, signal]) => {
    process.off('exit', kill)
    return { code, signal, stdout, stderr } as Outcome
  })
  ended.catch(() => {})
  return {
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const told = () => `standard output:\n${stdout}\nstandard error:\n${stderr}`
        const timer = setTimeout(
          () => finish(() => reject(new Error(`no line ${pattern} in time; ${told()}`))),
          longestStart,
        )
        const finish = (settle: () => void) => {
          watchers.delete(look)
          clearTimeout(timer)
          settle()
        }
        const look = () => {
          // The last piece may still be half a line.
          for (const line of stdout.split('\n').slice(0, -1)) {
            const match = line.match(pattern)
            if (match !== null) return finish(() => resolve(match))
          }
        }
        watchers.add(look)
        look()
        ended.then(
          ({ code, signal }) =>
            finish(() => reject(new Error(`ended (${code ?? signal}) before a line ${pattern}; ${told()}`))),
          reject,
        )
      }),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      return ended
    },
  }
}

/** Runs a program to its end. */
export function runProgram(
  command: string,
  parameters: readonly string[],
  options: ProgramOptions = {},
): Promise<Outcome> {
  return startProgram(command, parameters, options).ended
}
