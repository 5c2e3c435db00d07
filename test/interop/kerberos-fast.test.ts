import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { createKerberosDelegator, type KerberosDelegatorOptions } from '../../src/kcd/index.ts'
import { backendSpn, gatewayPrincipal, startExampleRealm } from '../lab/kerberos/example-realm.ts'
import { startKdcRelay } from '../lab/kerberos/kdc-relay.ts'

// A KDC that takes no encrypted timestamp takes FAST alone, from accounts that need preauthentication.
const realm = await startExampleRealm(t, {
  sections: '[plugins]\n kdcpreauth = {\n  disable = encrypted_timestamp\n }\n',
  defaults: ['clockskew = 60'],
})
await realm.administer('addprinc -randkey host/gateway.example.test')
const armourKeytab = await realm.keytab('armour.keytab', 'host/gateway.example.test')
const alice = { upn: 'alice@example.test', spn: backendSpn }

function delegatorFor(test: Test, options: Partial<KerberosDelegatorOptions> = {}) {
  const account = { realm: 'EXAMPLE.TEST', kdcs: [realm.kdc], principal: gatewayPrincipal, keytab: realm.gatewayKeytab }
  const delegator = createKerberosDelegator({ ...account, ...options })
  test.teardown(() => delegator.close())
  return delegator
}

t.test('a KDC that insists on FAST is told as such where no armour is configured', async (t) => {
  await t.rejects(delegatorFor(t).negotiate(alice), { code: 'armor-required', message: /armour keytab/ })
})

t.test('with an armour keytab the authentication goes through the tunnel', async (t) => {
  t.match(await delegatorFor(t, { armourKeytab }).negotiate(alice), /^YII/)
  const named = delegatorFor(t, { armourKeytab, armourPrincipal: 'host/gateway.example.test' })
  t.match(await named.negotiate(alice), /^YII/)
  const octets = delegatorFor(t, { armourKeytab: await readFile(armourKeytab) })
  t.match(await octets.negotiate(alice), /^YII/)
})

t.test('a wrong key is told inside the tunnel as well', async (t) => {
  const keytab = await readFile(await realm.keytab('before.keytab', gatewayPrincipal))
  await realm.administer(`cpw -randkey ${gatewayPrincipal}`)
  await t.rejects(delegatorFor(t, { armourKeytab, keytab }).negotiate(alice), { code: 'preauthentication' })
  const after = await realm.keytab('after.keytab', gatewayPrincipal)
  t.match(await delegatorFor(t, { armourKeytab, keytab: after }).negotiate(alice), /^YII/)
})

t.test('an armour account without a key, or of another realm, is told', async (t) => {
  await t.rejects(delegatorFor(t, { armourKeytab, armourPrincipal: 'host/other.example.test' }).negotiate(alice), {
    code: 'keytab',
    message: /host\/other\.example\.test/,
  })
})

t.test('a clock that differs is corrected through the tunnel', async (t) => {
  const keytab = await realm.keytab('clock.keytab', gatewayPrincipal)
  await realm.stop()
  await realm.start(200)
  t.teardown(async () => {
    await realm.stop()
    await realm.start()
  })
  t.match(await delegatorFor(t, { armourKeytab, keytab }).negotiate(alice), /^YII/)
})

t.test('a tunnel that someone on the way takes off is noticed', async (t) => {
  const relay = await startKdcRelay(realm.kdc)
  t.teardown(() => relay.close())
  const keytab = await realm.keytab('relayed.keytab', gatewayPrincipal)
  const delegator = delegatorFor(t, { armourKeytab, keytab, kdcs: [relay.kdc] })
  let armourReply: Buffer | undefined
  relay.answer(async ({ kind, honest }) => {
    const answer = await honest()
    if (kind !== 'AS-REQ') return answer
    // The armour ticket comes without a tunnel; what comes after is answered by the same bytes.
    armourReply ??= answer
    return armourReply
  })
  await t.rejects(delegator.negotiate(alice), { code: 'armor-required', message: /outside the FAST tunnel/ })
  t.equal(delegator.tickets, 0)
})
