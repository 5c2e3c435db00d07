/**
 * A proxied GET with a valid cookie, 32 connections: Gatehouse whole (listeners, both roles, access log) next to a bare
 * undici loop that copies headers through an allow list, http-proxy-3, @fastify/http-proxy and nginx with auth_request.
 * Every contender is a process of its own; where there are two cores the proxy has one for itself, wrk and the backend
 * share the other. Rounds go through all contenders in turn, so that what disturbs one disturbs all.
 */

import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type Figure, median, printFigures } from './figure.ts'
import { startNginx } from './proxy/nginx.ts'

const ROUNDS = 5
const SECONDS = 3
const CONNECTIONS = 32
const APPLICATIONS = 10_000
/** Requests over which memory has to stay flat, after as many again to warm up. */
const REQUESTS = 200_000

const run = promisify(execFile)

/** What is measured: where it listens, and how it ends. */
interface Contender {
  by: string
  port: number
  headers: Record<string, string>
  stop: () => Promise<void>
  /** Megabytes that are left after the garbage is gone. */
  memory?: () => Promise<number>
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

export async function benchProxy(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  const open: { stop: () => Promise<void> }[] = []
  const keep = <T extends { stop: () => Promise<void> }>(started: T): T => {
    open.push(started)
    return started
  }
  try {
    const backend = keep(await start('backend', [], 1))
    const to = ['--backend', String(backend.port)]
    const ours = keep(await start('gatehouse', [...to, '--folder', join(folder, 'one'), '--applications', '1'], 0))
    const ourMany = ['--folder', join(folder, 'many'), '--applications', String(APPLICATIONS)]
    const many = keep(await start('gatehouse', [...to, ...ourMany], 0))
    const cookie = { Cookie: ours.cookie ?? '' }
    const contenders: Contender[] = [
      { by: 'bare undici loop, allow list', headers: cookie, ...keep(await start('bare-undici', to, 0)) },
      { by: 'gatehouse', headers: cookie, ...ours },
      {
        by: `gatehouse, ${APPLICATIONS.toLocaleString('en-US')} applications`,
        headers: { Cookie: many.cookie ?? '' },
        ...many,
      },
      { by: 'http-proxy-3', headers: cookie, ...keep(await start('http-proxy-3', to, 0)) },
      { by: '@fastify/http-proxy', headers: cookie, ...keep(await start('fastify-http-proxy', to, 0)) },
    ]
    const nginx = await startNginx(join(folder, 'nginx'), backend.port, onCore(0))
    if (nginx !== undefined) contenders.push({ by: 'nginx with auth_request', headers: cookie, ...keep(nginx) })
    const rates = new Map<string, number[]>(contenders.map(({ by }) => [by, []]))
    const slowest = new Map<string, number[]>(contenders.map(({ by }) => [by, []]))
    for (const contender of contenders) await load(contender, 1)
    for (let round = 0; round < ROUNDS; round++)
      for (const contender of contenders) {
        const { rate, p99 } = await load(contender, SECONDS)
        rates.get(contender.by)?.push(rate)
        slowest.get(contender.by)?.push(p99)
      }
    return [...rateFigures(contenders, rates), ...latencyFigures(slowest), ...(await memoryFigures(contenders[1]))]
  } finally {
    for (const { stop } of open.toReversed()) await stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function rateFigures(contenders: readonly Contender[], rates: ReadonlyMap<string, number[]>): Figure[] {
  const work = `proxied GET with a valid cookie, ${CONNECTIONS} connections`
  const of = (by: string | undefined): number[] => rates.get(by ?? '') ?? []
  const ratio = (by: string | undefined, to: string | undefined): number =>
    median(of(by).map((value, round) => value / (of(to)[round] ?? Number.NaN)))
  const [bare, ours, many, ...peers] = contenders.map(({ by }) => by)
  const figures = contenders.map(
    ({ by }): Figure => ({ work, by, value: median(of(by)), unit: '/s', ratio: ratio(by, bare) }),
  )
  const [, one, tenThousand] = figures
  const behind = peers.filter((by) => by.includes('http-proxy')).every((by) => ratio(ours, by) > 1)
  if (one !== undefined) {
    one.target = '>= 0.8 of the bare loop, ahead of http-proxy-3 and @fastify/http-proxy'
    one.reached = ratio(ours, bare) >= 0.8 && behind
  }
  if (tenThousand !== undefined) {
    tenThousand.target = `>= 0.95 of the rate with one: ${ratio(many, ours).toFixed(2)}`
    tenThousand.reached = ratio(many, ours) >= 0.95
  }
  return figures
}

function latencyFigures(slowest: ReadonlyMap<string, number[]>): Figure[] {
  return [...slowest].map(([by, values]) => ({
    work: `99th percentile of the same, ${CONNECTIONS} connections`,
    by,
    value: median(values),
    unit: 'ms',
  }))
}

/** What is left in memory before and after so many requests. */
async function memoryFigures(contender: Contender | undefined): Promise<Figure[]> {
  if (contender?.memory === undefined) return []
  const serve = async (): Promise<void> => {
    for (let served = 0; served < REQUESTS; ) served += (await load(contender, SECONDS)).requests
  }
  await serve()
  const before = await contender.memory()
  await serve()
  const after = await contender.memory()
  const work = `memory of ${contender.by} in use after garbage collection`
  return [
    { work, by: 'before', value: before, unit: 'MB' },
    {
      work,
      by: `${REQUESTS.toLocaleString('en-US')} requests later`,
      value: after,
      unit: 'MB',
      target: 'flat: at most 2 MB more',
      reached: after - before <= 2,
    },
  ]
}

/** One run of wrk. */
async function load(
  { by, port, headers }: Contender,
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

/** How to run a command on one core, where there are several. */
function onCore(core: number): string[] {
  return availableParallelism() > 1 ? ['taskset', '-c', String(core)] : []
}

interface Started {
  port: number
  cookie?: string
  stop: () => Promise<void>
  memory: () => Promise<number>
}

/** Starts one of the programs in proxy/ and waits until it listens. */
async function start(program: string, args: readonly string[], core: number): Promise<Started> {
  const file = new URL(`proxy/${program}.ts`, import.meta.url).pathname
  const [command, ...rest] = [...onCore(core), process.execPath, '--expose-gc', file, ...args]
  const child = spawn(command ?? '', rest, {
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const answer = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(message as T))
      void ended.then(() => reject(new Error(`${program} ended`)))
    })
  const { port, cookie } = await answer<{ port: number; cookie?: string }>()
  return {
    port,
    ...(cookie === undefined ? {} : { cookie }),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
    memory: async () => {
      // connections of the last run are still being closed, and lines of the log written
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      child.send('memory')
      return (await answer<{ megabytes: number }>()).megabytes
    },
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) printFigures(await benchProxy())
