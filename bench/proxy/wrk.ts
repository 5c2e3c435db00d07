import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { onCore } from './program.ts'

export const CONNECTIONS = 32

const run = promisify(execFile)

/** What wrk asks, where it listens, and with which headers besides a browser's. */
export interface Target {
  by: string
  port: number
  headers: Record<string, string>
}

const BROWSER: Record<string, string> = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language': 'en-US,en;q=0.9,de;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
  'Upgrade-Insecure-Requests': '1',
}

/**
 * One run of wrk, on the second core where there are two.
 * @returns requests per second, milliseconds of the 99th percentile, requests in all.
 * @throws {Error} when anything but success is answered.
 */
export async function load(
  { by, port, headers }: Target,
  seconds: number,
): Promise<{ rate: number; p99: number; requests: number }> {
  const lines = Object.entries({ Host: `app.contoso.localhost:${port}`, ...BROWSER, ...headers })
  const [command, ...args] = [
    ...onCore(1),
    ...['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency'],
    ...lines.flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    `http://127.0.0.1:${port}/crm/page?id=42`,
  ]
  const { stdout } = await run(command ?? '', args)
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${by} did not answer as it should:\n${stdout}`)
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout)
  const factor = { us: 0.001, ms: 1, s: 1_000 }[p99?.[2] ?? 'ms'] ?? 1
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99: Number(p99?.[1]) * factor,
    requests: Number(/(\d+) requests in/.exec(stdout)?.[1]),
  }
}
