import t from 'tap'
import { edgeRequestAddress, parseEdgeRequest } from '../../../src/sts/edge/edge-request.ts'
import { parseParameters } from '../../../src/sts/http/parameters.ts'

const trust = '4f6c2b1e-8f4e-4a8e-9b0a-0c9a3d1f7a10'
const good = {
  version: '1.0',
  action: 'signin',
  realm: 'urn:AppProxy:com',
  appRealm: trust.toUpperCase(),
  returnUrl: 'https://app.contoso.test/crm/a%20b?c=d&e=%C3%BC',
}

const parse = (parameters: Record<string, string>) => {
  const query = parseParameters(new URLSearchParams(parameters).toString())
  if (typeof query === 'string') throw new Error(query)
  return parseEdgeRequest(query)
}

t.test('reads what a proxy sends, names in any case', async (t) => {
  for (const parameters of [
    good,
    Object.fromEntries(Object.entries(good).map(([name, value]) => [name.toUpperCase(), value])),
  ]) {
    const request = parse(parameters)
    if (typeof request === 'string') throw new Error(request)
    t.equal(request.trustId, trust)
    t.equal(request.realm, 'urn:AppProxy:com')
    t.equal(request.returnUrl.href, good.returnUrl)
  }
})

for (const { name, change, problem } of [
  { name: 'another version', change: { version: '2.0' }, problem: 'version' },
  { name: 'no version', change: { version: '' }, problem: 'version' },
  { name: 'another action', change: { action: 'signout' }, problem: 'action' },
  { name: 'no realm', change: { realm: '' }, problem: 'realm' },
  { name: 'an application that is not a GUID', change: { appRealm: "4f6c' OR 1=1" }, problem: 'apprealm' },
  { name: 'no application', change: { appRealm: '' }, problem: 'apprealm' },
  { name: 'no return address', change: { returnUrl: '' }, problem: 'returnurl' },
  { name: 'a relative return address', change: { returnUrl: '/crm/' }, problem: 'returnurl' },
  { name: 'a return address without scheme', change: { returnUrl: '//evil.test/' }, problem: 'returnurl' },
  { name: 'a script as return address', change: { returnUrl: 'javascript:alert(1)' }, problem: 'returnurl' },
  { name: 'data as return address', change: { returnUrl: 'data:text/html,x' }, problem: 'returnurl' },
  {
    name: 'user info in the return address',
    change: { returnUrl: 'https://app.contoso.test@evil.test/' },
    problem: 'returnurl',
  },
  {
    name: 'a fragment in the return address',
    change: { returnUrl: 'https://app.contoso.test/crm/#x' },
    problem: 'returnurl',
  },
  {
    name: 'a backslash in the return address',
    change: { returnUrl: 'https://app.contoso.test\\@evil.test/' },
    problem: 'returnurl',
  },
  { name: 'a tab in the return address', change: { returnUrl: 'https://app.con\ttoso.test/' }, problem: 'returnurl' },
  {
    name: 'a line feed in the return address',
    change: { returnUrl: 'https://app.contoso.test/\r\nX: y' },
    problem: 'returnurl',
  },
]) {
  t.test(`refuses ${name}`, async (t) => t.equal(parse({ ...good, ...change }), problem))
}

t.test('the address of the request, made afresh, is read as the same request', async (t) => {
  const request = parse(good)
  if (typeof request === 'string') throw new Error(request)
  const address = edgeRequestAddress(request, '0A1B2C3D-0000-4000-8000-00000000000F')
  t.same(parse(Object.fromEntries(new URL(address, 'https://sts.test').searchParams)), request)
})
