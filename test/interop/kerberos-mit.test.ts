import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createKerberosDelegator, type KerberosDelegatorOptions, KerberosError } from '../../src/kcd/index.ts'
import { freePort } from '../lab/free-port.ts'
import { startApacheBackend } from '../lab/kerberos/apache-backend.ts'
import { seenByBackend } from '../lab/kerberos/backend-sight.ts'
import { backendSpn, gatewayPrincipal, legacySpn, otherSpn, startExampleRealm } from '../lab/kerberos/example-realm.ts'
import { acceptToken } from '../lab/kerberos/gss-acceptor.ts'
import { startKdcRelay } from '../lab/kerberos/kdc-relay.ts'
import { runProgram } from '../lab/processes.ts'

const realm = await startExampleRealm(t, { defaults: ['clockskew = 60'] })
const apache = await startApacheBackend({
  folder: realm.folder,
  environment: realm.environment,
  keytab: realm.backendKeytab,
  host: 'backend.example.test',
})
t.teardown(() => apache.stop())

const alice = { upn: 'alice@example.test', spn: backendSpn }
const bob = { upn: 'bob@example.test', spn: backendSpn }

function delegatorFor(test: Test, options: Partial<KerberosDelegatorOptions> = {}) {
  const keys = options.password === undefined ? { keytab: realm.gatewayKeytab } : {}
  const delegator = createKerberosDelegator({
    realm: 'EXAMPLE.TEST',
    kdcs: [realm.kdc],
    principal: gatewayPrincipal,
    ...keys,
    ...options,
  })
  test.teardown(() => delegator.close())
  return delegator
}

const issuedSince = async (mark: number, what: string) => {
  const log = (await readFile(realm.log)).subarray(mark).toString()
  return log.split('\n').filter((line) => line.includes(what)).length
}
const logMark = async () => (await readFile(realm.log)).length

t.test('a backend sees the person whose user principal name was given', async (t) => {
  const delegator = delegatorFor(t)
  t.match(await seenByBackend(apache.url), { status: 401, user: undefined })
  for (const [request, user] of [
    [alice, 'alice@EXAMPLE.TEST'],
    [bob, 'bob@EXAMPLE.TEST'],
  ] as const) {
    const negotiation = await delegator.begin(request)
    const sight = await seenByBackend(apache.url, negotiation.value)
    t.match(sight, { status: 200, user })
    t.equal(negotiation.check(sight.answer), 'proved', 'the backend proves that it has the key of the service')
  }
  const first = await delegator.begin(alice)
  const second = await delegator.begin(alice)
  const { answer } = await seenByBackend(apache.url, first.value)
  t.throws(() => second.check(answer), { code: 'mutual-authentication' }, 'an answer to another token proves nothing')
})

t.test('every token is taken once', async (t) => {
  const delegator = delegatorFor(t)
  const value = await delegator.negotiate(alice)
  t.match(await seenByBackend(apache.url, value), { status: 200 })
  t.match(await seenByBackend(apache.url, value), { status: 401, user: undefined }, 'the second time it is a replay')
  t.not(await delegator.negotiate(alice), value)
})

t.test('a password does what a keytab does', async (t) => {
  await realm.administer('addprinc -pw gatewaypw +requires_preauth +ok_to_auth_as_delegate HTTP/password.example.test')
  await realm.allowDelegation('HTTP/password.example.test', backendSpn)
  const options = { principal: 'HTTP/password.example.test', keytab: undefined, password: 'gatewaypw' }
  const delegator = delegatorFor(t, options)
  t.match(await seenByBackend(apache.url, await delegator.negotiate(alice)), { user: 'alice@EXAMPLE.TEST' })
  const wrong = delegatorFor(t, { ...options, password: 'other' })
  await t.rejects(wrong.negotiate(alice), { code: 'preauthentication', kdcCode: 24 })
})

t.test('an account without preauthentication of every encryption type gets its tickets', async (t) => {
  for (const type of ['aes256-cts-hmac-sha384-192', 'aes128-cts-hmac-sha256-128', 'aes256-cts', 'aes128-cts']) {
    const service = `HTTP/${type}.example.test`
    await realm.administer(`addprinc -randkey -e ${type}:normal +ok_to_auth_as_delegate ${service}`)
    await realm.allowDelegation(service, backendSpn)
    const delegator = delegatorFor(t, { principal: service, keytab: await realm.keytab(`${type}.keytab`, service) })
    t.match(await seenByBackend(apache.url, await delegator.negotiate(alice)), { user: 'alice@EXAMPLE.TEST' }, type)
  }
})

