import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { CliError } from '../../src/cli/cli-error.ts'
import { loadConfiguration, parseConfiguration } from '../../src/cli/configuration/configuration-file.ts'

const file = '/etc/gatehouse/gatehouse.yaml'
const least = `listeners: [{ port: 8080, protocol: http }]
sts: { url: http://sts.contoso.test }
`
const parse = (text: string, environment: Record<string, string> = {}) =>
  parseConfiguration(text, { file, environment })

function problemsOf(text: string, environment: Record<string, string> = {}): string[] {
  try {
    parse(text, environment)
    return []
  } catch (error) {
    const { code, problems } = error as CliError
    if (code !== 'configuration') throw error
    return problems.map(({ where, path, message }) => `${where} ${path}: ${message}`)
  }
}

t.test(
  'the least that is needed is completed, its paths lie beside the file, and nothing of it can be changed',
  async (t) => {
    const configuration = parse(least)
    t.match(configuration, {
      roles: ['sts', 'proxy'],
      data: '/etc/gatehouse/data',
      masterKeyFile: '/etc/gatehouse/master.key',
      sts: { ssoLifetime: 28_800, lockout: { threshold: 10 } },
      listeners: [{ address: '127.0.0.1', port: 8080 }],
      shutdownTimeout: 30,
      file,
    })
    t.throws(() => Object.assign(configuration.listeners[0] as object, { port: 1 }), TypeError)
  },
)

t.test('paths in lists and maps are made absolute as well', async (t) => {
  const configuration = parse(`
listeners: [{ address: 0.0.0.0, port: 443, protocol: https, certificates: [{ certificate: tls/a.pem, key: /k/a.key }] }]
sts: { url: https://sts.contoso.test, branding: { logo: logo.svg } }
proxy: { backendCa: [ca.pem] }
administration: { socket: run/g.sock }
`)
  t.match(configuration.listeners[0]?.certificates, [{ certificate: '/etc/gatehouse/tls/a.pem', key: '/k/a.key' }])
  t.equal(configuration.sts?.branding?.logo, '/etc/gatehouse/logo.svg')
  t.strictSame(configuration.proxy?.backendCa, ['/etc/gatehouse/ca.pem'])
  t.equal(configuration.administration.socket, '/etc/gatehouse/run/g.sock')
})

t.test('the Kerberos account is checked, and comes from the environment as well', async (t) => {
  const account = `${least}kerberos:
  realm: CORP.TEST
  principal: svc-gateway
`
  t.match(parse(`${account}  keytab: gateway.keytab\n`), {
    kerberos: { keytab: '/etc/gatehouse/gateway.keytab', kdcs: [], ticketLifetime: 3600, services: undefined },
  })
  const environment = {
    GATEHOUSE_KERBEROS_KEYTAB: '/run/gateway.keytab',
    GATEHOUSE_KERBEROS_KDCS: 'dc1.corp.test, 10.0.0.5:1088',
    GATEHOUSE_KERBEROS_REALMS: '{ OTHER.TEST: [dc.other.test] }',
    GATEHOUSE_KERBEROS_SERVICES: 'HTTP/crm.corp.test',
  }
  t.match(parse(account, environment).kerberos, {
    keytab: '/run/gateway.keytab',
    kdcs: ['dc1.corp.test', '10.0.0.5:1088'],
    realms: { 'OTHER.TEST': ['dc.other.test'] },
    services: ['HTTP/crm.corp.test'],
  })
  for (const [lines, problem] of [
    ['', /kerberos: must name either `keytab` or `passwordFile`/],
    ['  keytab: a\n  passwordFile: b\n', /kerberos: must name either/],
    ['  keytab: a\n  armourPrincipal: host/x.test\n', /kerberos\.armourPrincipal: is the account in `armourKeytab`/],
    ['  keytab: a\n  services: [cifs/crm.corp.test]\n', /kerberos\.services\.0: must be a service such as/],
    ['  keytab: a\n  services: [HTTP/*]\n', /kerberos\.services\.0: must be a service such as/],
    ['  keytab: a\n  kdcs: ["dc1:99999"]\n', /kerberos\.kdcs\.0: must be the address of a KDC/],
    ['  keytab: a\n  password: secret\n', /kerberos\.password: /],
  ] as const) {
    const found = problemsOf(account + lines)
    t.equal(found.length, 1, found.join('; '))
    t.match(found[0], problem)
  }
  const elsewhere = account.replace('svc-gateway', 'svc-gateway@OTHER.TEST')
  t.match(problemsOf(`${elsewhere}  keytab: a\n`), [/kerberos\.principal: must lie in `realm`/])
  t.match(problemsOf(`roles: [sts]\n${account}  keytab: a\n`), [
    /kerberos: is given, but `roles` does not name `proxy`/,
  ])
})

