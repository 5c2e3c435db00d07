import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { randomEncryptionKey } from '../../../src/kcd/crypto/encryption-key.ts'
import { createKerberosDelegator, KerberosError } from '../../../src/kcd/index.ts'
import { LARGEST_ANSWER } from '../../../src/kcd/kdc/kdc-connection.ts'
import { encode, field, integer, octetString, sequence } from '../../../src/kcd/messages/der-writer.ts'
import { PaDataType } from '../../../src/kcd/messages/pa-data.ts'
import { framed } from '../../lab/kerberos/kdc-relay.ts'
import { krbError, s4uReply } from '../peer-messages.ts'
import { backend, type Forgery, gateway, principalOf, realm, type Stage, startForgingKdc } from './forging-kdc.ts'

const now = () => new Date('2026-11-23T12:00:00Z')
const alice = { upn: 'alice@example.test', spn: 'HTTP/backend.example.test' }
const bob = principalOf('bob')
const evil = { ...principalOf('alice'), realm: 'EVIL.TEST' }
const past = new Date('2026-11-23T11:59:59Z')
const krbtgt = principalOf(`krbtgt/${realm}`)
const refusal = (errorCode: number, more = {}) => krbError({ errorCode, realm, service: krbtgt, ...more })

async function startGateway(t: Test, options = {}) {
  const kdc = await startForgingKdc()
  const delegator = createKerberosDelegator({
    realm,
    kdcs: [kdc.kdc],
    principal: 'HTTP/gateway.example.test',
    keytab: kdc.keytab,
    now,
    timeout: 5,
    ...options,
  })
  t.teardown(async () => {
    await delegator.close()
    await kdc.close()
  })
  return { kdc, delegator }
}

t.test('the honest answers that the forged ones differ from are taken', async (t) => {
  const { kdc, delegator } = await startGateway(t)
  t.match(await delegator.negotiate(alice), /^YII/)
  t.same(kdc.asked, { AS: 1, S4U2Self: 1, S4U2Proxy: 1 })
})