t.test('what the KDC does not grant is refused with a code of its own', async (t) => {
  const delegator = delegatorFor(t)
  for (const { name, request, code, kdcCode } of [
    {
      name: 'a service that is not in the allow list',
      request: { ...alice, spn: otherSpn },
      code: 'delegation-refused',
      kdcCode: 13,
    },
    {
      name: 'a service nobody knows',
      request: { ...alice, spn: 'HTTP/missing.example.test' },
      code: 'service-unknown',
      kdcCode: 7,
    },
    {
      name: 'a person who may not be delegated',
      request: { ...alice, upn: 'ceo@example.test' },
      code: 'not-delegatable',
    },
    {
      name: 'a person nobody knows',
      request: { ...alice, upn: 'nobody@example.test' },
      code: 'user-unknown',
      kdcCode: 6,
    },
    {
      name: 'a person whose account has expired',
      request: { ...alice, upn: 'expired@example.test' },
      code: 'user-unusable',
      kdcCode: 1,
    },
    {
      name: 'a person whose account is disabled',
      request: { ...alice, upn: 'disabled@example.test' },
      code: 'user-unusable',
      kdcCode: 18,
    },
    {
      name: 'a realm that nobody trusts',
      request: { ...alice, upn: 'alice@elsewhere.test', userName: 'principal' as const },
      code: 'principal',
    },
  ]) {
    const refusal = await delegator.negotiate(request).then(
      () => t.fail(`${name} got a token`),
      (error) => error,
    )
    t.type(refusal, KerberosError, name)
    t.match(refusal, kdcCode === undefined ? { code } : { code, kdcCode }, name)
  }
  t.equal(delegator.tickets, 0, 'and leaves no ticket behind')
})

t.test('an account without protocol transition delegates nobody, and its evidence is not sent', async (t) => {
  const relay = await startKdcRelay(realm.kdc)
  t.teardown(() => relay.close())
  const principal = 'HTTP/plain.example.test'
  const delegator = delegatorFor(t, {
    principal,
    keytab: await realm.keytab('plain.keytab', principal),
    kdcs: [relay.kdc],
  })
  await t.rejects(delegator.negotiate(alice), { code: 'not-delegatable', message: /any authentication protocol/ })
  t.equal(relay.requests.filter(({ kind }) => kind === 'TGS-REQ').length, 1, 'S4U2Self alone')
})

t.test('RC4 is refused with the advice to turn AES on', async (t) => {
  const principal = 'HTTP/rc4.example.test'
  await realm.administer(`addprinc -randkey -e arcfour-hmac:normal ${principal}`)
  const delegator = delegatorFor(t, { principal, keytab: await realm.keytab('rc4.keytab', principal) })
  await t.rejects(delegator.negotiate(alice), { code: 'encryption-type', message: /AES128,AES256/ })
  // The keys of the backend are its own business: what we encrypt for it is in AES all the same.
  const value = await delegatorFor(t).negotiate({ ...alice, spn: legacySpn })
  t.match(value, /^YII/)
})

t.test('a wrong key is told as such, and a keytab that was replaced is read again', async (t) => {
  const keytab = join(realm.folder, 'rotated.keytab')
  const principal = 'HTTP/rotated.example.test'
  await realm.administer(`addprinc -randkey +requires_preauth +ok_to_auth_as_delegate ${principal}`)
  await realm.allowDelegation(principal, backendSpn)
  await writeFile(keytab, await readFile(await realm.keytab('old.keytab', principal)), { mode: 0o600 })
  await realm.administer(`cpw -randkey ${principal}`)
  const delegator = delegatorFor(t, { principal, keytab })
  await t.rejects(delegator.negotiate(alice), { code: 'preauthentication', kdcCode: 24, message: /keytab/ })
  await writeFile(keytab, await readFile(await realm.keytab('new.keytab', principal)))
  t.match(await seenByBackend(apache.url, await delegator.negotiate(alice)), { user: 'alice@EXAMPLE.TEST' })

  await realm.administer(`cpw -randkey ${principal}`)
  await t.rejects(delegator.negotiate(bob), { code: 'keytab' }, 'evidence in a key that the keytab does not have yet')
  await writeFile(keytab, await readFile(await realm.keytab('newer.keytab', principal)))
  t.match(await seenByBackend(apache.url, await delegator.negotiate(bob)), { user: 'bob@EXAMPLE.TEST' })
})

t.test('a keytab with an old and a new key works on either side of the change', async (t) => {
  const principal = 'HTTP/changing.example.test'
  await realm.administer(`addprinc -randkey +requires_preauth +ok_to_auth_as_delegate ${principal}`)
  await realm.allowDelegation(principal, backendSpn)
  const before = await realm.keytab('changing.keytab', principal)
  await realm.administer(`cpw -randkey ${principal}`, `ktadd -norandkey -k ${before} ${principal}`)
  t.match(await delegatorFor(t, { principal, keytab: before }).negotiate(alice), /^YII/)
})

