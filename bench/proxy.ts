/**
 * A proxied GET with a valid cookie, 32 connections: Gatehouse whole (listeners, both roles, access log) next to a bare
 * undici loop that copies headers through an allow list, http-proxy-3, @fastify/http-proxy and nginx with auth_request.
 * Every contender is a process of its own; where there are two cores the proxy has one for itself, wrk and the backend
 * share the other. Rounds go through all contenders in turn, so that what disturbs one disturbs all.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Figure, median, printFigures } from './figure.ts'
import { startNginx } from './proxy/nginx.ts'
import { onCore, start } from './proxy/program.ts'
import { CONNECTIONS, load, type Target } from './proxy/wrk.ts'

const ROUNDS = 5
const SECONDS = 3
const APPLICATIONS = 10_000
/** Requests over which memory has to stay flat, after as many again to warm up. */
const REQUESTS = 200_000

/** What is measured, and how it ends. */
interface Contender extends Target {
  stop: () => Promise<void>
  /** Megabytes that are left after the garbage is gone. */
  memory?: () => Promise<number>
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

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) printFigures(await benchProxy())
