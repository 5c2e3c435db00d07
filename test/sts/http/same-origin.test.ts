import t from 'tap'
import { comesFromOurPage } from '../../../src/sts/http/same-origin.ts'

const ours = 'https://sts.contoso.test'

for (const { name, headers, fits } of [
  { name: 'our own origin', headers: { origin: ours, 'sec-fetch-site': 'same-origin' }, fits: true },
  { name: 'our own origin from a browser that says no more', headers: { origin: ours }, fits: true },
  { name: 'a browser that says neither', headers: {}, fits: true },
  { name: 'another site', headers: { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }, fits: false },
  {
    name: 'a sibling host',
    headers: { origin: 'https://app.contoso.test', 'sec-fetch-site': 'same-site' },
    fits: false,
  },
  { name: 'the same host over http', headers: { origin: 'http://sts.contoso.test' }, fits: false },
  { name: 'the same host on another port', headers: { origin: 'https://sts.contoso.test:8443' }, fits: false },
  { name: 'an opaque origin', headers: { origin: 'null' }, fits: false },
  { name: 'another site that hides its origin', headers: { 'sec-fetch-site': 'cross-site' }, fits: false },
  { name: 'our origin with a word against it', headers: { origin: ours, 'sec-fetch-site': 'cross-site' }, fits: false },
]) {
  t.test(`${fits ? 'takes' : 'refuses'} a form from ${name}`, async (t) =>
    t.equal(comesFromOurPage({ headers }, ours), fits),
  )
}
