import t, { type Test } from 'tap'
import { delegationDigest } from '../../src/edge-token/delegation.ts'
import { createKerberosDelegator, type KerberosDelegatorOptions } from '../../src/kcd/index.ts'
import { startApacheBackend } from '../lab/kerberos/apache-backend.ts'
import { gatewayPrincipal, otherSpn, startExampleRealm } from '../lab/kerberos/example-realm.ts'
import { startKdcRelay } from '../lab/kerberos/kdc-relay.ts'
import { crmTrust } from '../proxy/federation-service-lab.ts'
import { type KerberosProxy, startKerberosProxy } from '../proxy/kerberos-proxy.ts'

// A real MIT KDC, Apache with mod_auth_gssapi behind the proxy, which tells whom it saw.
const realm = await startExampleRealm(t, { defaults: ['clockskew = 60'] })
const backend = { folder: realm.folder, environment: realm.environment, keytab: realm.backendKeytab }
const apache = await startApacheBackend({ ...backend, host: 'backend.example.test' })
t.teardown(() => apache.stop())
const backendUrl = `http://backend.example.test:${apache.port}/`

function delegatorFor(test: Test, options: Partial<KerberosDelegatorOptions> = {}) {
  const delegator = createKerberosDelegator({
    realm: 'EXAMPLE.TEST',
    kdcs: [realm.kdc],
    principal: gatewayPrincipal,
    keytab: realm.gatewayKeytab,
    ...options,
  })
  test.teardown(() => delegator.close())
  return delegator
}

const seen = async (answer: ReturnType<KerberosProxy['askAs']>) => {
  const { status, body, headers } = await answer
  return { status, user: status === 200 ? (JSON.parse(body) as { user: string }).user : undefined, headers, body }
}

t.test('the backend sees the person who signed in, and the client nothing of how', async (t) => {
  const proxy = await startKerberosProxy(t, backendUrl, { delegator: delegatorFor(t) })
  for (const name of ['alice', 'bob']) {
    const sight = await seen(proxy.askAs(`${name}@example.test`))
    t.match(sight, { status: 200, user: `${name}@EXAMPLE.TEST` })
    t.equal(sight.headers['www-authenticate'], undefined)
  }
  const posted = await seen(proxy.askAs('alice@example.test', '/', { method: 'POST', body: 'a=b' }))
  t.match(posted, { status: 200, user: 'alice@EXAMPLE.TEST' })
})

t.test('a hundred requests of alice and bob at once are each seen as the right person’s', async (t) => {
  for (const kerberosMode of ['per-request', 'auto', 'per-connection']) {
    const proxy = await startKerberosProxy(t, backendUrl, { delegator: delegatorFor(t), application: { kerberosMode } })
    const people = Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? 'alice' : 'bob'))
    const ask = async (name: string, at: number) =>
      seen(
        proxy.askAs(`${name}@example.test`, `/?${at}`, at % 5 === 0 ? { method: 'POST', body: String(at) } : undefined),
      )
    for (let round = 0; round < 3; round++) {
      const sights = await Promise.all(people.map(ask))
      t.strictSame(
        sights.map(({ user }) => user),
        people.map((name) => `${name}@EXAMPLE.TEST`),
        kerberosMode,
      )
    }
    t.equal(proxy.audit.length, 0)
  }
})

t.test('a backend that keeps its person says so, and is told once per connection', async (t) => {
  const folder = `${realm.folder}/keeping`
  const keeping = await startApacheBackend({
    ...backend,
    folder,
    host: 'backend.example.test',
    directives: ['GssapiConnectionBound On', 'GssapiSignalPersistentAuth On'],
  })
  t.teardown(() => keeping.stop())
  const delegator = delegatorFor(t)
  let tokens = 0
  const counting = {
    ...delegator,
    realm: delegator.realm,
    begin: (request: Parameters<typeof delegator.begin>[0]) => {
      tokens++
      return delegator.begin(request)
    },
  }
  const proxy = await startKerberosProxy(t, `http://backend.example.test:${keeping.port}/`, { delegator: counting })
  for (let round = 0; round < 5; round++)
    for (const name of ['alice', 'bob'])
      t.match(await seen(proxy.askAs(`${name}@example.test`)), { status: 200, user: `${name}@EXAMPLE.TEST` })
  t.equal(tokens, 2, 'one token for each person’s connection')
  t.equal(proxy.proxy.stats.delegated, 2)
})

