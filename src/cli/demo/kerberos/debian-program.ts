/** The programs of Debian's packages that the demo starts beside itself: without a shell, stopped by their process id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { CliError } from '../../cli-error.ts'

export interface DebianProgram {
  readonly pid: number
  /** Resolves once it accepts connections at the loopback port. @throws {CliError} `listen` with what it said, when it ends before */
  accepting(port: number): Promise<void>
  /** Ends it and waits until it has ended. */
  stop(): Promise<void>
}

export interface ProgramOptions {
  /** Added to our own environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** What standard input brings. */
  readonly input?: string
}

const longestStart = 15_000
const mostOutput = 10_000

/** Starts a program that stays. */
export function startProgram(
  command: string,
  parameters: readonly string[],
  options: ProgramOptions = {},
): DebianProgram {
  const { child, said } = launch(command, parameters, options)
  let over = false
  const ended = once(child, 'close').then(
    () => {
      over = true
    },
    () => {
      over = true
    },
  )
  // Nothing of it may outlive the demo, however that ends; the group, because Apache's children are of it.
  const kill = () => {
    if (child.pid !== undefined && !over) killGroup(child.pid, 'SIGKILL')
  }
  process.once('exit', kill)
  return {
    pid: child.pid ?? -1,
    async accepting(port) {
      const end = performance.now() + longestStart
      while (!over && performance.now() < end) {
        if (await isAccepting(port)) return
        await pause(10)
      }
      throw new CliError('listen', `${command} does not serve on port ${port}${firstLine(said())}`)
    },
    async stop() {
      if (!over && child.pid !== undefined) child.kill('SIGTERM')
      const patience = setTimeout(kill, 5000)
      await ended
      clearTimeout(patience)
      process.off('exit', kill)
    },
  }
}

/**
 * Runs a program to its end.
 * @returns what it wrote to standard output and standard error.
 * @throws {CliError} `file` with what it said, when it failed.
 */
export async function runProgram(
  command: string,
  parameters: readonly string[],
  options: ProgramOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  const { child, stdout, stderr, said } = launch(command, parameters, options)
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  if (code !== 0) throw new CliError('file', `${command} failed${firstLine(said())}`)
  return { stdout: stdout(), stderr: stderr() }
}

function launch(command: string, parameters: readonly string[], { environment = {}, input = '' }: ProgramOptions) {
  const child: ChildProcess = spawn(command, [...parameters], {
    env: { ...process.env, NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined, LC_ALL: 'C', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C at the terminal is for the demo, which stops it when nothing needs it any more.
    detached: true,
  })
  const collect = (stream: NodeJS.ReadableStream | null) => {
    let text = ''
    stream?.on('data', (bytes: Buffer) => {
      if (text.length < mostOutput) text += bytes.toString('utf8')
    })
    return () => text
  }
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  let failure = ''
  child.on('error', (error) => {
    failure = error.message
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return { child, stdout, stderr, said: () => `${failure}\n${stderr()}\n${stdout()}` }
}

async function isAccepting(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended by itself.
  }
}

function firstLine(text: string): string {
  const line = text.split('\n').find((each) => each.trim() !== '')
  return line === undefined ? '' : `: ${line.trim().slice(0, 300)}`
}