t.test('all problems are told at once, each with its line', async (t) => {
  const found = problemsOf(`roles: [sts, proxi]
dta: elsewhere
resolve: { 'bad host': 127.0.0.1, a.test: nowhere }
listeners:
  - port: 99999
    protocol: htps
  - address: 0.0.0.0
    port: 80
    protocol: http
sts:
  url: https://sts.contoso.test/adfs
  lockout: { treshold: 3 }
  branding:
    accentColor: red
masterKeyFile: data/master.key
log:
  level: verbose
`)
  t.strictSame(
    found.map((line) => line.split(':').slice(0, 2).join(':').replace('gatehouse.yaml:', '')),
    [
      '1 roles.1',
      '2 dta',
      '3 resolve.bad host',
      '3 resolve.a.test',
      '5 listeners.0.port',
      '6 listeners.0.protocol',
      '9 listeners.1.protocol',
      '11 sts.url',
      '12 sts.lockout.treshold',
      '14 sts.branding.accentColor',
      '15 masterKeyFile',
      '17 log.level',
    ],
  )
  t.match(found.join('\n'), /did you mean `proxy`[\s\S]*did you mean `data`[\s\S]*did you mean `threshold`/)
})

for (const { name, text, says } of [
  {
    name: 'a missing key at the place where it belongs',
    text: 'listeners:\n  - protocol: http\nsts: { url: http://a.test }',
    says: 'gatehouse.yaml:2 listeners.0.port: is missing',
  },
  {
    name: 'a role without its section',
    text: 'listeners: [{ port: 1, protocol: http }]',
    says: 'gatehouse.yaml:1 sts: is missing: the role `sts` needs at least `url`',
  },
  {
    name: 'a section without its role',
    text: `roles: [sts]\nproxy: {}\n${least}`,
    says: 'gatehouse.yaml:2 proxy: is given, but `roles` does not name `proxy`',
  },
  {
    name: 'a foreign federation server beside an own one',
    text: `proxy: { federationService: { metadataUrl: https://f.test/m } }\n${least}`,
    says: 'gatehouse.yaml:1 proxy.federationService: must be left out: the federation server is in the same process',
  },
  {
    name: 'a proxy alone without a federation server',
    text: 'roles: [proxy]\nlisteners: [{ port: 1, protocol: http }]',
    says: 'gatehouse.yaml:1 proxy.federationService: is missing: a proxy without the role `sts` beside it needs it',
  },
  {
    name: 'https without a certificate',
    text: 'listeners: [{ port: 1, protocol: https }]\nsts: { url: https://a.test }',
    says: 'gatehouse.yaml:1 listeners.0.certificates: must hold a certificate: the listener speaks https',
  },
  {
    name: 'half a certificate',
    text: 'listeners:\n- { port: 1, protocol: https, certificates: [{ key: a }] }\nsts: { url: https://a.test }',
    says: 'gatehouse.yaml:2 listeners.0.certificates.0: must name `certificate` as well',
  },
  {
    name: 'two listeners at one place',
    text: 'listeners:\n- { port: 1, protocol: http }\n- { port: 1, protocol: http }\nsts: { url: http://a.test }',
    says: 'gatehouse.yaml:3 listeners.1.port: is taken by a listener above',
  },
  {
    name: 'an administration open to the network',
    text: `${least}administration: { address: 0.0.0.0, port: 1, tokenFile: t }`,
    says: 'gatehouse.yaml:3 administration.address: must be a loopback address',
  },
  {
    name: 'an administration address without its token',
    text: `${least}administration: { address: 127.0.0.1, port: 1 }`,
    says: 'gatehouse.yaml:3 administration: `address`, `port` and `tokenFile` go together',
  },
  {
    name: 'an administration without a door',
    text: `${least}administration: { socket: false }`,
    says: 'gatehouse.yaml:3 administration: must leave one way in: `socket`, or `address`',
  },
  {
    name: 'a number where text belongs',
    text: 'listeners: [{ port: 1, protocol: http }]\nsts: { url: 7 }',
    says: 'gatehouse.yaml:2 sts.url: must be text',
  },
  {
    name: 'a fraction where a whole number belongs',
    text: `shutdownTimeout: 1.5\n${least}`,
    says: 'gatehouse.yaml:1 shutdownTimeout: must be a whole number',
  },
  { name: 'a key twice', text: `data: a\ndata: b\n${least}`, says: 'gatehouse.yaml:2 data: is there twice' },
  {
    name: 'an anchor',
    text: `log: &l { level: info }\n${least}`,
    says: 'gatehouse.yaml:1 log: uses an anchor or alias; write the value out',
  },
  {
    name: 'a second document',
    text: `${least}---\nroles: [sts]\n`,
    says: 'gatehouse.yaml:3 : a second document begins; one is read',
  },
  {
    name: 'a list instead of keys',
    text: '- roles\n- data\n',
    says: 'gatehouse.yaml:1 : is not a map of keys: expected lines such as `roles: [sts, proxy]`',
  },
  {
    name: 'a key called __proto__',
    text: `__proto__: { roles: [sts] }\n${least}`,
    says: 'gatehouse.yaml:1 : has a key `__proto__`, which names nothing here',
  },
]) {
  t.test(`tells of ${name}`, async (t) => t.ok(problemsOf(text).includes(says), problemsOf(text).join('\n')))
}

