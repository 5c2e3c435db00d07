import t from 'tap'
import { publishedAddress, replyAddress } from '../../../src/sts/trusts/trust-address.ts'

for (const [text, value] of [
  ['https://app.contoso.test/', 'https://app.contoso.test/'],
  ['https://app.contoso.test', 'https://app.contoso.test/'],
  ['https://APP.contoso.test:443/CRM/', 'https://app.contoso.test/CRM/'],
  ['http://app.contoso.test:8080/a/b/', 'http://app.contoso.test:8080/a/b/'],
  ['https://bücher.contoso.test/', 'https://xn--bcher-kva.contoso.test/'],
  ['https://app.contoso.test/a/../b/', 'https://app.contoso.test/b/'],
] as const) {
  t.test(`${text} is published as ${value}`, async (t) => t.same(publishedAddress(text), { value }))
}

for (const text of [
  '',
  'app.contoso.test/',
  '//app.contoso.test/',
  'https:app.contoso.test/',
  'ftp://app.contoso.test/',
  'javascript://app.contoso.test/%0aalert(1)/',
  'https://app.contoso.test/crm',
  'https://app.contoso.test/?',
  'https://app.contoso.test/?a=b/',
  'https://app.contoso.test/#',
  'https://app.contoso.test/#a/',
  'https://alice@app.contoso.test/',
  'https://alice:secret@app.contoso.test/',
  'https://@app.contoso.test/',
  'https://*.contoso.test/',
  'https://%2a.contoso.test/',
  'https://app;script-src.contoso.test/',
  'https://app,evil.contoso.test/',
  "https://app'.contoso.test/",
  'https://app..contoso.test/',
  'https://192.0.2.7/',
  'https://192.0.2.7./',
  'https://0x7f.1/',
  'https://[2001:db8::1]/',
  'https://app.contoso.test\\crm/',
  'https://app.contoso.test/a b/',
  'https://app.contoso.test/\n',
  'https://app.contoso.test/a%2f../',
  'https://app.contoso.test/a%5Cb/',
  'https://app.contoso.test/%252e%252e/',
  'https://app.contoso.test/a//b/',
  'https://app.contoso.test/a;x/',
  'https://app.contoso.test/%00/',
  'https:///app/',
  'https://app.contoso.test:99999/',
  `https://app.contoso.test/${'a'.repeat(3000)}/`,
]) {
  t.test(`refused as a published address: ${JSON.stringify(text.slice(0, 60))}`, async (t) =>
    t.match(publishedAddress(text), { problem: String }),
  )
}

t.test('a reply address is exact, may have a query and need not end with a slash', async (t) => {
  for (const text of ['https://app.contoso.test/acs', 'https://app.contoso.test/acs?x=1', 'http://192.0.2.7/acs']) {
    t.same(replyAddress(text), { value: text })
  }
  for (const text of [
    '',
    'urn:x',
    'javascript:alert(1)',
    'https://a@b.test/',
    'https://b.test/#',
    'https://*.b.test/',
  ]) {
    t.match(replyAddress(text), { problem: String })
  }
})
