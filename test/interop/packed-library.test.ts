import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { build } from 'esbuild'
import { rollup } from 'rollup'
import t from 'tap'
import { packEdgeToken } from '../../scripts/pack-edge-token.ts'
import { createCertificate } from '../edge-token/signing-certificate.ts'

// Fetches Node 20 and 22 from npm and installs tarballs: minutes where the network is slow.
t.setTimeout(300_000)

const execute = promisify(execFile)
/**
 * The programs run as they would at a user's. The test runner puts itself into the environment of every process that a
 * test starts, whatever is passed, so `env` takes it out again.
 */
const run = (program: string, words: readonly string[], options: { cwd?: string | URL } = {}) =>
  execute('env', ['-u', 'NODE_OPTIONS', '-u', 'NODE_COMPILE_CACHE', program, ...words], options)
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'gatehouse-packed-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))

/**
 * Uses everything that the library gives, in a project that has nothing but it. Prints one line.
 * `signing` is a key and a certificate, `metadata` says whether @xmldom/xmldom is there.
 */
const PROGRAM = `
async function useLibrary(edge, { signing, metadata }) {
  const { createServer } = await import('node:http')
  const { X509Certificate } = await import('node:crypto')
  const issuer = 'http://sts.contoso.test/adfs/services/trust'
  const trust = '4f6c2d1e-0000-4000-8000-00000000a001'
  const x509 = new X509Certificate(signing.certificate)
  const der = x509.raw.toString('base64')
  const jwks = { keys: [{ ...x509.publicKey.export({ format: 'jwk' }), use: 'sig', x5c: [der] }] }
  const xml = '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="' + issuer + '"><IDPSSODescriptor>' +
    '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>' + der +
    '</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>'
  const server = createServer((request, response) => response.end(request.url === '/jwks' ? JSON.stringify(jwks) : xml))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const base = 'http://127.0.0.1:' + server.address().port
  const token = await edge.issueEdgeToken({ iss: issuer, relyingpartytrustid: trust, upn: 'alice@contoso.test' }, signing)
  const sources = [{ jwks }, { certificates: [signing.certificate] }, { jwksUri: base + '/jwks' }, { metadataUrl: base + '/xml' }]
  const names = []
  for (const keys of sources) {
    const verifier = edge.createEdgeTokenVerifier({ issuer, keys })
    const source = Object.keys(keys)[0]
    try {
      const { upn } = await verifier.verify(token, { relyingParty: trust })
      names.push(source + ' ' + upn)
      await verifier.verify(token.slice(0, -4) + 'AAAA', { relyingParty: trust })
    } catch (error) {
      names.push(error instanceof edge.EdgeTokenError ? error.code : String(error))
    }
  }
  server.closeAllConnections()
  server.close()
  const halves = edge.splitComboToken(edge.joinComboToken({ edgeToken: token, accessToken: token }))
  if (halves.edgeToken !== token) throw new Error('the combo token came apart wrongly')
  const context = { keys: [{ id: 'k', secret: new Uint8Array(32) }], application: 'crm', host: 'crm.contoso.test' }
  const session = { relyingPartyTrust: trust, issuedAt: new Date(), expiresAt: new Date(Date.now() + 60000), upn: 'alice@contoso.test' }
  const opened = await edge.openAccessCookie(edge.sealAccessCookie(session, context), context)
  names.push('cookie ' + opened.upn)
  const expected = ['jwks', 'certificates', 'jwksUri', 'metadataUrl'].flatMap((source) =>
    source === 'metadataUrl' && !metadata ? ['keys-unavailable'] : [source + ' alice@contoso.test', 'signature'])
  console.log(JSON.stringify(names) === JSON.stringify([...expected, 'cookie alice@contoso.test']) ? 'all right' : names.join('\\n'))
}
`

/** An empty project with one tarball installed, and programs that use it by import and by require. */
async function createProject(project: string, tarball: string, specifier: string, metadata: boolean): Promise<void> {
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{"private":true}')
  const flags = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...flags, tarball], { cwd: project })
  const { privateKey, certificate } = await createCertificate()
  const parts = JSON.stringify({ signing: { key: privateKey, certificate }, metadata })
  const use = `${PROGRAM}\nuseLibrary(edge, ${parts})`
  await writeFile(join(project, 'by-import.mjs'), `import * as edge from '${specifier}'\n${use}`)
  await writeFile(join(project, 'by-require.cjs'), `const edge = require('${specifier}')\n${use}`)
  await writeFile(join(project, 'typed.ts'), typedProgram(specifier))
}