t.test('a keytab that others may read is refused', async (t) => {
  const keytab = join(realm.folder, 'open.keytab')
  await writeFile(keytab, await readFile(realm.gatewayKeytab), { mode: 0o644 })
  await t.rejects(delegatorFor(t, { keytab }).negotiate(alice), { code: 'keytab', message: /chmod/ })
  const octets = await readFile(realm.gatewayKeytab)
  t.match(await delegatorFor(t, { keytab: octets }).negotiate(alice), /^YII/, 'octets instead of a file will do')
})

t.test('tickets are kept until shortly before they end, then fetched anew', async (t) => {
  let offset = 0
  const now = () => new Date(Date.now() + offset)
  const delegator = delegatorFor(t, { ticketLifetime: 30, now })
  const mark = await logMark()
  for (let i = 0; i < 5; i++) await delegator.negotiate(alice)
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 1, 'one ticket for five tokens')
  t.equal(await issuedSince(mark, 'PROTOCOL-TRANSITION'), 1)
  offset = 28_000
  t.match(await delegator.negotiate(alice), /^YII/)
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 2, 'in the last tenth of its life it is not used any more')
  t.equal(delegator.tickets, 1)
  delegator.forget('ALICE@example.test')
  t.equal(delegator.tickets, 0)
  await delegator.negotiate(alice)
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 3, 'a person who was forgotten is asked for again')
  await delegator.negotiate({ ...alice, fresh: true })
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 3, 'a ticket of seconds ago is fresh')
  offset = 40_000
  await delegator.negotiate({ ...alice, fresh: true })
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 4)
})

t.test('the ticket-granting ticket is replaced before it ends', async (t) => {
  await realm.administer('addprinc -randkey -maxlife "2 minutes" +ok_to_auth_as_delegate HTTP/short.example.test')
  await realm.allowDelegation('HTTP/short.example.test', backendSpn)
  let offset = 0
  const delegator = delegatorFor(t, {
    principal: 'HTTP/short.example.test',
    keytab: await realm.keytab('short.keytab', 'HTTP/short.example.test'),
    now: () => new Date(Date.now() + offset),
  })
  const mark = await logMark()
  await delegator.negotiate(alice)
  await delegator.negotiate(bob)
  t.equal(await issuedSince(mark, 'AS_REQ'), 1)
  await realm.stop()
  await realm.start(115)
  t.teardown(async () => {
    await realm.stop()
    await realm.start()
  })
  offset = 115_000
  t.match(await delegator.negotiate(alice), /^YII/)
  t.equal(await issuedSince(mark, 'AS_REQ'), 2)
})

t.test('a KDC that does not take its own tickets any more is asked for new ones', async (t) => {
  const delegator = delegatorFor(t)
  await delegator.negotiate(alice)
  await realm.administer('cpw -randkey krbtgt/EXAMPLE.TEST')
  t.match(await seenByBackend(apache.url, await delegator.negotiate(bob)), { user: 'bob@EXAMPLE.TEST' })
})

t.test('a clock that differs is corrected within the bound, and told beyond it', async (t) => {
  t.teardown(async () => {
    await realm.stop()
    await realm.start()
  })
  for (const offset of [240, -240]) {
    await realm.stop()
    await realm.start(offset)
    const delegator = delegatorFor(t)
    t.match(await delegator.negotiate(alice), /^YII/, `${offset} s`)
    await t.rejects(delegatorFor(t, { largestClockSkew: 120 }).negotiate(alice), { code: 'clock-skew', kdcCode: 37 })
    const cache = await delegator.credentialCache(alice)
    t.ok(Math.abs(cache.readInt32BE(8) - offset) <= 2, 'the credential cache tells other programs of it')
  }
  await realm.stop()
  await realm.start(900)
  await t.rejects(delegatorFor(t).negotiate(alice), {
    code: 'clock-skew',
    kdcCode: 37,
    message: /900 s ahead|899 s ahead/,
  })
})

t.test('a KDC that is down is told, another one is asked, and all is well when it is back', async (t) => {
  const dead = `127.0.0.1:${await freePort()}`
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const mute = `127.0.0.1:${(silent.address() as { port: number }).port}`

  t.match(await delegatorFor(t, { kdcs: [dead, realm.kdc] }).negotiate(alice), /^YII/, 'one that nobody listens at')
  const patient = delegatorFor(t, { kdcs: [mute, realm.kdc], patience: 0.05 })
  t.match(await patient.negotiate(alice), /^YII/, 'one that keeps silent')
  const begun = performance.now()
  t.match(await patient.negotiate(bob), /^YII/)
  t.ok(performance.now() - begun < 2000, 'after that the one that answers is asked first')

  const delegator = delegatorFor(t, { kdcs: [dead, realm.kdc] })
  await realm.stop()
  await t.rejects(delegator.negotiate(alice), { code: 'kdc-unreachable', message: /nothing listens there.*; / })
  await realm.start()
  t.match(await seenByBackend(apache.url, await delegator.negotiate(alice)), { user: 'alice@EXAMPLE.TEST' })
  await realm.stop()
  t.match(await delegator.negotiate(alice), /^YII/, 'a ticket that is kept needs no KDC')
  await t.rejects(delegator.negotiate(bob), { code: 'kdc-unreachable' })
  await realm.start()
  t.match(await delegator.negotiate(bob), /^YII/, 'failures are not remembered')
})

