import t from 'tap'
import {
  comparablePath,
  normaliseTarget,
  parseReturnUrl,
  pathLiesUnder,
  urlLiesUnder,
} from '../../src/edge-token/published-url.ts'

for (const [target, path, query] of [
  ['/', '/', ''],
  ['/?', '/', '?'],
  ['/a/b?c=d?e', '/a/b', '?c=d?e'],
  ['/a/./b', '/a/b', ''],
  ['/a/../b', '/b', ''],
  ['/a/..', '/', ''],
  ['/a/.', '/a/', ''],
  ['/../../etc/passwd', '/etc/passwd', ''],
  ['/app/public/../admin', '/app/admin', ''],
  ['/app/%2e%2e/admin', '/admin', ''],
  ['/app/.%2E/admin', '/admin', ''],
  ['/app/%2e/admin', '/app/admin', ''],
  ['/a//b', '/a//b', ''],
  ['//evil.test/a', '//evil.test/a', ''],
  ['/a/.well-known/b..c/...', '/a/.well-known/b..c/...', ''],
  ['/%61pp/%C3%A9?x=%2e%2e', '/%61pp/%C3%A9', '?x=%2e%2e'],
  ['/a%2fb/c%5Cd', '/a%2fb/c%5Cd', ''],
  ['/a%252fb', '/a%252fb', ''],
  ['/100%/%zz', '/100%/%zz', ''],
  ['/a?../../b', '/a', '?../../b'],
  ['/a?b=/../c\\d', '/a', '?b=/../c%5Cd'],
  ['/caf\u00e9?\u00fc', '/caf%E9', '?%FC'],
  ['/a;v=1/b;c', '/a;v=1/b;c', ''],
] as const) {
  t.test(`${target} is the path ${path} and the query ${query}`, async (t) =>
    t.same(normaliseTarget(target), { path, query }),
  )
}

for (const target of [
  '',
  '*',
  'app',
  '?a',
  'http://crm.contoso.test/',
  '/a b',
  '/a\tb',
  '/a\r\nb',
  '/a\u0000',
  '/a\u007f',
  '/a?b c',
  '/a#b',
  '/a?b#c',
  '/a\\b',
  '/a\\..\\b',
  '/\u0100',
  '/a%00',
  '/a/%2500/b',
  '/a/..%2fb',
  '/a/..%5cb',
  '/a/%2e%2e%2fb',
  '/a%2f../b',
  '/a%2f..%2fb',
  '/a%2fb/../c',
  '/a/..%252fb',
  '/a%252f..%252fb',
  '/a/%252e%252e/b',
  '/a/%25252e%25252e/b',
  '/a/..%255cb',
  '/a/..;/b',
  '/a/..;x=1/b',
  '/a/%2e%2e;/b',
  '/a/..%20/b',
  '/a/..%3b/b',
  '/a/%c0%ae%c0%ae/b',
  '/a/..%c0%afb',
  '/a/..%c1%9cb',
  '/a/%e0%80%ae%e0%80%ae/b',
  '/a/%u002e%u002e/b',
  `/${'%25'.repeat(30)}`.replace(/^\/(.*)$/, (_, text: string) => `/%${'25'.repeat(text.length / 3)}2e/../a`),
]) {
  t.test(`refuses ${JSON.stringify(target).slice(0, 60)}`, async (t) => t.equal(normaliseTarget(target), undefined))
}

t.test('what is normalised stays as it is', async (t) => {
  for (const target of ['/a/../b/./c?d', '/app/%2e%2e/%61?x\\y', '/caf\u00e9', '//a//b/']) {
    const { path, query } = normaliseTarget(target) ?? { path: '', query: '' }
    t.same(normaliseTarget(path + query), { path, query }, target)
  }
})

for (const [path, prefix, lies] of [
  ['/app', '/app', true],
  ['/app/', '/app', true],
  ['/app', '/app/', true],
  ['/app/x', '/app', true],
  ['/app/x', '/app/', true],
  ['/APP/x', '/app', true],
  ['/%61pp', '/app', true],
  ['/app', '/%61PP', true],
  ['/app;v=1/x', '/app', true],
  ['//app/x', '/app', true],
  ['/app//x', '/app/x', true],
  ['/anything', '/', true],
  ['/', '/', true],
  ['/caf%c3%a9/x', '/caf%C3%A9', true],
  ['/application', '/app', false],
  ['/app2', '/app', false],
  ['/app.evil', '/app', false],
  ['/app%2fx', '/app', false],
  ['/ap', '/app', false],
  ['/', '/app', false],
  ['/x/app', '/app', false],
] as const) {
  t.test(`${path} lies ${lies ? '' : 'not '}under ${prefix}`, async (t) => t.equal(pathLiesUnder(path, prefix), lies))
}

