/**
 * Packs dist/edge-token alone as the package `gatehouse-edge-token`, for programs that want the validator and nothing else:
 *
 *     npm run build && node scripts/pack-edge-token.ts [FOLDER]
 *
 * prints the path of the tarball, which lies in FOLDER or here.
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Packs what `npm run build` left in dist/edge-token.
 * @param destination folder for the tarball; it must be there.
 * @returns the tarball's path.
 */
export async function packEdgeToken(destination: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-edge-token-'))
  try {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    await cp(join(root, 'dist', 'edge-token'), folder, { recursive: true })
    for (const name of ['LICENSE', 'NOTICE']) await copyIfThere(join(root, name), join(folder, name))
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifestOf(manifest), null, 2))
    await writeFile(join(folder, 'README.md'), readme)
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(destination)]
    const { stdout } = await run('npm', pack, { cwd: folder })
    const [{ filename }] = JSON.parse(stdout)
    return join(resolve(destination), filename)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Manifest {
  version: string
  license: string
  dependencies: Record<string, string>
}

function manifestOf({ version, license, dependencies }: Manifest): object {
  return {
    name: 'gatehouse-edge-token',
    version,
    description:
      'Issues and verifies the edge tokens of a federation server: the validator for proxies, without the server.',
    license,
    type: 'module',
    engines: { node: '>=20.19' },
    exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
    peerDependencies: { '@xmldom/xmldom': dependencies['@xmldom/xmldom'] },
    peerDependenciesMeta: { '@xmldom/xmldom': { optional: true } },
  }
}

const readme = `# gatehouse-edge-token

The same files as \`gatehouse/edge-token\`, alone and without dependencies. With \`keys: { metadataUrl }\` it also needs the
package \`@xmldom/xmldom\`; with \`jwksUri\`, \`jwks\` and \`certificates\` it needs nothing.

\`\`\`js
import { createEdgeTokenVerifier } from 'gatehouse-edge-token'

const verifier = createEdgeTokenVerifier({
  issuer: 'http://sts.contoso.test/adfs/services/trust',
  keys: { jwksUri: 'https://sts.contoso.test/adfs/discovery/keys' },
})
const { upn } = await verifier.verify(token, { relyingParty: '4f6c2d1e-0000-4000-8000-00000000a001' })
\`\`\`
`

async function copyIfThere(from: string, to: string): Promise<void> {
  await cp(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await packEdgeToken(process.argv[2] ?? process.cwd()))
}
