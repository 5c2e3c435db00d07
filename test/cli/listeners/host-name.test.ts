import t from 'tap'
import { onlyHostHeader, parseHost, placeOf } from '../../../src/cli/listeners/host-name.ts'

for (const [text, host] of [
  ['app.contoso.test', 'app.contoso.test'],
  ['APP.Contoso.Test', 'app.contoso.test'],
  ['app.contoso.test.', 'app.contoso.test'],
  ['app.contoso.test:443', 'app.contoso.test'],
  ['app.contoso.test.:8443', 'app.contoso.test'],
  ['app_1.contoso.test', 'app_1.contoso.test'],
  ['localhost', 'localhost'],
  ['127.0.0.1:80', '127.0.0.1'],
  ['[::1]:80', ''],
] as const) {
  t.equal(parseHost(text), host, `${text} is the host ${JSON.stringify(host)}`)
}

for (const text of [
  '',
  '.',
  '..',
  ':80',
  'a..b',
  '.a',
  'a:',
  'a:0',
  'a:080',
  'a:65536',
  'a:99999',
  'a:80:80',
  'a,b',
  'a b',
  ' a',
  'a/x',
  'a?x',
  'a#x',
  'user@a',
  'a:443@evil.test',
  'a\\b',
  'a\tb',
  'a\0b',
  'münchen.test',
  '[::1',
  '[::1]x',
  '[::1]evil.test',
  'a%2eb',
  `${'a.'.repeat(127)}b`,
]) {
  t.equal(parseHost(text), undefined, `${JSON.stringify(text).slice(0, 40)} is no host`)
}

t.test('a request has one Host header', async (t) => {
  t.equal(onlyHostHeader(['Accept', 'host', 'hOsT', 'a.test']), 'a.test', 'a value that looks like the name is none')
  t.equal(onlyHostHeader(['Host', 'a.test', 'host', 'a.test']), undefined, 'not two, even when they are alike')
  t.equal(onlyHostHeader(['X-Forwarded-Host', 'a.test']), undefined)
})

for (const { name, target, host = 'app.test', place } of [
  { name: 'origin form', target: '/a/b?c', place: { host: 'app.test', target: '/a/b?c' } },
  { name: 'escapes are left as they are', target: '/%2e%2e/%61', place: { host: 'app.test', target: '/%2e%2e/%61' } },
  { name: 'two slashes are a path', target: '//evil.test/', place: { host: 'app.test', target: '//evil.test/' } },
  { name: 'absolute form', target: 'http://app.test/a/../b?c', place: { host: 'app.test', target: '/a/../b?c' } },
  { name: 'absolute form, shouted', target: 'HTTPS://APP.TEST:443/a', place: { host: 'app.test', target: '/a' } },
  { name: 'absolute form without a path', target: 'http://app.test', place: { host: 'app.test', target: '/' } },
  { name: 'absolute form with a query alone', target: 'http://app.test?a', place: { host: 'app.test', target: '/?a' } },
  { name: 'absolute form for another host', target: 'http://evil.test/', place: undefined },
  { name: 'absolute form with user info', target: 'http://app.test@evil.test/', place: undefined },
  { name: 'absolute form of an IPv6 address', target: 'http://[::1]/', host: '[::1]', place: undefined },
  { name: 'another scheme', target: 'ftp://app.test/', place: undefined },
  { name: 'asterisk form', target: '*', place: undefined },
  { name: 'authority form', target: 'app.test:443', place: undefined },
  { name: 'no target', target: '', place: undefined },
  { name: 'a fragment', target: '/a#b', place: undefined },
  { name: 'a backslash in the path', target: '/a\\..\\b', place: undefined },
  { name: 'a backslash in the query', target: '/a?C:\\b', place: { host: 'app.test', target: '/a?C:\\b' } },
  { name: 'a control character', target: '/a\x01', place: undefined },
  { name: 'a blank', target: '/a b', place: undefined },
  { name: 'bytes that are not ASCII', target: '/\xfc', place: undefined },
  { name: 'a bad host', target: '/', host: 'a,b', place: undefined },
]) {
  t.test(`target and host: ${name}`, async (t) => {
    t.strictSame(placeOf(target, ['Host', host]), place)
  })
}