t.test('what the KDC does not grant is a page with a reason, an audit event, and nobody else’s ticket', async (t) => {
  const delegator = delegatorFor(t)
  const proxy = await startKerberosProxy(t, backendUrl, { delegator })
  await proxy.askAs('alice@example.test')
  for (const { upn, status, code, wapEvent, message } of [
    { upn: 'ceo@example.test', status: 403, code: 'kerberos-person', wapEvent: 13_019, message: /^not-delegatable: / },
    { upn: 'nobody@example.test', status: 403, code: 'kerberos-person', wapEvent: 13_019, message: /^user-unknown: / },
    {
      upn: 'disabled@example.test',
      status: 403,
      code: 'kerberos-person',
      wapEvent: 13_019,
      message: /^user-unusable: /,
    },
    { upn: 'alice$@example.test', status: 403, code: 'kerberos-person', wapEvent: 12_027, message: /^principal: / },
  ]) {
    const answer = await proxy.askAs(upn, '/', { headers: { accept: 'text/html' } })
    t.equal(answer.status, status, upn)
    t.match(answer.body, /cannot be signed in to this application/)
    t.notMatch(answer.body, /alice|EXAMPLE/)
    t.match(proxy.log.at(-1), { code, wapEvent, detail: message, upn })
    t.match(proxy.audit.at(-1), { event: 'edge-delegation-refused', who: upn, what: 'crm', result: 'failure', code })
  }
  t.equal(delegator.tickets, 1, 'alice’s')
})

t.test('a service that the proxy’s account may not delegate to is refused by the KDC', async (t) => {
  const session = { delegation: [delegationDigest(crmTrust, otherSpn)] }
  const application = { backendServerAuthenticationSPN: otherSpn }
  const proxy = await startKerberosProxy(t, backendUrl, { delegator: delegatorFor(t), application })
  const answer = await proxy.askAs(proxy.cookieOf('alice@example.test', session))
  t.equal(answer.status, 502)
  t.match(proxy.log.at(-1), { code: 'kerberos-service', wapEvent: 13_019, detail: /^delegation-refused: / })
})

t.test('a ticket that the backend cannot open is tried once more and then refused', async (t) => {
  const keytab = await realm.keytab('stale.keytab', 'HTTP/backend.example.test')
  const folder = `${realm.folder}/stale`
  const stale = await startApacheBackend({ ...backend, folder, keytab, host: 'backend.example.test' })
  t.teardown(() => stale.stop())
  await realm.administer('cpw -randkey HTTP/backend.example.test')
  const proxy = await startKerberosProxy(t, `http://backend.example.test:${stale.port}/`, {
    delegator: delegatorFor(t),
  })
  for (const options of [{}, { method: 'POST', body: 'a=b' }]) {
    const answer = await proxy.askAs('alice@example.test', '/', options)
    t.equal(answer.status, 502)
    t.match(proxy.log.at(-1), { code: 'kerberos-rejected', wapEvent: 13_022 })
    t.equal(answer.headers['www-authenticate'], undefined)
  }
})

t.test('while no KDC answers there is a page in time, and afterwards the application', async (t) => {
  const relay = await startKdcRelay(realm.kdc)
  t.teardown(() => relay.close())
  relay.answer(() => 'silence')
  const keytab = await realm.keytab('renewed.keytab', 'HTTP/backend.example.test')
  const folder = `${realm.folder}/renewed`
  const renewed = await startApacheBackend({ ...backend, folder, keytab, host: 'backend.example.test' })
  t.teardown(() => renewed.stop())
  const proxy = await startKerberosProxy(t, `http://backend.example.test:${renewed.port}/`, {
    delegator: delegatorFor(t, { kdcs: [relay.kdc], timeout: 0.5 }),
  })
  const began = performance.now()
  const answer = await proxy.askAs('alice@example.test', '/', { headers: { accept: 'text/html' } })
  t.equal(answer.status, 502)
  t.ok(performance.now() - began < 5_000)
  t.match(answer.body, /not possible right now/)
  t.match(proxy.log.at(-1), { code: 'kerberos-unavailable', wapEvent: 13_019, detail: /^deadline: / })
  relay.answer(({ honest }) => honest())
  t.match(await seen(proxy.askAs('alice@example.test')), { status: 200, user: 'alice@EXAMPLE.TEST' })
})