for (const [name, text] of [
  ['nested a hundred thousand deep', '['.repeat(100_000)],
  ['nested a hundred deep in blocks', Array.from({ length: 100 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ['a thousand aliases of aliases', `a: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c]\n`],
  ['with an unknown tag', `data: !!js/function 'x'\n${least}`],
  ['cut off in a text', 'sts: { url: "http://sts'],
  ['of ten thousand unknown keys', Array.from({ length: 10_000 }, (_, index) => `key${index}: 1`).join('\n')],
  ['of one key ten thousand times', 'a: 1\n'.repeat(10_000)],
  ['of tabs', '\t\tsts:\n\t- x'],
] as const) {
  t.test(`a file ${name} is refused in a moment`, async (t) => {
    const before = performance.now()
    const problems = problemsOf(text)
    t.ok(problems.length > 0 && problems.length <= 120, `${problems.length} problems`)
    t.ok(performance.now() - before < 10_000)
    for (const problem of problems) t.match(problem, /^gatehouse\.yaml:\d+ /)
  })
}

t.test('every key can come from the environment, which goes before the file', async (t) => {
  const configuration = parse(least, {
    GATEHOUSE_STS_URL: 'https://login.contoso.test',
    GATEHOUSE_STS_KEEP_ME_SIGNED_IN: 'true',
    GATEHOUSE_STS_LOCKOUT_THRESHOLD: '5',
    GATEHOUSE_MASTER_KEY_FILE: '/run/secrets/master.key',
    GATEHOUSE_LISTENERS_0_PORT: '9000',
    GATEHOUSE_LISTENERS_1: '{ port: 9001, protocol: http }',
    GATEHOUSE_LISTENERS_2_PORT: '9002',
    GATEHOUSE_LISTENERS_2_PROTOCOL: 'http',
    GATEHOUSE_ROLES: 'sts, proxy',
    GATEHOUSE_RESOLVE: '{ crm.corp.test: 10.0.0.7 }',
    GATEHOUSE_ADMINISTRATION_SOCKET: '/run/gatehouse.sock',
    GATEHOUSE_LOG_LEVEL: '',
  })
  t.match(configuration, {
    sts: {
      url: 'https://login.contoso.test',
      keepMeSignedIn: true,
      lockout: { threshold: 5, observationWindow: 1800 },
    },
    masterKeyFile: '/run/secrets/master.key',
    listeners: [{ port: 9000 }, { port: 9001 }, { port: 9002 }],
    resolve: { 'crm.corp.test': '10.0.0.7' },
    administration: { socket: '/run/gatehouse.sock' },
    log: { level: 'info' },
  })
})

t.test('what Kubernetes sets for a service of that name is not taken for a key', async (t) => {
  const set = {
    GATEHOUSE_SERVICE_HOST: '10.0.0.1',
    GATEHOUSE_PORT: 'tcp://10.0.0.1:443',
    GATEHOUSE_PORT_443_TCP_ADDR: '10.0.0.1',
  }
  t.strictSame(problemsOf(least, set), [])
})

for (const { name, value, says } of [
  {
    name: 'GATEHOUSE_STS_URI',
    value: 'x',
    says: 'GATEHOUSE_STS_URI : names no key of the configuration; GATEHOUSE_STS_URL does',
  },
  {
    name: 'GATEHOUSE_STS_URL',
    value: 'nonsense',
    says: 'GATEHOUSE_STS_URL sts.url: must be an address such as https://sts.contoso.test',
  },
  {
    name: 'GATEHOUSE_SHUTDOWN_TIMEOUT',
    value: 'soon',
    says: 'GATEHOUSE_SHUTDOWN_TIMEOUT shutdownTimeout: must be a number',
  },
  {
    name: 'GATEHOUSE_LISTENERS_7_PORT',
    value: '1',
    says: 'GATEHOUSE_LISTENERS_7_PORT : is number 7, but there is one element; the next is 1',
  },
  { name: 'GATEHOUSE_RESOLVE', value: '{ a: [', says: 'GATEHOUSE_RESOLVE : is not readable as YAML' },
  {
    name: 'GATEHOUSE___PROTO___X',
    value: '1',
    says: 'GATEHOUSE___PROTO___X : names no key of the configuration; GATEHOUSE_PROXY does',
  },
]) {
  t.test(`tells of the environment variable ${name}=${value}`, async (t) => {
    t.ok(problemsOf(least, { [name]: value }).includes(says), problemsOf(least, { [name]: value }).join('\n'))
  })
}

t.test('a file that is missing, a folder, endless, or not text is one clear line', async (t) => {
  const folder = t.testdir()
  const load = (path: string) => loadConfiguration({ file: path, environment: {} })
  await t.rejects(load(join(folder, 'none.yaml')), {
    code: 'file',
    message: /is not there; `gatehouse init` makes one/,
  })
  await t.rejects(load(folder), { code: 'file', message: /EISDIR/ })
  await t.rejects(load('/dev/zero'), { code: 'file', message: /larger than 256 KiB/ })
  await writeFile(join(folder, 'bytes.yaml'), Buffer.from([0x73, 0xff, 0xfe, 0x00]))
  await t.rejects(load(join(folder, 'bytes.yaml')), { code: 'file', message: /not UTF-8/ })
})

t.test('GATEHOUSE_CONFIG names the file', async (t) => {
  const folder = t.testdir({ 'other.yaml': least })
  const configuration = await loadConfiguration({ environment: { GATEHOUSE_CONFIG: join(folder, 'other.yaml') } })
  t.equal(configuration.data, join(folder, 'data'))
})
