import { join } from 'node:path'
import type { KerberosDelegator } from '../../src/kcd/index.ts'
import { startApacheBackend } from '../../test/lab/kerberos/apache-backend.ts'
import { succeeded } from '../../test/lab/kerberos/directory-server.ts'
import { backendSpn, type ExampleRealm } from '../../test/lab/kerberos/example-realm.ts'
import { runProgram } from '../../test/lab/processes.ts'
import { type Figure, median } from '../figure.ts'

const WORK = 'S4U2Self and S4U2Proxy from cold, 32 in flight'
const ROUNDS = 5
const PEOPLE = 1000
/** Of them, in each round. */
const BATCH = 240
const PROCESSES = 4

/** Adds the people whose tickets the bench fetches. */
export async function addPeople(realm: ExampleRealm): Promise<void> {
  await realm.administer(...Array.from({ length: PEOPLE }, (_, i) => `addprinc -pw secret person${i}`))
}

/**
 * Ours in one process against a C loop over libkrb5 in four, on the same KDC, round by round in turn; beside them what
 * Apache's module does for a person who signed in by other means, which is S4U2Self alone.
 */
export async function benchColdTicket(open: () => KerberosDelegator, realm: ExampleRealm): Promise<Figure[]> {
  const program = join(realm.folder, 'delegate')
  const source = new URL('delegate.c', import.meta.url).pathname
  succeeded('gcc', await runProgram('/usr/bin/gcc', ['-O2', '-o', program, source, '-lgssapi_krb5']))
  const apache = await startImpersonatingApache(realm)
  const ours: number[] = []
  const theirs: number[] = []
  const apaches: number[] = []
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const people = Array.from({ length: BATCH }, (_, i) => `person${(round * BATCH + i) % PEOPLE}`)
      const delegator = open()
      // The account's own ticket-granting ticket is not what is measured, in either.
      await delegator.negotiate({ upn: 'alice@example.test', spn: backendSpn })
      ours.push(
        await inFlight(32, people, async (name) => {
          await delegator.negotiate({ upn: `${name}@example.test`, spn: backendSpn })
        }),
      )
      await delegator.close()
      theirs.push(await libkrb5Rate(program, people, realm))
      apaches.push(await inFlight(32, people, (name) => impersonated(apache.url, name)))
    }
  } finally {
    await apache.stop()
  }
  const ratio = median(ours.map((rate, i) => rate / (theirs[i] ?? Number.NaN)))
  const target = '>= 0.8 of libkrb5 in four processes'
  return [
    { work: WORK, by: 'gatehouse', value: median(ours), unit: '/s', ratio, target, reached: ratio >= 0.8 },
    { work: WORK, by: 'libkrb5 in C, four processes', value: median(theirs), unit: '/s', ratio: 1 },
    { work: WORK, by: 'mod_auth_gssapi, S4U2Self alone', value: median(apaches), unit: '/s' },
  ]
}

/** Megabytes that the tickets of a thousand people take, as the heap and what lies outside of it grow. */
export async function benchTicketMemory(open: () => KerberosDelegator): Promise<Figure[]> {
  const delegator = open()
  await delegator.negotiate({ upn: 'alice@example.test', spn: backendSpn })
  const before = await memoryInUse()
  const people = Array.from({ length: PEOPLE }, (_, i) => `person${i}`)
  await inFlight(32, people, async (name) => {
    await delegator.negotiate({ upn: `${name}@example.test`, spn: backendSpn })
  })
  const value = ((await memoryInUse()) - before) / 1e6
  const kept = delegator.tickets
  await delegator.close()
  const reached = value < 20 && kept > PEOPLE
  return [
    { work: "a thousand people's tickets in memory", by: 'gatehouse', value, unit: 'MB', target: '< 20 MB', reached },
  ]
}

async function memoryInUse(): Promise<number> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** @returns how many a second. */
async function inFlight(
  number: number,
  people: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<number> {
  const begun = performance.now()
  let next = 0
  const run = async () => {
    for (let name = people[next++]; name !== undefined; name = people[next++]) await work(name)
  }
  await Promise.all(Array.from({ length: number }, run))
  return people.length / ((performance.now() - begun) / 1000)
}

/** The loops say how long they took without starting; all begin at once, so the longest counts. */
async function libkrb5Rate(program: string, people: readonly string[], realm: ExampleRealm): Promise<number> {
  const env = {
    ...realm.environment,
    KRB5_CLIENT_KTNAME: `FILE:${realm.gatewayKeytab}`,
    KRB5CCNAME: 'MEMORY:gateway',
  }
  const outcomes = await Promise.all(
    Array.from({ length: PROCESSES }, (_, process) => {
      const input = `${people.filter((_, i) => i % PROCESSES === process).join('\n')}\n`
      return runProgram(program, [`${backendSpn}@${realm.realm}`], { env, input })
    }),
  )
  const seconds = outcomes.map((outcome) => Number(succeeded('delegate', outcome).stdout.split(' ')[1]))
  return people.length / Math.max(...seconds)
}

function startImpersonatingApache(realm: ExampleRealm) {
  const caches = join(realm.folder, 'apache/run')
  return startApacheBackend({
    folder: realm.folder,
    environment: realm.environment,
    keytab: realm.gatewayKeytab,
    host: 'gateway.example.test',
    modules: ['auth_basic', 'authn_anon'],
    directives: [
      'AuthType Basic',
      'AuthBasicProvider anon',
      'Anonymous *',
      'Anonymous_MustGiveEmail Off',
      'GssapiImpersonate On',
      `GssapiDelegCcacheDir ${caches}`,
      `GssapiCredStore client_keytab:${join(realm.folder, 'apache/http.keytab')}`,
      `GssapiCredStore ccache:FILE:${join(caches, 'gateway.ccache')}`,
    ],
  })
}

async function impersonated(url: string, name: string): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${name}:any`).toString('base64')}`
  // Apache closes connections that idle between the rounds; one of them may be picked before that is known.
  const ask = () => fetch(url, { headers: { authorization } })
  const response = await ask().catch(ask)
  await response.arrayBuffer()
  if (response.status !== 200) throw new Error(`Apache answers ${response.status} for ${name}`)
}
