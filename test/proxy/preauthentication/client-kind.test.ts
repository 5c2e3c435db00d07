import t from 'tap'
import { challengeFor, clientKind } from '../../../src/proxy/preauthentication/client-kind.ts'

const rows: {
  name: string
  headers: Record<string, string | string[]>
  upgrade?: string
  kind: 'person' | 'program'
}[] = [
  { name: 'a navigation', headers: { 'sec-fetch-mode': 'navigate', accept: 'text/html' }, kind: 'person' },
  {
    name: 'a navigation that accepts only an image',
    headers: { 'sec-fetch-mode': 'navigate', accept: 'image/png' },
    kind: 'person',
  },
  {
    name: 'a navigation with X-Requested-With, as some embedded browsers send it',
    headers: { 'sec-fetch-mode': 'navigate', 'x-requested-with': 'com.example.app' },
    kind: 'person',
  },
  { name: 'a fetch that accepts a page', headers: { 'sec-fetch-mode': 'cors', accept: 'text/html' }, kind: 'program' },
  { name: 'a same-origin fetch', headers: { 'sec-fetch-mode': 'same-origin', accept: '*/*' }, kind: 'program' },
  { name: 'an image', headers: { 'sec-fetch-mode': 'no-cors', accept: 'image/*' }, kind: 'program' },
  { name: 'Sec-Fetch-Site alone', headers: { 'sec-fetch-site': 'none', accept: 'text/html' }, kind: 'program' },
  { name: 'Sec-Fetch-Mode in several lines', headers: { 'sec-fetch-mode': ['navigate', 'cors'] }, kind: 'program' },
  {
    name: 'an XMLHttpRequest of an old browser',
    headers: { 'x-requested-with': 'XMLHttpRequest', accept: 'text/html' },
    kind: 'program',
  },
  { name: 'nothing at all', headers: {}, kind: 'person' },
  { name: 'an empty Accept', headers: { accept: '' }, kind: 'person' },
  { name: 'curl', headers: { accept: '*/*', 'user-agent': 'curl/8' }, kind: 'person' },
  { name: 'any type with a weight', headers: { accept: '*/*;q=0.8' }, kind: 'person' },
  { name: 'an old browser', headers: { accept: 'text/html, application/xhtml+xml, */*' }, kind: 'person' },
  { name: 'text/html in capitals with a parameter', headers: { accept: 'TEXT/HTML;level=1' }, kind: 'person' },
  { name: 'text/html refused', headers: { accept: 'application/json, text/html;q=0' }, kind: 'program' },
  { name: 'JSON', headers: { accept: 'application/json' }, kind: 'program' },
  {
    name: 'JSON or anything, as HTTP clients send it',
    headers: { accept: 'application/json, text/plain, */*' },
    kind: 'program',
  },
  { name: 'text/html5, which is another type', headers: { accept: 'text/html5' }, kind: 'program' },
  { name: 'a Bearer token', headers: { authorization: 'Bearer abc', accept: 'text/html' }, kind: 'program' },
  {
    name: 'a Bearer token in lower case at a navigation',
    headers: { authorization: 'bearer abc', 'sec-fetch-mode': 'navigate' },
    kind: 'program',
  },
  {
    name: 'Basic credentials for the backend',
    headers: { authorization: 'Basic YTpi', accept: 'text/html' },
    kind: 'person',
  },
  { name: 'a WebSocket', headers: { accept: '*/*' }, upgrade: 'websocket', kind: 'program' },
]

for (const { name, headers, upgrade, kind } of rows)
  t.test(`${name} is a ${kind}`, async (t) => t.equal(clientKind({ headers, upgrade }), kind))

for (const [kind, method, challenge] of [
  ['person', 'GET', 'redirect'],
  ['person', 'HEAD', 'redirect'],
  ['person', 'POST', 'page'],
  ['person', 'PUT', 'page'],
  ['person', 'OPTIONS', 'page'],
  ['person', 'PROPFIND', 'page'],
  ['program', 'GET', 'problem'],
  ['program', 'HEAD', 'problem'],
  ['program', 'POST', 'problem'],
] as const)
  t.test(`a ${kind} with ${method} gets a ${challenge}`, async (t) => t.equal(challengeFor(kind, method), challenge))
