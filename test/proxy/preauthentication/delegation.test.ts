import t from 'tap'
import { delegationDigest } from '../../../src/edge-token/delegation.ts'
import type { BackendDelegator } from '../../../src/proxy/backend-kerberos.ts'
import { createPreauthenticator } from '../../../src/proxy/index.ts'
import { createFederationServiceLab, createKeyRing, crmTrust, wikiTrust } from '../federation-service-lab.ts'
import { mirror, startBackend } from '../forwarding/harness.ts'
import { spn, startKerberosProxy } from '../kerberos-proxy.ts'

function createCountingDelegator() {
  const asked: Parameters<BackendDelegator['begin']>[0][] = []
  const delegator: BackendDelegator = {
    realm: 'EXAMPLE.TEST',
    begin: async (request) => {
      asked.push(request)
      return { value: 'YII=', check: () => 'silent' }
    },
    forget: () => undefined,
  }
  return { delegator, asked }
}

const upn = 'alice@example.test'
const other = 'HTTP/other.example.test'
const digests = (...spns: string[]) => spns.map((name) => delegationDigest(crmTrust, name))

for (const { name, session, services, allowed, code, says } of [
  { name: 'whose token names the service', session: { delegation: digests(other, spn) }, allowed: true },
  { name: 'whose token names it in other letters', session: { delegation: digests(spn.toLowerCase()) }, allowed: true },
  {
    name: 'whose token names it, as the proxy does',
    session: { delegation: digests(spn) },
    services: [other, spn.toUpperCase()],
    allowed: true,
  },
  {
    name: 'of a foreign service, where the proxy names it',
    session: { delegation: undefined },
    services: [spn],
    allowed: true,
  },
  { name: 'whose token names nothing', session: { delegation: [] }, code: 'delegation', says: /not delegatable/ },
  {
    name: 'whose token names another service',
    session: { delegation: digests(other) },
    code: 'delegation',
    says: /trust update TRUST --delegate-to HTTP\/backend/,
  },
  {
    name: 'whose token names it for another trust',
    session: { delegation: [delegationDigest(wikiTrust, spn)] },
    code: 'delegation',
  },
  {
    name: 'whose token names it and the proxy does not',
    session: { delegation: digests(spn) },
    services: [other],
    code: 'delegation',
    says: /not among this proxy's own services/,
  },
  {
    name: 'whose token names nothing, where the proxy does',
    session: { delegation: [] },
    services: [spn],
    code: 'delegation',
  },
  {
    name: 'of a foreign service, where the proxy has no list',
    session: { delegation: undefined },
    code: 'delegation',
    says: /this proxy has no list/,
  },
  {
    name: 'without a user principal name',
    session: { upn: undefined },
    services: [spn],
    code: 'no-upn',
    says: /user principal name/,
  },
])
  t.test(`${allowed ? 'delegates' : 'refuses'} a person ${name}`, async (t) => {
    const { delegator, asked } = createCountingDelegator()
    const backend = await startBackend(t, mirror)
    const proxy = await startKerberosProxy(t, `http://backend.example.test:${backend.port}/`, {
      delegator,
      ...(services === undefined ? {} : { delegation: { services } }),
    })
    const cookie = proxy.cookieOf(upn, session)
    const answers = [
      await proxy.askAs(cookie, '/', { headers: { accept: 'text/html' } }),
      await proxy.askAs(cookie, '/', { method: 'POST', body: 'x', headers: { accept: 'application/json' } }),
    ]
    for (const answer of answers) t.equal(answer.status, allowed ? 200 : 403)
    t.equal(asked.length, allowed ? 2 : 0, 'no ticket is asked for before')
    if (allowed) return
    t.equal(backend.connections.size, 0)
    t.match(answers[0]?.body, /cannot be signed in to this application/)
    t.match(JSON.parse(answers[1]?.body ?? ''), { code, status: 403, application: 'crm' })
    t.match(proxy.log.at(-1), { decision: 'refused', code, ...(says === undefined ? {} : { detail: says }) })
    if (code === 'no-upn') t.match(proxy.log.at(-1), { wapEvent: 13_016 })
    t.match(proxy.audit, [
      { event: 'edge-refused', what: 'crm', result: 'failure', code },
      { event: 'edge-refused', code },
    ])
  })

