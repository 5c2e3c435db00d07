import t, { type Test } from 'tap'
import { createKerberosDelegator, type DelegationRequest } from '../../../src/kcd/index.ts'
import { hasFlag, KdcOption } from '../../../src/kcd/messages/flags.ts'
import { findPaData, PaDataType } from '../../../src/kcd/messages/pa-data.ts'
import { tgsRequestContent } from '../../lab/kerberos/negotiate-content.ts'
import { principalOf, realm, startForgingKdc } from './forging-kdc.ts'

const now = () => new Date('2026-11-23T12:00:00Z')
const alice = { upn: 'alice@example.test', spn: 'HTTP/backend.example.test' }
const notForwardable = 0x00a10000

async function requestsOf(t: Test, request: DelegationRequest, evidenceFlags?: number) {
  const kdc = await startForgingKdc(principalOf('alice'))
  const delegator = createKerberosDelegator({
    realm,
    kdcs: [kdc.kdc],
    principal: 'HTTP/gateway.example.test',
    keytab: kdc.keytab,
    now,
  })
  t.teardown(async () => {
    await delegator.close()
    await kdc.close()
  })
  if (evidenceFlags !== undefined) kdc.forge('S4U2Self', { reply: { flags: evidenceFlags } })
  const outcome = await delegator.negotiate(request).then(
    () => 'granted',
    (error: { code: string }) => error.code,
  )
  const sent = kdc.requests.filter(({ kind }) => kind === 'TGS-REQ').map((one) => tgsRequestContent(one.request))
  return { outcome, self: sent[0], proxy: sent[1], number: sent.length }
}

t.test('S4U2Self names the person in PA-FOR-USER and PA-S4U-X509-USER', async (t) => {
  const { outcome, self } = await requestsOf(t, alice)
  t.equal(outcome, 'granted')
  const forUser = findPaData(self?.paData ?? [], PaDataType.FOR_USER)
  const x509User = findPaData(self?.paData ?? [], PaDataType.S4U_X509_USER)
  for (const data of [forUser, x509User]) {
    t.ok(data?.includes('alice'))
    t.ok(data?.includes(realm))
  }
  t.ok(forUser?.includes('Kerberos'), 'with the name of the authentication package, MS-SFU 2.2.1')
  t.ok(hasFlag(self?.options ?? 0, KdcOption.FORWARDABLE))
  t.notOk(hasFlag(self?.options ?? 0, KdcOption.CNAME_IN_ADDL_TKT))
  t.same(self?.additionalTickets, [])
})

t.test('S4U2Proxy sends the evidence with CNAME-IN-ADDL-TKT and PA-PAC-OPTIONS', async (t) => {
  const { proxy, number } = await requestsOf(t, alice)
  t.equal(number, 2)
  const options = findPaData(proxy?.paData ?? [], PaDataType.PAC_OPTIONS)
  // SEQUENCE { [0] BIT STRING 0001 0000 … }: bit 3, resource-based constrained delegation (MS-SFU 2.2.5).
  t.equal(options?.toString('hex'), '3009a00703050010000000')
  t.ok(hasFlag(proxy?.options ?? 0, KdcOption.CNAME_IN_ADDL_TKT), 'bit 14, MS-SFU 2.2.3')
  t.ok(hasFlag(proxy?.options ?? 0, KdcOption.FORWARDABLE))
  t.notOk(hasFlag(proxy?.options ?? 0, KdcOption.CANONICALIZE), 'the very service that was asked for')
  t.same(
    proxy?.additionalTickets.map(({ service }) => service.components.join('/')),
    ['HTTP/gateway.example.test'],
  )
  t.equal(findPaData(proxy?.paData ?? [], PaDataType.FOR_USER), undefined)
})

t.test('evidence that is not forwardable is sent for resource-based delegation alone', async (t) => {
  const classic = await requestsOf(t, alice, notForwardable)
  t.equal(classic.outcome, 'not-delegatable')
  t.equal(classic.number, 1)
  const resourceBased = await requestsOf(t, { ...alice, resourceBased: true }, notForwardable)
  t.equal(resourceBased.outcome, 'granted')
  t.equal(resourceBased.proxy?.additionalTickets.length, 1)
  const options = findPaData(resourceBased.proxy?.paData ?? [], PaDataType.PAC_OPTIONS)
  t.equal(options?.toString('hex'), '3009a00703050010000000', 'the KDC is told that we know what it may grant')
})
