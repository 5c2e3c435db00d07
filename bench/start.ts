/** How soon a second start serves, and what an idle process holds. Measured on the demo: STS, proxy and the sample applications. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figure, median, printFigures } from './figure.ts'

const ROUNDS = 5
/** An idle process has settled when its memory has not grown between two looks this far apart (ms). */
const SETTLE = 1000

export async function benchStart(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  const port = await freePort()
  try {
    await (await start(folder, port)).stop()
    const seconds: number[] = []
    const megabytes: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const demo = await start(folder, port)
      seconds.push(demo.seconds)
      megabytes.push(await settledMemory(demo.pid))
      await demo.stop()
    }
    const [ready, idle] = [median(seconds), median(megabytes)]
    return [
      {
        work: 'second start of the demo to ready',
        by: 'gatehouse',
        value: ready,
        unit: 's',
        target: '< 1 s',
        reached: ready < 1,
      },
      {
        work: 'resident memory of the idle demo',
        by: 'gatehouse',
        value: idle,
        unit: 'MB',
        target: '< 120 MB',
        reached: idle < 120,
      },
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Starts the demo on a folder and waits for its ready line. */
export async function start(folder: string, port: number) {
  const began = performance.now()
  const child = spawn(process.execPath, ['src/cli/main.ts', 'demo', '--port', String(port), '--data', folder], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (bytes) => {
      text += bytes
      if (/^Gatehouse is ready: /m.test(text)) resolve()
    })
    void ended.then(() => reject(new Error(`the demo ended before it was ready:\n${text}`)))
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return { pid: child.pid ?? 0, seconds: (performance.now() - began) / 1000, stop }
}

async function settledMemory(pid: number): Promise<number> {
  let before = 0
  for (;;) {
    const now = await residentMegabytes(pid)
    if (Math.abs(now - before) < 1) return now
    before = now
    await new Promise((resolve) => setTimeout(resolve, SETTLE))
  }
}

/** Resident memory of a process in MB (10^6 bytes), read from /proc. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

if (import.meta.main) printFigures(await benchStart())
