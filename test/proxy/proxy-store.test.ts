import { fork } from 'node:child_process'
import { createSecretKey, KeyObject, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openProxyStore } from '../../src/proxy/proxy-store.ts'
import { parsePublishedApplication } from '../../src/proxy/published-application.ts'

const masterKey = createSecretKey(randomBytes(32))
const application = (name: string, more: Record<string, unknown> = {}) =>
  parsePublishedApplication({
    name,
    externalUrl: `https://${name.toLowerCase()}.contoso.test/`,
    backendUrl: `http://${name.toLowerCase()}.corp.test/`,
    preauthentication: 'pass-through',
    ...more,
  })

t.test('keeps what was published, and says when it changed', async (t) => {
  const file = join(t.testdir(), 'data', 'proxy.json')
  const store = await openProxyStore({ file, masterKey })
  let changes = 0
  const stop = store.onChange(() => changes++)
  const crm = application('CRM', { identityHeaders: { 'X-User': 'upn' } })
  await store.publish(crm)
  t.equal(changes, 1)
  t.equal(store.application('crm'), crm)
  t.equal(store.application(crm.id.toUpperCase()), crm)
  const version = store.version
  await store.update(application('CRM', { id: crm.id, enableSignOut: true }))
  t.ok(store.version > version)
  t.equal(store.application('CRM')?.enableSignOut, true)
  await store.publish(application('Wiki'))
  await store.remove(crm.id)
  stop()
  await store.publish(application('News'))
  t.equal(changes, 4)
  await store.close()
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.strictSame(readdirSync(join(file, '..')), ['proxy.json'], 'nothing else is left in the folder')
  const again = await openProxyStore({ file, masterKey })
  t.strictSame(
    again
      .applications()
      .map(({ name }) => name)
      .sort(),
    ['News', 'Wiki'],
  )
  t.equal(again.version, store.version)
})

t.test('refuses what overlaps or is not there, and changes nothing', async (t) => {
  const store = await openProxyStore({ file: join(t.testdir(), 'proxy.json'), masterKey })
  const crm = application('CRM')
  await store.publish(crm)
  const { version } = store
  for (const [name, change, code] of [
    ['the same id', () => store.publish(application('Other', { id: crm.id })), 'application-exists'],
    [
      'the same name in another case',
      () => store.publish(application('Crm', { externalUrl: 'https://x.contoso.test/' })),
      'application-exists',
    ],
    [
      'the same address',
      () => store.publish(application('Copy', { externalUrl: 'https://CRM.contoso.test/' })),
      'overlap',
    ],
    [
      'the same host at another port',
      () => store.publish(application('Copy', { externalUrl: 'https://crm.contoso.test:8443/' })),
      'overlap',
    ],
    [
      'the same host without TLS',
      () => store.publish(application('Copy', { externalUrl: 'http://crm.contoso.test/' })),
      'overlap',
    ],
    ['an update of nothing', () => store.update(application('Ghost')), 'application-unknown'],
    ['a removal of nothing', () => store.remove('ghost'), 'application-unknown'],
  ] as const)
    await t.rejects(change(), { name: 'ProxyError', code }, name)
  t.equal(store.version, version)
  t.strictSame(store.applications(), [crm])
  const below = application('Below', {
    externalUrl: 'https://crm.contoso.test/App/',
    backendUrl: 'http://b.corp.test/App/',
  })
  await store.publish(below)
  await t.rejects(
    store.publish(
      application('Case', { externalUrl: 'https://crm.contoso.test/app/', backendUrl: 'http://b.corp.test/app/' }),
    ),
    { code: 'overlap' },
  )
  await store.publish(application('Wiki'))
  await t.rejects(store.update(application('Wiki', { id: crm.id, externalUrl: 'https://y.contoso.test/' })), {
    code: 'application-exists',
  })
  await t.rejects(store.update(application('CRM', { id: crm.id, externalUrl: 'https://wiki.contoso.test/' })), {
    code: 'overlap',
  })
  t.equal(store.application('CRM')?.externalUrl, 'https://crm.contoso.test/')
})

t.test('writes changes that wait together once, and a refused one among them spoils none', async (t) => {
  const store = await openProxyStore({ file: join(t.testdir(), 'proxy.json'), masterKey })
  const { version } = store
  const all = await Promise.allSettled([
    ...Array.from({ length: 500 }, (_, at) => store.publish(application(`App${at}`))),
    store.publish(application('APP7')),
  ])
  t.equal(all.filter(({ status }) => status === 'fulfilled').length, 500)
  t.match(all.at(-1), { status: 'rejected', reason: { code: 'application-exists' } })
  t.equal(store.applications().length, 500)
  t.ok(store.version - version < 10, `${store.version - version} writes`)
})