t.test('a hundred requests of two people at once are never mixed up, and ask the KDC once for each', async (t) => {
  const delegator = delegatorFor(t)
  const mark = await logMark()
  const people = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? alice : bob))
  const values = await Promise.all(people.map((request) => delegator.negotiate(request)))
  t.equal(new Set(values).size, 100, 'every token is another one')
  const seen = await Promise.all(values.map((value) => seenByBackend(apache.url, value)))
  t.same(
    seen.map(({ user }) => user),
    people.map(({ upn }) => `${upn.split('@')[0]}@EXAMPLE.TEST`),
  )
  t.equal(await issuedSince(mark, 'AS_REQ'), 2, 'one authentication: without proof, then with it')
  t.equal(await issuedSince(mark, 'PROTOCOL-TRANSITION'), 2)
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 2)
  t.equal(delegator.tickets, 2)
})

t.test('no more tickets are kept than allowed', async (t) => {
  const delegator = delegatorFor(t, { mostTickets: 1 })
  const mark = await logMark()
  await delegator.negotiate(alice)
  await delegator.negotiate(bob)
  t.equal(delegator.tickets, 1)
  await delegator.negotiate(bob)
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 2)
  await delegator.negotiate(alice)
  t.equal(await issuedSince(mark, 'CONSTRAINED-DELEGATION'), 3, 'the one used longest ago went')
})

t.test('the tickets are real: klist, kvno and curl use them from our credential cache', async (t) => {
  const delegator = delegatorFor(t)
  const cache = join(realm.folder, 'exported.ccache')
  await writeFile(cache, await delegator.credentialCache(alice), { mode: 0o600 })
  const env = { ...realm.environment, KRB5CCNAME: `FILE:${cache}` }
  const klist = await runProgram('/usr/bin/klist', ['-f', '-e'], { env })
  t.equal(klist.code, 0, klist.stderr)
  t.match(klist.stdout, /Default principal: alice@EXAMPLE\.TEST/)
  t.match(klist.stdout, /HTTP\/backend\.example\.test@EXAMPLE\.TEST/)
  await realm.stop()
  t.teardown(() => realm.start())
  const kvno = await runProgram('/usr/bin/kvno', ['-k', realm.backendKeytab, backendSpn], { env })
  t.equal(kvno.code, 0, `${kvno.stdout}${kvno.stderr}`)
  t.match(kvno.stdout, /keytab entry valid/)
  const host = `backend.example.test:${apache.port}`
  const curl = await runProgram(
    'curl',
    ['-s', '--negotiate', '-u', ':', '--resolve', `${host}:127.0.0.1`, `http://${host}/`],
    { env },
  )
  t.same(JSON.parse(curl.stdout), { user: 'alice@EXAMPLE.TEST', authType: 'Negotiate' })
})

t.test('a channel binding is the one that the backend computes, and a wrong one is refused', async (t) => {
  const delegator = delegatorFor(t)
  const acceptor = { environment: realm.environment, keytab: realm.backendKeytab }
  const binding = Buffer.from('tls-server-end-point:0123456789abcdef0123456789abcdef')
  const bound = await delegator.begin({ ...alice, channelBinding: binding })
  const accepted = await acceptToken(bound.value, { ...acceptor, binding })
  t.match(accepted, { user: 'alice@EXAMPLE.TEST', bound: true, mutual: true, delegated: false })
  t.equal(bound.check(accepted.answer), 'proved')
  const stolen = await delegator.negotiate({ ...alice, channelBinding: binding })
  const elsewhere = Buffer.from('tls-server-end-point:ffffffffffffffffffffffffffffffff')
  t.same(await acceptToken(stolen, { ...acceptor, binding: elsewhere }), { refused: 'BadChannelBindingsError' })
  const unbound = await acceptToken(await delegator.negotiate(alice), acceptor)
  t.match(unbound, { user: 'alice@EXAMPLE.TEST', bound: false })
})

t.test('a delegator that is closed has no tickets and gives none', async (t) => {
  const delegator = delegatorFor(t)
  await delegator.negotiate(alice)
  const underWay = delegator.negotiate(bob)
  await delegator.close()
  await t.rejects(underWay, { code: 'closed' })
  await t.rejects(delegator.negotiate(alice), { code: 'closed' })
  t.equal(delegator.tickets, 0)
})
