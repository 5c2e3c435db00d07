import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseConfiguration } from '../../src/cli/configuration/configuration-file.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'

const file = '/etc/gatehouse/gatehouse.yaml'
const written = (lines: string) => `listeners: [{ port: 0, protocol: http }]
sts:
  url: http://sts.contoso.localhost:8080
  integratedSignIn:
${lines.replaceAll(/^/gm, '    ')}
`
const read = (lines: string) => parseConfiguration(written(lines), { file }).sts?.integratedSignIn

t.test('integrated sign-in is read with its keytab beside the configuration', async (t) => {
  const whole = `keytab: sts.keytab
principal: HTTP/sts.contoso.localhost
networks: [10.0.0.0/8, '::1']
userAgents: ['curl/', '=~Windows NT']
upnSuffixes: { CORP.CONTOSO.TEST: contoso.test }`
  t.strictSame(read(whole), {
    keytab: '/etc/gatehouse/sts.keytab',
    principal: 'HTTP/sts.contoso.localhost',
    networks: ['10.0.0.0/8', '::1'],
    userAgents: ['curl/', '=~Windows NT'],
    upnSuffixes: { 'CORP.CONTOSO.TEST': 'contoso.test' },
    allowGroupReadableKeytab: false,
  })
  for (const [key, from, to] of [
    ['principal', 'HTTP/sts.contoso.localhost', 'sts.contoso.localhost'],
    ['networks', "[10.0.0.0/8, '::1']", '[]'],
    ['networks', '10.0.0.0/8', '10.0.0.0/33'],
    ['upnSuffixes', ': contoso.test', ": '@contoso.test'"],
    ['keytabs', 'keytab:', 'keytabs:'],
  ] as const) {
    t.throws(() => read(whole.replace(from, to)), { message: new RegExp(`integratedSignIn.*${key}`) }, `${key} ${to}`)
  }
})

t.test('the documented example holds', async (t) => {
  const page = await readFile(new URL('../../docs/integrated-sign-in.md', import.meta.url), 'utf8')
  const [, example = ''] = /```yaml\n([\s\S]*?) *```/.exec(page) ?? []
  const { sts } = parseConfiguration(`listeners: [{ port: 0, protocol: http }]\n${example.replaceAll(/^ {3}/gm, '')}`, {
    file,
  })
  t.match(sts?.integratedSignIn, { principal: 'HTTP/sts.contoso.test', networks: ['10.0.0.0/8', 'fd00::/8'] })
})

t.test('a server whose keytab is not there does not start, and says so in one line', async (t) => {
  const integratedSignIn = { keytab: 'none.keytab', principal: 'HTTP/sts.contoso.localhost', networks: ['127.0.0.1'] }
  const folder = join(await temporaryFolder(t), 'sts')
  const installation = await makeInstallation(folder, {
    sts: { url: 'http://sts.contoso.localhost:8080', integratedSignIn },
  })
  const { code, stderr } = await installation.run(['serve'])
  t.equal(code, 1)
  t.match(stderr, /integrated sign-in: the keytab \S+none\.keytab cannot be read/)
  t.notMatch(stderr, /\n {4}at /)
})