const stages: Stage[] = ['AS', 'S4U2Self', 'S4U2Proxy']
const forgeries: { name: string; stage: Stage; forgery: Forgery; code: string }[] = [
  ...stages.flatMap((stage) => {
    const forged = (name: string, code: string, forgery: Forgery) => ({ name, stage, forgery, code })
    return [
      forged('with another nonce', 'mismatch', { reply: { nonce: 4711 } }),
      forged('made with another key', 'integrity', { reply: { replyKey: randomEncryptionKey(18) } }),
      forged('in another encryption type than the key', 'encryption-type', {
        reply: { replyKey: randomEncryptionKey(17) },
      }),
      forged('for another use of the key', 'integrity', { reply: { usage: 11 } }),
      forged('of another exchange', 'malformed', { reply: { exchange: stage === 'AS' ? 'TGS' : 'AS' } }),
      forged('for a service of another realm', 'mismatch', { reply: { service: { ...backend, realm: 'EVIL.TEST' } } }),
      forged('whose ticket is to another service', 'mismatch', {
        ticket: { service: principalOf('HTTP/evil.example.test') },
      }),
      forged('that has expired', 'ticket-expired', { reply: { endsAt: past } }),
      forged('marked invalid', 'mismatch', { reply: { flags: 0x41e10000 } }),
      forged('with a client of another realm', 'mismatch', { reply: { client: evil }, ticket: { client: evil } }),
      forged('that is empty', 'malformed', { instead: { raw: Buffer.alloc(4) } }),
      forged('that is no message', 'malformed', { instead: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') }),
      forged('larger than the limit', 'malformed', { instead: { raw: Buffer.from([0, 4, 0, 1]) } }),
      forged('of 4 GB, as it says', 'malformed', { instead: { raw: Buffer.from([255, 255, 255, 255]) } }),
      forged('longer than it says', 'malformed', {
        instead: { raw: Buffer.concat([framed(refusal(6)), Buffer.alloc(9)]) },
      }),
      forged('that ends early', 'kdc-unreachable', { instead: { raw: framed(refusal(6)).subarray(0, 20) } }),
      forged('that does not come', 'kdc-unreachable', { instead: 'close' }),
    ].filter(({ stage, name }) => !(stage === 'AS' && name === 'for a service of another realm'))
  }),
  { name: 'for another account', stage: 'AS', forgery: { reply: { client: bob } }, code: 'mismatch' },
  {
    name: 'to another service than ticket-granting',
    stage: 'AS',
    forgery: { reply: { service: backend }, ticket: { service: backend } },
    code: 'mismatch',
  },
  {
    name: 'on behalf of another person',
    stage: 'S4U2Self',
    forgery: { reply: { client: bob }, ticket: { client: bob } },
    code: 'mismatch',
  },
  {
    name: 'on behalf of another person, the open name changed',
    stage: 'S4U2Self',
    forgery: { ticket: { client: bob } },
    code: 'mismatch',
  },
  {
    name: 'on behalf of ourselves',
    stage: 'S4U2Self',
    forgery: { reply: { client: gateway }, ticket: { client: gateway } },
    code: 'mismatch',
  },
  {
    name: 'whose ticket is in another key than ours',
    stage: 'S4U2Self',
    forgery: { ticket: { serviceKey: randomEncryptionKey(18) } },
    code: 'keytab',
  },
  {
    name: 'to another service',
    stage: 'S4U2Self',
    forgery: { reply: { service: backend }, ticket: { service: backend } },
    code: 'mismatch',
  },
  {
    name: 'that refers to our own realm',
    stage: 'S4U2Self',
    forgery: { reply: { service: krbtgt }, ticket: { service: krbtgt } },
    code: 'mismatch',
  },
  {
    name: 'that is not forwardable',
    stage: 'S4U2Self',
    forgery: { reply: { flags: 0x00a10000 } },
    code: 'not-delegatable',
  },
  { name: 'on behalf of another person', stage: 'S4U2Proxy', forgery: { reply: { client: bob } }, code: 'mismatch' },
  {
    name: 'to another service',
    stage: 'S4U2Proxy',
    forgery: { reply: { service: gateway }, ticket: { service: gateway } },
    code: 'mismatch',
  },
  {
    name: 'that refers elsewhere',
    stage: 'S4U2Proxy',
    forgery: {
      reply: { service: principalOf('krbtgt/EVIL.TEST') },
      ticket: { service: principalOf('krbtgt/EVIL.TEST') },
    },
    code: 'mismatch',
  },
  {
    name: 'with a wrong PA-S4U-X509-USER',
    stage: 'S4U2Self',
    forgery: {
      reply: { paData: [{ type: PaDataType.S4U_X509_USER, value: s4uReply(bob, 1, randomEncryptionKey(18), true) }] },
    },
    code: 'integrity',
  },
]

for (const { name, stage, forgery, code } of forgeries) {
  t.test(`an answer to ${stage} ${name} is refused, nothing is kept, and the next honest one is taken`, async (t) => {
    const { kdc, delegator } = await startGateway(t)
    kdc.forge(stage, forgery)
    const refused = await delegator.negotiate(alice).then(
      () => undefined,
      (error: unknown) => error,
    )
    t.type(refused, KerberosError)
    t.match(refused, { code })
    t.equal(delegator.tickets, 0)
    kdc.forge()
    t.match(await delegator.negotiate(alice), /^YII/)
    t.equal(delegator.tickets, 1)
  })
}

for (const stage of stages) {
  t.test(
    `whatever happens to the octets of an answer to ${stage}, it ends in an error or in a ticket for nobody else`,
    async (t) => {
      const { kdc, delegator } = await startGateway(t)
      let length = 0
      const outcome = async (change: (answer: Buffer) => Buffer) => {
        kdc.forge(stage, {
          change: (answer) => {
            length = answer.length
            return change(answer)
          },
        })
        const other = createKerberosDelegator({
          realm,
          kdcs: [kdc.kdc],
          principal: 'HTTP/gateway.example.test',
          keytab: kdc.keytab,
          now,
        })
        const result = await other.credentialCache(alice).catch((error: unknown) => error)
        await other.close()
        return result
      }
      await outcome((answer) => answer)
      for (let cut = 1; cut < length; cut += 23) {
        const error = await outcome((answer) => answer.subarray(0, cut))
        t.match(error, { name: 'KerberosError', code: 'malformed' }, `cut to ${cut} octets`)
      }
      for (let at = 0; at < length; at += 5) {
        const result = await outcome((answer) => {
          const changed = Buffer.from(answer)
          changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at)
          return changed
        })
        if (result instanceof Buffer) {
          t.ok(
            result.includes('alice') && !result.includes('bob'),
            `octet ${at} changed: a ticket for her or for nobody`,
          )
        } else t.match(result, { name: 'KerberosError' }, `octet ${at} changed`)
      }
      t.equal(delegator.tickets, 0)
    },
  )
}

t.test('a KDC that refuses for ever is given up after a few rounds', async (t) => {
  const info = encode(sequence(sequence(field(0, integer(18)))))
  const timestamp = sequence(field(1, integer(PaDataType.ENC_TIMESTAMP)), field(2, octetString(Buffer.alloc(0))))
  const etypes = sequence(field(1, integer(PaDataType.ETYPE_INFO2)), field(2, octetString(info)))
  for (const { name, answer, code } of [
    {
      name: 'wants preauthentication',
      answer: refusal(25, { data: encode(sequence(timestamp, etypes)) }),
      code: 'preauthentication',
    },
    { name: 'wants preauthentication of no kind', answer: refusal(25), code: 'preauthentication' },
    {
      name: 'complains about the clock',
      answer: refusal(37, { serverTime: new Date('2026-11-23T12:04:00Z') }),
      code: 'clock-skew',
    },
    {
      name: 'has a clock far off',
      answer: refusal(37, { serverTime: new Date('2030-01-01T00:00:00Z') }),
      code: 'clock-skew',
    },
    { name: 'is out of service', answer: refusal(29), code: 'kdc-unreachable' },
    { name: 'speaks of nothing known', answer: refusal(999), code: 'kdc-refused' },
  ]) {
    const { kdc, delegator } = await startGateway(t)
    kdc.forge('AS', { instead: answer })
    await t.rejects(delegator.negotiate(alice), { code }, name)
    t.ok(kdc.asked.AS <= 5, `${name}: ${kdc.asked.AS} times asked`)
    kdc.forge()
    t.match(await delegator.negotiate(alice), /^YII/, `${name}: forgotten`)
  }
})

t.test('realms that refer to each other for a person are not followed for ever', async (t) => {
  const { kdc, delegator } = await startGateway(t)
  kdc.forge('AS', { instead: refusal(68, { clientRealm: realm }) })
  const request = { ...alice, userName: 'enterprise' as const }
  await t.rejects(delegator.negotiate(request), { name: 'KerberosError' })
  kdc.forge('AS', { instead: refusal(68, { clientRealm: 'EVIL/REALM' }) })
  await t.rejects(delegator.negotiate(request), { name: 'KerberosError' })
})

t.test('names that are none are refused before anything is sent', async (t) => {
  const { kdc, delegator } = await startGateway(t)
  for (const upn of [
    '',
    'alice',
    'alice@',
    '@example.test',
    'alice@example.test@evil.test',
    'alice/admin@example.test',
    'gateway$@example.test',
    'alice\0@example.test',
    'alice \n@example.test',
    'alice\\@evil@example.test',
    'alice@example.test/evil',
    'alice@EXAMPLE.TEST\n',
    `${'a'.repeat(1100)}@example.test`,
  ]) {
    await t.rejects(delegator.negotiate({ ...alice, upn }), { code: 'principal' }, JSON.stringify(upn.slice(0, 40)))
  }
  for (const spn of [
    '',
    'HTTP',
    'HTTP/',
    'HTTP/*',
    'cifs/backend.example.test',
    'ldap/backend.example.test',
    'HOST/backend.example.test',
    'krbtgt/EXAMPLE.TEST',
    'HTTP/backend.example.test@EVIL.TEST',
    'HTTP/backend.example.test/instance',
    'HTTP/backend\n.example.test',
    'HTTP/backend.example.test:99999',
    'HTTP/backend.example.test\0',
  ]) {
    await t.rejects(delegator.negotiate({ ...alice, spn }), { code: 'principal' }, JSON.stringify(spn))
  }
  t.same(kdc.requests, [])
  t.equal(delegator.tickets, 0)
})

t.test('a KDC that never answers costs the deadline and no more', async (t) => {
  const sockets = new Set<Socket>()
  let drip = false
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (!drip) return
    // An octet now and then keeps a connection alive, not a request.
    socket.write(Buffer.from([0, 0, 4, 0]))
    const timer = setInterval(() => socket.write(Buffer.alloc(1)), 20)
    socket.on('close', () => clearInterval(timer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const kdcs = [`127.0.0.1:${(server.address() as AddressInfo).port}`]
  for (const slowly of [false, true]) {
    drip = slowly
    const account = { realm, kdcs, principal: 'HTTP/gateway.example.test', password: 'secret' }
    const delegator = createKerberosDelegator({ ...account, timeout: 0.3 })
    t.teardown(() => delegator.close())
    const begun = performance.now()
    const results = await Promise.allSettled([
      delegator.negotiate(alice),
      delegator.negotiate(alice),
      delegator.negotiate({ ...alice, upn: 'bob@example.test' }),
    ])
    const took = performance.now() - begun
    for (const result of results) t.match(result, { status: 'rejected', reason: { code: 'deadline' } })
    t.ok(took >= 290 && took < 2000, `${Math.round(took)} ms`)
    t.equal(delegator.tickets, 0)
  }
})

t.test('who stops waiting leaves the others waiting', async (t) => {
  const { kdc, delegator } = await startGateway(t)
  const impatient = new AbortController()
  const first = delegator.negotiate({ ...alice, signal: impatient.signal })
  const second = delegator.negotiate(alice)
  impatient.abort(new Error('gone'))
  await t.rejects(first, { message: 'gone' })
  t.match(await second, /^YII/)
  t.equal(kdc.asked.S4U2Proxy, 1)
})

t.test('a password is not stretched for as long as an attacker likes', async (t) => {
  const { kdc } = await startGateway(t)
  const parameters = Buffer.from([0xff, 0xff, 0xff, 0xff])
  const info = encode(sequence(sequence(field(0, integer(18)), field(2, octetString(parameters)))))
  const timestamp = sequence(field(1, integer(PaDataType.ENC_TIMESTAMP)), field(2, octetString(Buffer.alloc(0))))
  const etypes = sequence(field(1, integer(PaDataType.ETYPE_INFO2)), field(2, octetString(info)))
  kdc.forge('AS', { instead: refusal(25, { data: encode(sequence(timestamp, etypes)) }) })
  const delegator = createKerberosDelegator({ realm, kdcs: [kdc.kdc], principal: 'gateway', password: 'secret', now })
  t.teardown(() => delegator.close())
  await t.rejects(delegator.negotiate(alice), { code: 'malformed' })
})

t.test('the limit of an answer leaves room for the largest ticket of Windows', async (t) => {
  t.ok(LARGEST_ANSWER >= 128 * 1024 && LARGEST_ANSWER <= 1024 * 1024)
})
