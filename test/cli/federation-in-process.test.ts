import t from 'tap'
import { operate } from '../../src/cli/administration/operations.ts'
import { loadConfiguration } from '../../src/cli/configuration/configuration-file.ts'
import { type Gatehouse, openGatehouse } from '../../src/cli/gatehouse.ts'
import { createLog } from '../../src/cli/log.ts'
import { issueEdgeToken } from '../../src/edge-token/index.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'

const operator = { who: 'test', from: 'test' }

async function open(t: Parameters<typeof temporaryFolder>[0]) {
  const { file } = await makeInstallation(await temporaryFolder(t))
  const log = createLog({ level: 'silent', destination: { write: () => {} } })
  const gatehouse = await openGatehouse(await loadConfiguration({ file, environment: {} }), { log })
  t.teardown(() => gatehouse.close())
  const { sts, proxy } = gatehouse
  if (sts === undefined || proxy === undefined) throw new Error('both roles were asked for')
  return { gatehouse, sts, federationService: proxy.federationService }
}

async function issue({ sts }: Gatehouse, trust: string): Promise<string> {
  if (sts === undefined) throw new Error('no federation server')
  const { key, certificate } = sts.keys.current()
  const claims = { iss: sts.issuer, relyingpartytrustid: trust, upn: 'alice@contoso.test' }
  return issueEdgeToken(claims, { key, certificate, lifetime: 3600 })
}

t.test('a dropped key verifies nothing from that moment on, a token seen before neither', async (t) => {
  const { gatehouse, federationService } = await open(t)
  const { id } = await operate(gatehouse, 'trust.add', { name: 'CRM' }, operator)
  const token = await issue(gatehouse, id)
  const verify = () => federationService.verifier.verify(token, { relyingParty: id })
  t.match(await verify(), { upn: 'alice@contoso.test' })
  await operate(gatehouse, 'keys.rotate', {}, operator)
  t.match(await verify(), { upn: 'alice@contoso.test' })
  await operate(gatehouse, 'keys.rotate', { immediately: true }, operator)
  await t.rejects(verify(), { code: 'signature' })
  const fresh = await issue(gatehouse, id)
  t.match(await federationService.verifier.verify(fresh, { relyingParty: id }), { relyingPartyTrust: id })
})

t.test('trusts are known as they are at this moment, by id in any case', async (t) => {
  const { gatehouse, federationService } = await open(t)
  t.strictSame(federationService.trusts(), [])
  const { id } = await operate(
    gatehouse,
    'trust.add',
    { name: 'CRM', claimsAware: true, replyAddresses: ['https://crm.contoso.test/signin'] },
    operator,
  )
  t.match(federationService.trust(id.toUpperCase()), {
    name: 'CRM',
    enabled: true,
    claimsAware: true,
    replyAddresses: ['https://crm.contoso.test/signin'],
  })
  await operate(gatehouse, 'trust.update', { trust: 'CRM', enabled: false }, operator)
  t.match(federationService.trust(id), { enabled: false })
  await operate(gatehouse, 'trust.remove', { trust: 'CRM' }, operator)
  t.equal(federationService.trust(id), undefined)
})

t.test('publishing tells the trust the address and the service, and taking it back takes the address', async (t) => {
  const { gatehouse, sts, federationService } = await open(t)
  const { id } = await operate(gatehouse, 'trust.add', { name: 'CRM' }, operator)
  const application = {
    externalUrl: 'https://crm.contoso.test/',
    backendUrl: 'http://crm.corp.test/',
    spn: 'HTTP/crm.corp.test',
  }
  await federationService.publish?.(id, application)
  t.match(sts.trusts.get(id), { publishedAddresses: ['https://crm.contoso.test/'], delegateTo: ['HTTP/crm.corp.test'] })
  await federationService.unpublish?.(id, application)
  t.strictSame(sts.trusts.get(id)?.publishedAddresses, [])
  await operate(gatehouse, 'trust.remove', { trust: id }, operator)
  await federationService.unpublish?.(id, application)
})

for (const { name, change } of [
  {
    name: 'disabling a person',
    change: (gatehouse: Gatehouse) => operate(gatehouse, 'user.disable', { upn: 'alice@contoso.test' }, operator),
  },
  {
    name: 'a new password',
    change: (gatehouse: Gatehouse) =>
      operate(gatehouse, 'user.password', { upn: 'alice@contoso.test', password: 'a new one' }, operator),
  },
]) {
  t.test(`${name} ends every session of theirs at the edge, at once`, async (t) => {
    const { gatehouse, sts, federationService } = await open(t)
    await operate(gatehouse, 'user.add', { upn: 'alice@contoso.test', password: 'correct horse' }, operator)
    const person = sts.people.find('alice@contoso.test')
    if (person === undefined) throw new Error('alice was added')
    const now = new Date()
    const { session, secret } = await sts.sessions.start({ person, methods: ['password'], persistent: false, now })
    const { endedSessions } = federationService
    const question = { sid: session.sid, upn: person.upn, issuedAt: now }
    const ended: unknown[] = []
    endedSessions.onEnded((entry) => ended.push(entry))
    t.equal(endedSessions.isEnded(question), false)
    await change(gatehouse)
    t.equal(endedSessions.isEnded(question), true)
    t.ok(ended.length > 0)
    t.equal(sts.sessions.find(secret, new Date()), undefined)
    t.ok(endedSessions.lastHeardFrom() instanceof Date)
  })
}

t.test('closing it leaves the federation server open', async (t) => {
  const { sts, federationService } = await open(t)
  await federationService.close()
  t.equal(sts.ready(), true)
  t.strictSame(sts.people.list(), [])
})