t.test('the ring of cookie keys', async (t) => {
  const file = join(t.testdir(), 'proxy.json')
  const store = await openProxyStore({ file, masterKey })
  const [first] = store.cookieKeys()
  t.match(first?.id, /^[0-9a-f]{8}$/)
  t.equal(store.cookieKeys(), store.cookieKeys(), 'is the same array until it changes')
  const now = new Date()
  await store.rotateCookieKeys({ now })
  const [second, old, ...none] = store.cookieKeys()
  t.strictSame([old?.id, none], [first?.id, []], 'keeps the old key for what it sealed')
  t.not(second?.id, first?.id)
  await store.close()
  t.notMatch(
    readFileSync(file, 'utf8'),
    Buffer.from(exported(second)).toString('base64url'),
    'no key stands there in the clear',
  )

  const soon = await openProxyStore({ file, masterKey, now: new Date(now.getTime() + 86_000_000) })
  t.strictSame(soon.cookieKeys().map(exported), [exported(second), exported(first)], 'is the same after a restart')
  await soon.rotateCookieKeys({ now: new Date(now.getTime() + 86_470_000) })
  t.strictSame(
    soon
      .cookieKeys()
      .slice(1)
      .map(({ id }) => id),
    [second?.id],
    'drops a key whose last cookie is dead',
  )
  await soon.rotateCookieKeys({ regenerate: true })
  t.equal(soon.cookieKeys().length, 1, 'drops all others when it is regenerated')
  t.not(soon.cookieKeys()[0]?.id, second?.id)
})

t.test('a document that it cannot take is refused clearly, and left as it is', async (t) => {
  const file = join(t.testdir(), 'proxy.json')
  const store = await openProxyStore({ file, masterKey })
  await store.publish(application('CRM'))
  await store.close()
  const good = readFileSync(file, 'utf8')
  const changed = (change: (document: Record<string, unknown>) => void) => {
    const document = JSON.parse(good)
    change(document)
    return JSON.stringify(document)
  }
  for (const [name, text, code, message] of [
    ['empty', '', 'store-unusable', /damaged/],
    ['cut', good.slice(0, -40), 'store-unusable', /damaged/],
    ['a number', '7', 'store-unusable', /not a document of this proxy/],
    ['null', 'null', 'store-unusable', /not a document of this proxy/],
    ['of somebody else', '{"format":"other"}', 'store-unusable', /not a document of this proxy/],
    ['of a newer version', changed((d) => Object.assign(d, { schema: 2 })), 'newer-schema', /newer version \(schema 2/],
    ['without keys', changed((d) => Object.assign(d, { cookieKeys: [] })), 'store-unusable', /no cookie key/],
    [
      'with a damaged key',
      changed((d) => Object.assign(d, { cookieKeys: [{ id: 'x', sealed: 'AAAA' }] })),
      'store-unusable',
      /master key/,
    ],
    ['with a key that is none', changed((d) => Object.assign(d, { cookieKeys: [null] })), 'store-unusable', /damaged/],
    [
      'with a damaged application',
      changed((d) => Object.assign(d, { applications: [{ name: 'x' }] })),
      'store-unusable',
      /damaged: externalUrl/,
    ],
    [
      'with two applications at one address',
      changed((d) => (d['applications'] as object[]).push((d['applications'] as object[])[0] ?? {})),
      'store-unusable',
      /damaged/,
    ],
  ] as const) {
    writeFileSync(file, text)
    await t.rejects(openProxyStore({ file, masterKey }), { name: 'ProxyError', code, message }, name)
    t.equal(readFileSync(file, 'utf8'), text, `${name}: nothing was overwritten`)
  }
  writeFileSync(file, good)
  await t.rejects(openProxyStore({ file, masterKey: createSecretKey(randomBytes(32)) }), {
    code: 'store-unusable',
    message: /master key/,
  })
  t.equal((await openProxyStore({ file, masterKey })).applications().length, 1)
})

t.test('a disk that does not take it loses nothing, and the change is refused', async (t) => {
  if (process.getuid?.() === 0) {
    // root writes wherever it likes; a folder in the file's place stops everybody
    const folder = t.testdir({ 'proxy.json': {} })
    await t.rejects(openProxyStore({ file: join(folder, 'proxy.json'), masterKey }), { code: 'store-unusable' })
    return
  }
  const folder = t.testdir()
  const file = join(folder, 'proxy.json')
  const store = await openProxyStore({ file, masterKey })
  await store.publish(application('CRM'))
  chmodSync(folder, 0o500)
  t.teardown(() => chmodSync(folder, 0o700))
  await t.rejects(store.publish(application('Wiki')), { code: 'store-unusable', message: /cannot be written/ })
  t.equal(store.application('Wiki'), undefined)
  chmodSync(folder, 0o700)
  await store.publish(application('Wiki'))
  t.equal((await openProxyStore({ file, masterKey })).applications().length, 2)
})

t.test('kill -9 at any moment loses nothing that was acknowledged, and needs no repair', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'proxy.json')
  const acknowledged: string[] = []
  for (let round = 0; round < 12; round++) {
    const child = fork(
      join(import.meta.dirname, 'publish-until-killed.ts'),
      [file, masterKey.export().toString('hex'), `r${round}`],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    )
    const enough = 1 + round * 3
    let seen = 0
    child.on('message', (name) => {
      acknowledged.push(String(name))
      if (++seen === enough) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'exit')
    t.equal(signal, 'SIGKILL')
    const store = await openProxyStore({ file, masterKey })
    const names = new Set(store.applications().map(({ name }) => name))
    t.strictSame(
      acknowledged.filter((name) => !names.has(name)),
      [],
      `round ${round}: ${names.size} applications`,
    )
    await store.close()
  }
  t.ok(acknowledged.length >= 12)
  t.strictSame(readdirSync(folder), ['proxy.json'], 'half-written files are cleared away')
  t.ok(existsSync(file))
})

function exported(key: { secret: unknown } | undefined): string {
  return key?.secret instanceof KeyObject ? key.secret.export().toString('hex') : 'none'
}
