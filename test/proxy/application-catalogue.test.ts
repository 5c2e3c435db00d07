import t from 'tap'
import { createApplicationCatalogue, parseHost } from '../../src/proxy/application-catalogue.ts'
import { parsePublishedApplication } from '../../src/proxy/published-application.ts'

function application(externalUrl: string, more: Record<string, unknown> = {}) {
  const backendUrl = `http://backend.corp.test${new URL(externalUrl).pathname}`
  return parsePublishedApplication({
    name: externalUrl,
    externalUrl,
    backendUrl,
    preauthentication: 'pass-through',
    ...more,
  })
}

function routed(
  catalogue: ReturnType<typeof createApplicationCatalogue>,
  host: string,
  path: string,
  scheme: 'http' | 'https' = 'https',
) {
  const route = catalogue.route(scheme, host, path)
  return route.kind === 'application' ? route.application.externalUrl : route.kind
}

t.test('the longest prefix of whole segments wins, without regard to case', async (t) => {
  const catalogue = createApplicationCatalogue(
    ['https://a.test/', 'https://a.test/app/', 'https://a.test/app/sub/deep/', 'https://b.test/only/'].map((url) =>
      application(url),
    ),
  )
  for (const [path, expected] of [
    ['/', 'https://a.test/'],
    ['/other', 'https://a.test/'],
    ['/app', 'https://a.test/app/'],
    ['/app/', 'https://a.test/app/'],
    ['/APP/x', 'https://a.test/app/'],
    ['/%61pp/x', 'https://a.test/app/'],
    ['/application', 'https://a.test/'],
    ['/app2', 'https://a.test/'],
    ['/app.evil', 'https://a.test/'],
    ['/app-x/', 'https://a.test/'],
    ['/app/sub', 'https://a.test/app/'],
    ['/app/sub/deep', 'https://a.test/app/sub/deep/'],
    ['/app/sub/deep/er/and/more', 'https://a.test/app/sub/deep/'],
    ['/app/sub/deeper', 'https://a.test/app/'],
    ['//app/x', 'https://a.test/app/'],
    ['/app;v=1/x', 'https://a.test/app/'],
  ] as const)
    t.equal(routed(catalogue, 'a.test', path), expected, path)
  t.equal(routed(catalogue, 'b.test', '/only/x'), 'https://b.test/only/')
  t.equal(routed(catalogue, 'b.test', '/'), 'unknown-path')
  t.equal(routed(catalogue, 'b.test', '/onlyx'), 'unknown-path')
})

t.test('a path that backends read in different ways leads nowhere when those ways part', async (t) => {
  const catalogue = createApplicationCatalogue(
    ['https://a.test/', 'https://a.test/app/', 'https://a.test/app/public/'].map((url) => application(url)),
  )
  for (const path of [
    '/app%2fx',
    '/app%5cx',
    '/app%252fx',
    '/app/public%2fadmin',
    '/app%u002fx',
    '/app./x',
    '/app%20/x',
    '/app%2e/x',
  ])
    t.equal(routed(catalogue, 'a.test', path), 'ambiguous', path)
  for (const [path, expected] of [
    ['/other%2fx', 'https://a.test/'],
    ['/app/a%2fb', 'https://a.test/app/'],
    ['/app/100%25', 'https://a.test/app/'],
    ['/app/x.', 'https://a.test/app/'],
    ['/app/%E4%BD%A0', 'https://a.test/app/'],
  ] as const)
    t.equal(routed(catalogue, 'a.test', path), expected, path)
  const alone = createApplicationCatalogue([application('https://a.test/')])
  t.equal(routed(alone, 'a.test', '/app%2fx'), 'https://a.test/', 'with one application there is nothing to confuse')
})

t.test('paths can tell upper from lower case where the application says so', async (t) => {
  const catalogue = createApplicationCatalogue([
    application('https://a.test/App/', { caseSensitivePaths: true }),
    application('https://a.test/other/'),
  ])
  t.equal(routed(catalogue, 'a.test', '/App/x'), 'https://a.test/App/')
  t.equal(routed(catalogue, 'a.test', '/app/x'), 'unknown-path')
  t.equal(routed(catalogue, 'a.test', '/OTHER/x'), 'https://a.test/other/')
})

t.test('host, port and scheme are those that were published', async (t) => {
  const catalogue = createApplicationCatalogue(
    ['https://a.test/', 'http://b.test:8080/', 'https://c.test:8443/'].map((url) => application(url)),
  )
  for (const [scheme, host, expected] of [
    ['https', 'a.test', 'https://a.test/'],
    ['https', 'a.test:443', 'https://a.test/'],
    ['https', 'A.TEST.', 'https://a.test/'],
    ['https', 'a.test:8443', 'unknown-host'],
    ['http', 'a.test', 'unknown-host'],
    ['http', 'b.test:8080', 'http://b.test:8080/'],
    ['http', 'b.test', 'unknown-host'],
    ['https', 'c.test:8443', 'https://c.test:8443/'],
    ['https', 'c.test', 'unknown-host'],
    ['https', '__proto__', 'unknown-host'],
    ['https', 'a.test:', 'malformed-host'],
    ['https', 'a.test:x', 'malformed-host'],
  ] as const)
    t.equal(routed(catalogue, host, '/', scheme), expected, `${scheme} ${host}`)
  t.strictSame(catalogue.hosts().sort(), ['a.test', 'b.test', 'c.test'])
  for (const [host, serves] of [
    ['a.test', true],
    ['A.test:1', true],
    ['a.test.', true],
    ['d.test', false],
    ['a.test, b.test', false],
    ['', false],
  ] as const)
    t.equal(catalogue.serves(host), serves, host)
})

t.test('a change is there at once', async (t) => {
  const catalogue = createApplicationCatalogue()
  t.equal(routed(catalogue, 'a.test', '/'), 'unknown-host')
  catalogue.replace([application('https://a.test/')])
  t.equal(routed(catalogue, 'a.test', '/'), 'https://a.test/')
  catalogue.replace([])
  t.equal(routed(catalogue, 'a.test', '/'), 'unknown-host')
})

t.test('ten thousand applications cost what one costs', async (t) => {
  const one = createApplicationCatalogue([application('https://a0.test/')])
  const many = createApplicationCatalogue(
    Array.from({ length: 10_000 }, (_, at) => application(`https://a${at}.test/`)),
  )
  const time = (catalogue: typeof one) => {
    const start = process.hrtime.bigint()
    for (let at = 0; at < 20_000; at++) catalogue.route('https', 'a0.test', '/some/path')
    return Number(process.hrtime.bigint() - start)
  }
  time(one)
  time(many)
  const least = (catalogue: typeof one) => Math.min(...Array.from({ length: 7 }, () => time(catalogue)))
  const [few, all] = [least(one), least(many)]
  t.ok(all < few * 5, `${all / 20_000} ns a look-up against ${few / 20_000} ns`)
})

t.test('Host headers are read strictly', async (t) => {
  t.strictSame(parseHost('A.Test.:443'), { name: 'a.test', authority: 'a.test:443' })
  t.strictSame(parseHost('[::1]:80'), { name: '[::1]', authority: '[::1]:80' })
  for (const host of [
    '',
    ':80',
    'a b',
    'a,b',
    'a@b',
    'a/b',
    'a:0',
    'a:65536',
    'a:-1',
    'a..b',
    '.a',
    'a\u0000',
    'ä.test',
    'a:80:80',
  ])
    t.equal(parseHost(host), undefined, JSON.stringify(host))
})
