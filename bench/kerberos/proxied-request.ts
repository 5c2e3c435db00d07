import { join } from 'node:path'
import { Pool } from 'undici'
import type { KerberosDelegator } from '../../src/kcd/index.ts'
import { startApacheBackend } from '../../test/lab/kerberos/apache-backend.ts'
import { backendSpn, type ExampleRealm, gatewayPrincipal } from '../../test/lab/kerberos/example-realm.ts'
import { type Figure, median } from '../figure.ts'
import { type Started, start } from '../proxy/program.ts'
import { CONNECTIONS, load, type Target } from '../proxy/wrk.ts'

const ROUNDS = 5
const SECONDS = 3
/** Tokens that Apache checks in each round; each can be shown once. */
const TOKENS = 1_500
const upn = 'alice@example.test'

/**
 * A proxied GET with a warm ticket, by each way of telling the backend who asks, next to the same without Kerberos; the
 * backend checks nothing, so what is measured is the proxy. Beside them what checking costs Apache.
 */
export async function benchProxiedKerberos(realm: ExampleRealm, open: () => KerberosDelegator): Promise<Figure[]> {
  return [...(await proxiedFigures(realm)), ...(await checkingFigures(realm, open))]
}

async function proxiedFigures(realm: ExampleRealm): Promise<Figure[]> {
  const work = `proxied GET with a warm ticket, ${CONNECTIONS} connections`
  const started: Started[] = []
  const startTarget = async (by: string, more: readonly string[]): Promise<Target> => {
    const folder = join(realm.folder, `proxied-${started.length}`)
    const args = ['--backend', String(started[0]?.port), '--folder', folder, '--upn', upn, ...more]
    const one = await start('gatehouse', args, 0)
    started.push(one)
    return { by, port: one.port, headers: { Cookie: one.cookie ?? '' } }
  }
  const account = JSON.stringify({
    realm: realm.realm,
    kdcs: [realm.kdc],
    principal: gatewayPrincipal,
    keytab: realm.gatewayKeytab,
  })
  const byKerberos = (mode: string) =>
    startTarget(`gatehouse, ${mode}`, ['--kerberos', account, '--kerberosMode', mode, '--spn', backendSpn])
  try {
    started.push(await start('backend', [], 1))
    const targets = [
      await startTarget('gatehouse, without Kerberos', []),
      await byKerberos('per-connection'),
      await byKerberos('per-request'),
    ]
    // this fetches the ticket too
    for (const target of targets) await load(target, 1)
    const rates = await inTurn(targets.map((target) => async () => (await load(target, SECONDS)).rate))
    const least = [undefined, 0.9, 0.6]
    return targets.map(({ by }, at) => {
      const figure: Figure = { work, by, unit: '/s', ...toFirst(rates, at) }
      const wanted = least[at]
      if (wanted === undefined) return figure
      const reached = (figure.ratio ?? 0) >= wanted
      return { ...figure, target: `>= ${wanted} of one without Kerberos`, reached }
    })
  } finally {
    for (const { stop } of started.toReversed()) await stop()
  }
}

/**
 * Apache's page to whoever asks and behind mod_auth_gssapi, with the replay cache that it has by default: the same
 * requests by the same client, each with a token of its own that was made before the clock runs.
 */
async function checkingFigures(realm: ExampleRealm, open: () => KerberosDelegator): Promise<Figure[]> {
  const work = `Apache answers a token per request, ${CONNECTIONS} connections`
  const { folder, environment, backendKeytab: keytab } = realm
  const startApache = (name: string, directives: readonly string[]) =>
    startApacheBackend({
      ...{ folder: join(folder, name), environment, keytab, host: 'backend.example.test' },
      // the lab's own level writes lines for every token
      directives: ['LogLevel warn', ...directives],
    })
  const delegator = open()
  const plain = await startApache('plain', ['AuthType None', 'Require all granted'])
  try {
    const checking = await startApache('checking', [])
    try {
      const ask = (url: string) => async () => {
        const tokens: string[] = []
        while (tokens.length < TOKENS) {
          tokens.push(`Negotiate ${await delegator.negotiate({ upn, spn: backendSpn })}`)
        }
        return answered(url, tokens)
      }
      const both = [ask(plain.url), ask(checking.url)]
      for (const one of both) await one()
      const rates = await inTurn(both)
      return ['Apache, checking nothing', 'Apache with mod_auth_gssapi'].map((by, at) => ({
        ...{ work, by, unit: '/s' as const },
        ...toFirst(rates, at),
      }))
    } finally {
      await checking.stop()
    }
  } finally {
    await plain.stop()
    await delegator.close()
  }
}

/** @returns how many a second. */
async function answered(url: string, tokens: readonly string[]): Promise<number> {
  const pool = new Pool(new URL(url).origin, { connections: CONNECTIONS })
  let next = 0
  const run = async () => {
    for (let token = tokens[next++]; token !== undefined; token = tokens[next++]) {
      const { statusCode, body } = await pool.request({ method: 'GET', path: '/', headers: { authorization: token } })
      await body.dump()
      if (statusCode !== 200) throw new Error(`Apache answers ${statusCode}`)
    }
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: CONNECTIONS }, run))
  const rate = tokens.length / ((performance.now() - begun) / 1000)
  await pool.close()
  return rate
}

/** Rates of each, round by round, all in turn within a round. */
async function inTurn(measures: readonly (() => Promise<number>)[]): Promise<number[][]> {
  const rates = measures.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, measure] of measures.entries()) rates[at]?.push(await measure())
  return rates
}

function toFirst(rates: readonly (readonly number[])[], at: number): { value: number; ratio: number } {
  const [first = []] = rates
  const own = rates[at] ?? []
  return { value: median(own), ratio: median(own.map((rate, round) => rate / (first[round] ?? Number.NaN))) }
}
