import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { createKdcClient } from '../../../src/kcd/kdc/kdc-client.ts'
import { createKdcDirectory } from '../../../src/kcd/kdc/kdc-directory.ts'
import { parsePrincipal } from '../../../src/kcd/principal-name.ts'
import { freePort } from '../../lab/free-port.ts'
import { type KdcRelay, type RelayedAnswer, startKdcRelay } from '../../lab/kerberos/kdc-relay.ts'
import { krbError } from '../peer-messages.ts'

const request = randomBytes(100)
const { signal } = new AbortController()

async function startKdc(t: Test, answer: () => RelayedAnswer | Promise<RelayedAnswer>): Promise<KdcRelay> {
  const relay = await startKdcRelay()
  t.teardown(() => relay.close())
  relay.answer(answer)
  return relay
}

function clientOf(kdcs: string[], options: { patience?: number; mostAtOnce?: number } = {}) {
  const directory = createKdcDirectory({ configured: { 'EXAMPLE.TEST': kdcs } })
  return createKdcClient({ directory, patience: 50, mostAtOnce: 64, ...options })
}

const unavailable = krbError({
  errorCode: 29,
  realm: 'EXAMPLE.TEST',
  service: parsePrincipal('krbtgt/EXAMPLE.TEST', 'EXAMPLE.TEST'),
})

t.test('the answer comes back octet by octet, whatever its size', async (t) => {
  for (const size of [1, 4, 1460, 70_000, 256 * 1024]) {
    const answer = randomBytes(size)
    const kdc = await startKdc(t, () => answer)
    t.ok((await clientOf([kdc.kdc]).ask('EXAMPLE.TEST', request, signal)).equals(answer), `${size} octets`)
    t.ok(kdc.requests[0]?.request.equals(request))
  }
})

t.test('the next KDC is asked when one refuses, closes, keeps silent or is out of service', async (t) => {
  const answer = randomBytes(50)
  for (const { name, first } of [
    { name: 'refuses', first: `127.0.0.1:${await freePort()}` },
    { name: 'closes', first: (await startKdc(t, () => 'close')).kdc },
    { name: 'keeps silent', first: (await startKdc(t, () => 'silence')).kdc },
    { name: 'is out of service', first: (await startKdc(t, () => unavailable)).kdc },
  ]) {
    const second = await startKdc(t, () => answer)
    const client = clientOf([first, second.kdc])
    t.ok((await client.ask('EXAMPLE.TEST', request, signal)).equals(answer), name)
    t.ok((await client.ask('EXAMPLE.TEST', request, signal)).equals(answer), `${name}, again`)
    t.equal(second.requests.length, 2)
  }
})

t.test('a slow KDC may still answer after the next one was asked', async (t) => {
  const late = Promise.withResolvers<RelayedAnswer>()
  const slow = await startKdc(t, () => late.promise)
  const other = await startKdc(t, () => {
    late.resolve(Buffer.from('slow'))
    return 'silence'
  })
  const answer = await clientOf([slow.kdc, other.kdc]).ask('EXAMPLE.TEST', request, signal)
  t.equal(answer.toString(), 'slow')
})

t.test('where all are out of service, their own words are the answer; where none answers, each is named', async (t) => {
  const kdc = await startKdc(t, () => unavailable)
  t.ok((await clientOf([kdc.kdc]).ask('EXAMPLE.TEST', request, signal)).equals(unavailable))
  const dead = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  await t.rejects(clientOf(dead).ask('EXAMPLE.TEST', request, signal), {
    code: 'kdc-unreachable',
    message: new RegExp(`${dead[0]}.*${dead[1]}`),
  })
})

t.test('no more requests than allowed are under way, and each gets its turn', async (t) => {
  let atOnce = 0
  let most = 0
  const kdc = await startKdc(t, async () => {
    most = Math.max(most, ++atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    atOnce--
    return Buffer.from('answer')
  })
  const client = clientOf([kdc.kdc], { mostAtOnce: 3, patience: 5000 })
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.ask('EXAMPLE.TEST', request, signal)))
  t.equal(answers.length, 20)
  t.ok(most <= 3, `${most} at once`)
})

t.test('who waits for a turn stops at the deadline, and its turn goes to the next', async (t) => {
  const held = Promise.withResolvers<RelayedAnswer>()
  const kdc = await startKdc(t, () => held.promise)
  const client = clientOf([kdc.kdc], { mostAtOnce: 1, patience: 60_000 })
  const first = client.ask('EXAMPLE.TEST', request, signal)
  const deadline = new AbortController()
  const second = client.ask('EXAMPLE.TEST', request, deadline.signal)
  const third = client.ask('EXAMPLE.TEST', request, signal)
  deadline.abort(new Error('too late'))
  await t.rejects(second, { message: 'too late' })
  held.resolve(Buffer.from('answer'))
  t.equal((await first).toString(), 'answer')
  t.equal((await third).toString(), 'answer')
  await t.rejects(client.ask('EXAMPLE.TEST', request, deadline.signal), { message: 'too late' })
})