t.test('case counts where it is asked for', async (t) => {
  t.notOk(pathLiesUnder('/APP/x', '/app', { caseSensitive: true }))
  t.ok(pathLiesUnder('/app/X', '/app', { caseSensitive: true }))
  t.ok(pathLiesUnder('/%41pp/x', '/App', { caseSensitive: true }))
  t.equal(comparablePath('/%7EA/%2f/', { caseSensitive: true }), '/~A/%2F')
  t.equal(comparablePath('/'), '')
})

for (const [url, prefix, lies] of [
  ['https://crm.contoso.test/a?b#', 'https://crm.contoso.test/', false],
  ['https://crm.contoso.test/a?b', 'https://crm.contoso.test/', true],
  ['https://crm.contoso.test', 'https://crm.contoso.test/', true],
  ['https://crm.contoso.test:443/a', 'https://crm.contoso.test/', true],
  ['https://crm.contoso.test./a', 'https://crm.contoso.test/', true],
  ['HTTPS://CRM.CONTOSO.TEST/APP/', 'https://crm.contoso.test/app/', true],
  ['https://crm.contoso.test/app/../hr', 'https://crm.contoso.test/app/', false],
  ['https://crm.contoso.test/app/%2e%2e/hr', 'https://crm.contoso.test/app/', false],
  ['https://crm.contoso.test/app/..%2fhr', 'https://crm.contoso.test/app/', false],
  ['https://crm.contoso.test/application', 'https://crm.contoso.test/app/', false],
  ['http://crm.contoso.test/app/', 'https://crm.contoso.test/app/', false],
  ['https://crm.contoso.test:444/app/', 'https://crm.contoso.test/app/', false],
  ['https://crm.contoso.test.evil.test/app/', 'https://crm.contoso.test/app/', false],
  ['https://crm.contoso.test@evil.test/app/', 'https://crm.contoso.test/app/', false],
  ['https://evil.test\\@crm.contoso.test/app/', 'https://crm.contoso.test/app/', false],
  ['https://crm.contoso.test/app/', 'not an address', false],
  ['not an address', 'https://crm.contoso.test/app/', false],
  ['ftp://crm.contoso.test/', 'ftp://crm.contoso.test/', false],
] as const) {
  t.test(`${url} lies ${lies ? '' : 'not '}under ${prefix}`, async (t) => t.equal(urlLiesUnder(url, prefix), lies))
}

for (const text of [
  'https://crm.contoso.test',
  'https://crm.contoso.test/a/b?c=d&e=%20',
  'http://crm.contoso.localhost:8080/',
  'HTTPS://Crm.Contoso.Test/',
  'https://[::1]:8443/',
  'https://crm.contoso.test/a?b=x@y',
]) {
  t.test(`${text} is a return address`, async (t) => t.equal(parseReturnUrl(text)?.href, new URL(text).href))
}

for (const text of [
  '',
  '/app',
  '//crm.contoso.test/',
  'https:crm.contoso.test/',
  'https:/crm.contoso.test/',
  'https:///crm.contoso.test/',
  'javascript:alert(1)',
  'data:text/html,x',
  'ftp://crm.contoso.test/',
  'https://user@crm.contoso.test/',
  'https://user:secret@crm.contoso.test/',
  'https://@crm.contoso.test/',
  'https://crm.contoso.test\\@evil.test/',
  'https:\\\\crm.contoso.test/',
  'https://crm.contoso.test/a\\b',
  'https://crm.contoso.test/#a',
  'https://crm.contoso.test/a#',
  ' https://crm.contoso.test/',
  'https://crm.contoso.test/\t',
  'https://crm.contoso.test/\r\nX-MS-Proxy: a',
  'https://crm.contoso.test/\u0000',
  'https://crm.con\ntoso.test/',
  'https://crm contoso.test/',
  'https://crm.contoso.test:99999/',
  'https://?a',
]) {
  t.test(`${JSON.stringify(text)} is no return address`, async (t) => t.equal(parseReturnUrl(text), undefined))
}

t.test('what is no text is no address', async (t) => {
  for (const value of [undefined, null, 1, {}, ['https://crm.contoso.test/']]) {
    t.equal(parseReturnUrl(value as string), undefined)
    t.notOk(urlLiesUnder(value as string, 'https://crm.contoso.test/'))
  }
})