const typedProgram = (specifier: string) => `
import { createEdgeTokenVerifier, type EdgeIdentity, EdgeTokenError, openAccessCookie } from '${specifier}'
const verifier = createEdgeTokenVerifier({ issuer: 'urn:sts', keys: { jwksUri: 'https://sts.contoso.test/keys' }, fetch })
const identity: EdgeIdentity = await verifier.verify('token', { relyingParty: 'trust', url: new URL('https://crm.contoso.test/') })
const upn: string | undefined = identity.upn
const session = await openAccessCookie('value', { keys: [], application: 'crm', host: 'crm.contoso.test' })
const code: 'malformed' | undefined = new EdgeTokenError('malformed', '').code === 'malformed' ? 'malformed' : undefined
// @ts-expect-error: the types are there, and say that this is wrong
createEdgeTokenVerifier({ issuer: 1, keys: {} })
export { code, session, upn }
`

/** Node by its major version. The tests run on 24. */
const versions = new Map<string, string>([['24', process.execPath]])
const project = join(folder, 'whole')
const aloneProject = join(folder, 'alone')

async function outputOf(node: string, ...programs: string[]): Promise<string> {
  const { stdout, stderr } = await run(node, programs)
  return stderr + stdout
}

t.test('Node 20 and 22 come from npm', async (t) => {
  for (const version of ['20', '22']) {
    const prefix = join(folder, `node-${version}`)
    await mkdir(prefix)
    await writeFile(join(prefix, 'package.json'), '{"private":true}')
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
    await run('npm', ['install', ...flags, `node@${version}`], { cwd: prefix })
    versions.set(version, join(prefix, 'node_modules', 'node', 'bin', 'node'))
  }
  t.equal(versions.size, 3)
  for (const [version, node] of versions) t.match(await outputOf(node, '--version'), `v${version}.`)
})

t.test('the packages are packed and installed in empty projects', async (t) => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root })
  // What the build prints comes before.
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[')))
  t.notOk(files.some(({ path }: { path: string }) => /^(?:src|test|bench)\/|\.pem$/.test(path)))
  await createProject(project, join(folder, filename), 'gatehouse/edge-token', true)
  const alone = await packEdgeToken(folder)
  await createProject(aloneProject, alone, 'gatehouse-edge-token', false)
  t.same(
    await readdir(join(aloneProject, 'node_modules')).then(visible),
    ['gatehouse-edge-token'],
    'it brings nothing along',
  )
  const manifest = JSON.parse(
    await readFile(join(aloneProject, 'node_modules/gatehouse-edge-token/package.json'), 'utf8'),
  )
  t.same([manifest.dependencies, manifest.scripts], [undefined, undefined])
})

for (const version of ['20', '22', '24']) {
  t.test(`by import and by require on Node ${version}`, async (t) => {
    const node = versions.get(version) ?? ''
    for (const from of [project, aloneProject]) {
      t.equal(await outputOf(node, join(from, 'by-import.mjs')), 'all right\n')
      t.equal(await outputOf(node, join(from, 'by-require.cjs')), 'all right\n')
    }
  })
}

t.test('bundled by esbuild and by rollup, in both formats', async (t) => {
  // @xmldom/xmldom is CommonJS: esbuild takes it in, rollup alone leaves it outside.
  const external = ['@xmldom/xmldom']
  for (const from of [project, aloneProject]) {
    const entry = join(from, 'by-import.mjs')
    const bundle = await rollup({ input: entry, external, plugins: [nodeResolve()], logLevel: 'silent' })
    for (const [format, extension] of [
      ['esm', 'mjs'],
      ['cjs', 'cjs'],
    ] as const) {
      const esbuilt = join(from, `esbuilt.${extension}`)
      const rolled = join(from, `rolled.${extension}`)
      await build({
        entryPoints: [entry],
        bundle: true,
        platform: 'node',
        format,
        outfile: esbuilt,
        logLevel: 'silent',
      })
      await bundle.write({ file: rolled, format, inlineDynamicImports: true })
      for (const file of [esbuilt, rolled]) {
        for (const [version, node] of versions)
          t.equal(await outputOf(node, file), 'all right\n', `${file} on ${version}`)
      }
    }
  }
})

t.test('its types are read by a project in TypeScript', async (t) => {
  for (const from of [project, aloneProject]) {
    const options = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: ['node'] }
    const typeRoots = [join(root, 'node_modules', '@types')]
    const configuration = { compilerOptions: { ...options, typeRoots }, files: ['typed.ts'] }
    await writeFile(join(from, 'tsconfig.json'), JSON.stringify(configuration))
    await writeFile(join(from, 'package.json'), '{"private":true,"type":"module"}')
    t.equal(await outputOf(join(root, 'node_modules', '.bin', 'tsc'), '-p', from), '')
  }
})

const visible = (names: string[]) => names.filter((name) => !name.startsWith('.'))
