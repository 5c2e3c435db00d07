/** Writes docs/configuration.md from the configuration's schema: `node scripts/configuration-reference.ts`. */
import { writeFile } from 'node:fs/promises'
import { configurationShape, environmentWord, type Shape } from '../src/cli/configuration/shape.ts'

const example = `roles: [sts, proxy]
data: data
masterKeyFile: master.key
resolve: { crm.corp.test: 10.0.0.7 }
listeners:
  - address: 0.0.0.0
    port: 443
    protocol: https
    certificates:
      - { certificate: tls/contoso.pem, key: tls/contoso.key }
      - { pkcs12: tls/fabrikam.p12, passphraseFile: tls/fabrikam.passphrase }
  - address: 0.0.0.0
    port: 80
    protocol: http
    redirectToHttps: true
sts:
  url: https://sts.contoso.test
  keepMeSignedIn: true
  branding: { title: Contoso, accentColor: '#1a5fb4' }
`

const foreign = `roles: [proxy]
listeners:
  - { address: 0.0.0.0, port: 443, protocol: https, certificates: [{ certificate: tls/contoso.pem, key: tls/contoso.key }] }
proxy:
  federationService:
    metadataUrl: https://sts.contoso.test/FederationMetadata/2007-06/FederationMetadata.xml
    trusts:
      - { id: 4f6c2a5e-0d4e-4c55-9a3e-1f6f3a6f5c11, name: CRM }
kerberos:
  realm: CORP.TEST
  kdcs: [dc1.corp.test, dc2.corp.test]
  principal: HTTP/gateway.corp.test
  keytab: gateway.keytab
  services: [HTTP/crm.corp.test]
`

/** The page, complete. */
export function configurationReference(): string {
  return [
    '# Configuration',
    '',
    '<!-- Made from the schema by scripts/configuration-reference.ts; edit src/cli/configuration/configuration.ts. -->',
    '',
    '`gatehouse.yaml` says what a machine is: roles, names, listeners, folders. What an administrator manages (people,',
    'groups, trusts, applications) is kept in the data folder and changed by the `gatehouse` command. The file is found in',
    'the working directory, by `--config FILE` or by `GATEHOUSE_CONFIG`. It is checked whole before anything starts: every',
    'problem is told at once with its line, and a key that is not known is an error. Paths are relative to the file.',
    '',
    'Every key can come from the environment: `GATEHOUSE_` and its path in capitals, words parted by `_`, elements of a list',
    'by their number from 0. Lists of words are written with commas (`GATEHOUSE_ROLES=sts,proxy`), other lists and maps as',
    "YAML in one line (`GATEHOUSE_RESOLVE='{ crm.corp.test: 10.0.0.7 }'`). The environment goes before the file; a variable",
    'that is empty counts as not there, and one that names no key is an error. Secrets are never values, only files: the',
    'master key (`GATEHOUSE_MASTER_KEY_FILE`), passphrases, keytabs and the bearer token of the administration.',
    '',
    '## Examples',
    '',
    'Federation server and proxy on one machine:',
    '',
    '```yaml',
    `${example.trimEnd()}`,
    '```',
    '',
    'A proxy before a federation server elsewhere, such as an AD FS, whose applications take Kerberos alone:',
    '',
    '```yaml',
    `${foreign.trimEnd()}`,
    '```',
    '',
    ...sections(configurationShape()),
    '',
  ].join('\n')
}

/** The examples of the page, for a test that they hold. */
export const configurationExamples: readonly string[] = [example, foreign]

function sections(root: Shape): string[] {
  const top = Object.entries(root.properties ?? {})
  const isGroup = (shape: Shape) => leaf(shape).properties !== undefined
  const plain = top.filter(([, shape]) => !isGroup(shape))
  return [
    '## Top level',
    '',
    ...rows(
      plain.map(([key, shape]) => ({ path: [key], shape })),
      root,
    ),
    ...top
      .filter(([, shape]) => isGroup(shape))
      .flatMap(([key, shape]) => [
        '',
        `## \`${key}\``,
        '',
        shape.description ?? '',
        '',
        ...rows(leaves(shape, [key]), root),
      ]),
  ]
}

interface Leaf {
  readonly path: readonly string[]
  readonly shape: Shape
  readonly required?: boolean
}

// What stands at the end of lists: `certificates[]` is a map of keys.
const leaf = (shape: Shape): Shape => (shape.items === undefined ? shape : leaf(shape.items))

function leaves(shape: Shape, path: readonly string[]): Leaf[] {
  const inner = leaf(shape)
  const below = shape.items === undefined ? path : [...path, '[]']
  return Object.entries(inner.properties ?? {}).flatMap(([key, property]) => {
    const at = [...below, key]
    const required = inner.required?.includes(key) === true
    if (leaf(property).properties === undefined) return [{ path: at, shape: property, required }]
    return [{ path: at, shape: property, required }, ...leaves(property, at)]
  })
}

function rows(found: readonly Leaf[], root: Shape): string[] {
  return [
    '| key | value | default | what it says |',
    '|---|---|---|---|',
    ...found.map(({ path, shape, required = root.required?.includes(path[0] ?? '') === true && path.length === 1 }) => {
      const name = path.join('.').replaceAll('.[]', '[]')
      const variable = `GATEHOUSE_${path.map((key) => (key === '[]' ? '0' : environmentWord(key))).join('_')}`
      return `| \`${name}\`<br>\`${variable}\` | ${kind(shape)} | ${standard(shape, required)} | ${cell(shape.description ?? '')} |`
    }),
  ]
}

function kind(shape: Shape): string {
  if (shape.anyOf !== undefined) return shape.anyOf.map(kind).join(' or ')
  if (shape.const !== undefined) return `\`${String(shape.const)}\``
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${String(value)}\``).join(', ')
  switch (shape.type) {
    case 'integer':
      return `${shape.minimum ?? ''} to ${(shape.maximum ?? 0).toLocaleString('en')}`
    case 'boolean':
      return '`true`, `false`'
    case 'array':
      return shape.items === undefined ? 'list' : `list of ${kind(shape.items)}`
    case 'object':
      return 'map'
    default:
      return 'text'
  }
}

function standard(shape: Shape, required: boolean): string {
  if (required) return 'required'
  const value = shape.default
  if (value === undefined || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)) return ''
  return Array.isArray(value) ? value.map((each) => `\`${String(each)}\``).join(', ') : `\`${String(value)}\``
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

if (import.meta.main) {
  await writeFile(new URL('../docs/configuration.md', import.meta.url), configurationReference())
}