for (const { kerberosName, headers, upn: asked, userName } of [
  { kerberosName: 'upn', headers: undefined, upn, userName: undefined },
  { kerberosName: 'userPart', headers: undefined, upn: 'alice@EXAMPLE.TEST', userName: 'principal' },
  { kerberosName: 'sAMAccountName', headers: 'asmith', upn: 'asmith@EXAMPLE.TEST', userName: 'principal' },
  {
    kerberosName: 'onPremisesUpn',
    headers: 'alice@corp.example.test',
    upn: 'alice@corp.example.test',
    userName: undefined,
  },
  {
    kerberosName: 'employee',
    headers: 'a.smith@corp.example.test',
    upn: 'a.smith@corp.example.test',
    userName: undefined,
  },
  { kerberosName: 'employee', headers: 'a17', upn: 'a17@EXAMPLE.TEST', userName: 'principal' },
  { kerberosName: 'sAMAccountName', headers: undefined, upn: undefined },
  { kerberosName: 'sAMAccountName', headers: 'bob@example.test', upn: undefined },
  { kerberosName: 'onPremisesUpn', headers: 'alice', upn: undefined },
  { kerberosName: 'onPremisesUpn', headers: '', upn: undefined },
  { kerberosName: 'employee', headers: undefined, upn: undefined },
])
  t.test(`names a person to the KDC by ${kerberosName} ${headers ?? 'alone'}: ${asked ?? 'refused'}`, async (t) => {
    const made = createCountingDelegator()
    const backend = await startBackend(t, mirror)
    const proxy = await startKerberosProxy(t, `http://backend.example.test:${backend.port}/`, {
      delegator: made.delegator,
      application: { kerberosName },
    })
    const kept = headers === undefined ? {} : { headers: { 'kerberos name': headers } }
    const answer = await proxy.askAs(proxy.cookieOf(upn, kept))
    if (asked === undefined) {
      t.equal(answer.status, 403)
      t.match(proxy.log.at(-1), { code: 'no-kerberos-name', wapEvent: 13_016 })
      t.equal(made.asked.length, 0, 'and never by another name')
      return
    }
    t.equal(answer.status, 200)
    t.strictSame(
      made.asked.map((request) => [request.upn, request.userName]),
      [[asked, userName]],
    )
  })

t.test('what the KDC needs of a token comes along in the access cookie, from the round trip on', async (t) => {
  for (const { kerberosName, claims, name } of [
    { kerberosName: 'upn', claims: {}, name: upn },
    { kerberosName: 'sAMAccountName', claims: { sAMAccountName: 'asmith' }, name: 'asmith' },
    { kerberosName: 'sam-account-name', claims: { samaccountname: 'asmith' }, name: 'asmith' },
    { kerberosName: 'onPremisesUpn', claims: { onPremisesUserPrincipalName: 'a@corp.test' }, name: 'a@corp.test' },
    { kerberosName: 'employee', claims: { employee: 'a17' }, name: 'a17' },
    { kerberosName: 'employee', claims: { Employee: 'a17' }, name: undefined },
    { kerberosName: 'employee', claims: { employee: ['a17', 'b18'] }, name: undefined },
  ]) {
    const lab = await createFederationServiceLab()
    const ring = createKeyRing()
    const preauthenticate = createPreauthenticator({
      applications: [
        {
          name: 'CRM',
          externalUrl: 'https://crm.contoso.test/',
          trustId: crmTrust,
          spn,
          kerberosName,
          identityHeaders: { 'X-Person': 'upn' },
        },
      ],
      federationService: lab.service,
      cookieKeys: ring,
    })
    const visit = async (target: string, cookie?: string) =>
      preauthenticate({
        method: 'GET',
        scheme: 'https',
        host: 'crm.contoso.test',
        target,
        headers: { accept: 'text/html', authorization: 'Basic YTpi', ...(cookie === undefined ? {} : { cookie }) },
        clientAddress: '192.0.2.1',
        requestId: 'r1',
      })
    const cookiesOf = (answer: Awaited<ReturnType<typeof visit>>) =>
      answer.kind !== 'respond'
        ? ''
        : [answer.headers['Set-Cookie'] ?? []]
            .flat()
            .map((line) => line.split(';')[0])
            .join('; ')
    const away = await visit('/')
    const location = away.kind === 'respond' ? new URL(String(away.headers['Location'])) : undefined
    const requestId = location?.searchParams.get('client-request-id') ?? ''
    const token = await lab.issue({ upn, kcd: digests(spn), clientreqid: requestId, ...claims })
    const back = await visit(`/?authToken=${token}&client-request-id=${requestId}`, cookiesOf(away))
    t.match(back, { kind: 'respond', status: 307, outcome: { decision: 'signed-in' } })
    const access = cookiesOf(back)
      .split('; ')
      .filter((cookie) => cookie.startsWith('EdgeAccessCookie='))
      .join()
    const decision = await visit('/', access)
    if (name === undefined) t.match(decision, { kind: 'respond', status: 403, outcome: { code: 'no-kerberos-name' } })
    else {
      t.match(decision, { kind: 'allow', delegation: { spn, name }, request: { setHeaders: { 'X-Person': upn } } })
      if (decision.kind === 'allow') t.ok(decision.request.removeHeaders('authorization'))
    }
  }
})

t.test('a reply that comes without a person is nothing for a Kerberos backend', async (t) => {
  const { delegator, asked } = createCountingDelegator()
  const backend = await startBackend(t, mirror)
  const proxy = await startKerberosProxy(t, `http://backend.example.test:${backend.port}/`, { delegator })
  const answer = await proxy.askAs('EdgeAccessCookie=none; EdgeReply=none', '/', {
    method: 'POST',
    body: 'wresult=x',
    headers: { origin: 'https://sts.contoso.test' },
  })
  t.equal(answer.status, 401)
  t.equal(asked.length, 0)
  t.equal(backend.connections.size, 0)
})

t.test('a list of services with one that cannot be one is refused at once', async (t) => {
  for (const service of ['cifs/files.example.test', 'HTTP/*.example.test', ''])
    t.throws(
      () =>
        createPreauthenticator({
          applications: [],
          federationService: { metadataUrl: 'https://sts.contoso.test/x', trusts: [] },
          cookieKeys: createKeyRing(),
          delegation: { services: [spn, service] },
        }),
      { name: 'TypeError', message: /delegation\.services/ },
    )
})
