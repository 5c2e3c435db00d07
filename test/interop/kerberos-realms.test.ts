import { chmodSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { createKerberosDelegator, type KerberosDelegatorOptions } from '../../src/kcd/index.ts'
import { startApacheBackend } from '../lab/kerberos/apache-backend.ts'
import { seenByBackend } from '../lab/kerberos/backend-sight.ts'
import { startDirectoryServer } from '../lab/kerberos/directory-server.ts'
import { startKdcRelay } from '../lab/kerberos/kdc-relay.ts'
import { createMitRealm } from '../lab/kerberos/mit-realm.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

const gateway = 'HTTP/gateway.example.test'
const spn = 'HTTP/backend.example.test'

const folder = temporaryFolder(t)
chmodSync(folder, 0o711)
const directory = await startDirectoryServer(folder)
t.teardown(() => directory.close())
const example = await createMitRealm({ directory, folder, realm: 'EXAMPLE.TEST' })
t.teardown(() => example.stop())
const partner = await createMitRealm({ directory, folder, realm: 'PARTNER.TEST' })
t.teardown(() => partner.stop())
const trust = ['krbtgt/PARTNER.TEST@EXAMPLE.TEST', 'krbtgt/EXAMPLE.TEST@PARTNER.TEST']
await example.administer(
  'addprinc -pw alicepw alice',
  'addprinc -randkey other',
  `addprinc -randkey +requires_preauth +ok_to_auth_as_delegate ${gateway}`,
  `addprinc -randkey ${spn}`,
  ...trust.map((principal) => `addprinc -pw shared-secret ${principal}`),
)
await partner.administer(
  'addprinc -pw bobpw bob',
  'addprinc -pw secretpw -allow_forwardable ceo',
  ...trust.map((principal) => `addprinc -pw shared-secret ${principal}`),
)
await example.allowDelegation(gateway, spn)
// What a directory with enterprise names and realm referrals does by itself.
await example.addAlias('alice', 'alice@alt.test')
await example.addAlias('other', 'bob@partner.test', 'bob@PARTNER.TEST')
await partner.addAlias('bob', 'bob@partner.test')
await partner.addAlias('krbtgt/EXAMPLE.TEST', `${gateway.replace('/', '\\/')}@EXAMPLE.TEST`)

const keytab = await example.keytab('gateway.keytab', gateway)
const apache = await startApacheBackend({
  folder,
  environment: example.environment,
  keytab: await example.keytab('backend.keytab', spn),
  host: 'backend.example.test',
})
t.teardown(() => apache.stop())

function delegatorFor(test: Test, options: Partial<KerberosDelegatorOptions> = {}) {
  const delegator = createKerberosDelegator({
    realm: 'EXAMPLE.TEST',
    kdcs: [example.kdc],
    realms: { 'PARTNER.TEST': { kdcs: [partner.kdc] } },
    principal: gateway,
    keytab,
    ...options,
  })
  test.teardown(() => delegator.close())
  return delegator
}

t.test('a person of a trusted realm is delegated, by referrals through their realm and back', async (t) => {
  const delegator = delegatorFor(t, { userName: 'principal' })
  const negotiation = await delegator.begin({ upn: 'bob@partner.test', spn })
  const sight = await seenByBackend(apache.url, negotiation.value)
  t.match(sight, { status: 200, user: 'bob@PARTNER.TEST' })
  t.equal(negotiation.check(sight.answer), 'proved')
  const log = (await readFile(partner.log)).toString()
  t.match(log, /PROTOCOL-TRANSITION s4u-client=bob@PARTNER\.TEST/, 'the realm of the person was asked')
  await t.rejects(delegator.negotiate({ upn: 'ceo@partner.test', spn }), { code: 'not-delegatable' })
  await t.rejects(delegator.negotiate({ upn: 'nobody@partner.test', spn }), {
    code: 'user-unknown',
    realm: 'PARTNER.TEST',
  })
})

t.test('an enterprise name is referred to the realm that has the account', async (t) => {
  const delegator = delegatorFor(t)
  const sight = await seenByBackend(apache.url, await delegator.negotiate({ upn: 'bob@partner.test', spn }))
  t.equal(sight.status, 200)
  t.match(sight.user, /@PARTNER\.TEST$/)
})

t.test('an alternative suffix is found in our own realm', async (t) => {
  const delegator = delegatorFor(t)
  const sight = await seenByBackend(apache.url, await delegator.negotiate({ upn: 'alice@alt.test', spn }))
  t.equal(sight.status, 200)
  t.match(sight.user, /^alice.*@EXAMPLE\.TEST$/)
})

t.test('nothing is sent to a realm that no trust leads to', async (t) => {
  const elsewhere = await startKdcRelay()
  t.teardown(() => elsewhere.close())
  elsewhere.answer(() => 'close')
  const own = await startKdcRelay(example.kdc)
  t.teardown(() => own.close())
  const delegator = delegatorFor(t, {
    kdcs: [own.kdc],
    realms: { 'ELSEWHERE.TEST': { kdcs: [elsewhere.kdc] } },
  })
  await t.rejects(delegator.negotiate({ upn: 'alice@elsewhere.test', spn, userName: 'principal' }), {
    code: 'principal',
  })
  await t.rejects(delegator.negotiate({ upn: 'alice@elsewhere.test', spn }), { code: 'user-unknown' })
  t.same(elsewhere.requests, [])
})

t.test('a realm whose KDC is not known is told', async (t) => {
  const delegator = delegatorFor(t, {
    realms: {},
    resolveSrv: async () => {
      throw Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' })
    },
  })
  await t.rejects(delegator.negotiate({ upn: 'bob@partner.test', spn, userName: 'principal' }), {
    code: 'kdc-unreachable',
    message: /_kerberos\._tcp\.PARTNER\.TEST/,
  })
  t.match(await delegator.negotiate({ upn: 'alice@example.test', spn }), /^YII/, 'people of our own realm go on')
})
