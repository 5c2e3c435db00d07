import { createCipheriv, createHmac, createSecretKey, randomBytes, randomFillSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KerberosDelegator } from '../../src/kcd/index.ts'
import { backendSpn, type ExampleRealm } from '../../test/lab/kerberos/example-realm.ts'
import { type Figure, median } from '../figure.ts'

const WORK = 'a Negotiate value from a cached ticket'
const ROUNDS = 9
const BATCH = 4_000
const alice = { upn: 'alice@example.test', spn: backendSpn }

/** What of the `kerberos` package is used; it is CommonJS without types of its own for this. */
interface KerberosPackage {
  initializeClient(service: string, options: object): Promise<{ step(challenge: string): Promise<string> }>
  readonly GSS_MECH_OID_SPNEGO: number
}

/**
 * Ours from its cache against `kerberos` from a credential cache at its best concurrency, and against the bare ciphers
 * that a token needs: random octets, AES-CBC over the authenticator, one HMAC.
 */
export async function benchCachedTicket(delegator: KerberosDelegator, realm: ExampleRealm): Promise<Figure[]> {
  await delegator.negotiate(alice)
  const cache = join(realm.folder, 'alice.ccache')
  await writeFile(cache, await delegator.credentialCache(alice), { mode: 0o600 })
  process.env['KRB5_CONFIG'] = realm.configuration
  process.env['KRB5CCNAME'] = `FILE:${cache}`
  const module: { default: KerberosPackage } = await import('kerberos')
  const kerberos = module.default
  const service = backendSpn.replace('/', '@')
  const token = async () => {
    const client = await kerberos.initializeClient(service, { mechOID: kerberos.GSS_MECH_OID_SPNEGO })
    await client.step('')
  }

  const rates: Record<string, number[]> = { gatehouse: [], 'bare AES + HMAC + random': [] }
  const note = (by: string, rate: number) => {
    rates[by] ??= []
    rates[by].push(rate)
  }
  const bare = bareWork()
  for (let round = 0; round < ROUNDS; round++) {
    let begun = performance.now()
    for (let i = 0; i < BATCH; i++) bare()
    note('bare AES + HMAC + random', perSecond(BATCH, begun))
    begun = performance.now()
    for (let i = 0; i < BATCH; i++) await delegator.negotiate(alice)
    note('gatehouse', perSecond(BATCH, begun))
    for (const concurrency of [1, 8, 32]) {
      const number = 600
      begun = performance.now()
      let left = number
      const run = async () => {
        while (left-- > 0) await token()
      }
      await Promise.all(Array.from({ length: concurrency }, run))
      note(`kerberos, ${concurrency} in flight`, perSecond(number, begun))
    }
  }

  const limit = rates['bare AES + HMAC + random'] ?? []
  const ours = rates['gatehouse'] ?? []
  const ratioTo = (values: readonly number[]) => median(values.map((value, i) => value / (limit[i] ?? Number.NaN)))
  const best = Math.max(...[1, 8, 32].map((n) => median(rates[`kerberos, ${n} in flight`] ?? [])))
  const times = median(ours) / best
  const ratio = ratioTo(ours)
  const figures = Object.entries(rates).map(([by, values]): Figure => {
    const figure: Figure = { work: WORK, by, value: median(values), unit: '/s', ratio: ratioTo(values) }
    if (by !== 'gatehouse') return figure
    return { ...figure, target: '>= 0.35 of the bare ciphers', reached: ratio >= 0.35 }
  })
  const target = '>= 5 times kerberos at its best'
  return [
    ...figures,
    { work: WORK, by: 'gatehouse : kerberos at its best', value: times, unit: 'ratio', target, reached: times >= 5 },
  ]
}

/** As much as one token needs, with keys that are made once. */
function bareWork(): () => void {
  const encryption = createSecretKey(randomBytes(32))
  const integrity = createSecretKey(randomBytes(32))
  // Confounder, subkey and sequence number; the authenticator of a short name with its confounder.
  const random = Buffer.alloc(16 + 32 + 4)
  const authenticator = randomBytes(16 + 208)
  const iv = Buffer.alloc(16)
  return () => {
    randomFillSync(random)
    createCipheriv('aes-256-cbc', encryption, iv).setAutoPadding(false).update(authenticator)
    createHmac('sha1', integrity).update(authenticator).digest()
  }
}

function perSecond(number: number, begun: number): number {
  return number / ((performance.now() - begun) / 1000)
}
