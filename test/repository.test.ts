import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'

const run = promisify(execFile)
const root = new URL('..', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')

t.test('the check of who imports whom saw the modules', async (t) => {
  // dependency-cruiser passes without a word when its parser cannot read the sources.
  const { stdout } = await run('node_modules/.bin/depcruise', ['src', '--output-type', 'json'], {
    cwd: root,
    maxBuffer: 1 << 26,
  })
  const { summary, modules } = JSON.parse(stdout)
  t.equal(summary.error, 0)
  const rooms = new Set(modules.map((module: { source: string }) => module.source.split('/').slice(0, 2).join('/')))
  for (const room of ['src/edge-token', 'src/kcd', 'src/sts', 'src/proxy', 'src/cli']) t.ok(rooms.has(room), room)
})

t.test('the public entry points give exactly the names that are promised', async (t) => {
  const promised: Record<string, string[]> = {
    'edge-token': [
      'EdgeTokenError',
      'createEdgeTokenVerifier',
      'issueEdgeToken',
      'joinComboToken',
      'openAccessCookie',
      'sealAccessCookie',
      'splitComboToken',
    ],
    kcd: ['KerberosError', 'createKerberosDelegator'],
    proxy: ['createPreauthenticator', 'createWebApplicationProxy', 'expressPreauth'],
    sts: ['createFederationServer'],
  }
  const manifest = JSON.parse(await read('package.json'))
  t.same(
    Object.keys(manifest.exports).filter((name) => name !== './package.json'),
    Object.keys(promised).map((name) => `./${name}`),
  )
  for (const [room, names] of Object.entries(promised)) {
    const entry = await import(new URL(`src/${room}/index.ts`, root).href)
    t.same(Object.keys(entry).sort(), names, room)
  }
})

t.test('what the packages stand on is at least as new as the versions without known holes', async (t) => {
  const minima: Record<string, string> = {
    'xml-crypto': '6.3.2',
    '@xmldom/xmldom': '0.8.13',
    jose: '6.2.0',
    undici: '8.0.0',
    node: '24.14.1',
  }
  const lock = JSON.parse(await read('package-lock.json'))
  for (const [name, minimum] of Object.entries(minima)) {
    const copies = Object.entries<{ version: string; dev?: boolean }>(lock.packages).filter(
      ([path, { dev }]) => path === `node_modules/${name}` || (path.endsWith(`/node_modules/${name}`) && dev !== true),
    )
    t.ok(copies.length > 0, `${name} is in the lock`)
    for (const [path, { version }] of copies) t.ok(atLeast(version, minimum), `${path} ${version} >= ${minimum}`)
  }
})

t.test('the lock names no registry host', async (t) => {
  t.notMatch(await read('package-lock.json'), /"resolved":|https?:\/\/[^"]*registry/)
})

t.test('README shows the two commands, and every page that it links to is there', async (t) => {
  const readme = await read('README.md')
  t.match(readme, /npm run demo/)
  t.match(readme, /npm test/)
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link ?? '')
  t.ok(links.length > 5)
  for (const link of links) {
    const found = link.endsWith('/') ? await readdir(new URL(link, root)) : await read(link)
    t.ok(found.length > 0, link)
  }
})

function atLeast(version: string, minimum: string): boolean {
  const [is, least] = [version, minimum].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)))
  for (const [index, part] of (least ?? []).entries()) {
    const difference = (is?.[index] ?? 0) - part
    if (difference !== 0) return difference > 0
  }
  return true
}
