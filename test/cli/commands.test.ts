import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { Program } from '../lab/processes.ts'
import { type Installation, makeInstallation, temporaryFolder } from './installation.ts'

const password = 'correct horse battery staple'
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

interface AuditRow {
  who: string
  what: string
  from_address: string
  result: string
  code: string | null
}

function auditOf({ data }: Installation): AuditRow[] {
  const database = new DatabaseSync(join(data, 'gatehouse.sqlite'), { readOnly: true })
  try {
    const rows = database.prepare("select * from audit_events where event = 'administration' order by id").all()
    return rows as unknown as AuditRow[]
  } finally {
    database.close()
  }
}

for (const where of ['on the data folder', 'through a running server'] as const) {
  t.test(`every command works ${where}`, async (t) => {
    const here = await makeInstallation(await temporaryFolder(t))
    let server: Program | undefined
    if (where === 'through a running server') server = await here.serve()
    t.teardown(() => server?.stop('SIGKILL'))
    const { run, json } = here.inThisProcess
    /** Runs and expects an exit status and what is said with it. */
    const expect = async (words: string[], code: number, said: RegExp, input?: string) => {
      const outcome = await run(words, input)
      t.match({ ...outcome, words }, { code, [code === 0 ? 'stdout' : 'stderr']: said, words })
      if (code !== 0) t.equal(outcome.stdout, '', 'says nothing on standard output')
    }

    await t.test('people and groups', async () => {
      await expect(['user', 'list'], 0, /there are no people/)
      await expect(['group', 'add', 'sales'], 0, /^added sales\n$/)
      await expect(['group', 'add', 'Sales'], 4, /sales/i)
      const added = ['user', 'add', 'alice@contoso.test', '--password-stdin', '--group', 'sales']
      await expect(added, 0, /^added alice@contoso\.test\n$/, `${password}\n`)
      await expect(added, 4, /alice@contoso\.test/i, password)
      await expect(['user', 'add', 'bob@contoso.test', '--password-stdin', '--group', 'nobody'], 3, /nobody/, password)
      await expect(['user', 'add', 'bob', '--password-stdin'], 2, /./, password)
      await expect(['user', 'add', 'bob@contoso.test', '--password-stdin'], 2, /no password/, '\n')
      await expect(['user', 'add', 'bob@contoso.test'], 2, /--password-stdin/)
      const long = 'x'.repeat(1025)
      await expect(['user', 'add', 'bob@contoso.test', '--password-stdin'], 2, /1,?024/, long)
      await json(
        ['user', 'add', 'bob@contoso.test', '--password-stdin', '--display-name', 'Bob B', '--not-delegatable'],
        password,
      )
      await expect(['group', 'add-member', 'sales', 'bob@contoso.test'], 0, /is a member/)
      await expect(['group', 'remove-member', 'sales', 'bob@contoso.test'], 0, /is no member/)
      await expect(['group', 'add-member', 'sales', 'carol@contoso.test'], 3, /carol/)
      await expect(['user', 'disable', 'bob@contoso.test'], 0, /disabled/)
      t.strictSame(await json(['user', 'list']), [
        { upn: 'alice@contoso.test', displayName: 'alice', enabled: true, delegatable: true, groups: ['sales'] },
        { upn: 'bob@contoso.test', displayName: 'Bob B', enabled: false, delegatable: false, groups: [] },
      ])
      await expect(
        ['user', 'list', '--limit', '1', '--after', 'alice@contoso.test'],
        0,
        /^NAME.*\nbob@contoso\.test +disabled/,
      )
      await expect(['user', 'enable', 'BOB@contoso.test'], 0, /enabled/)
      await expect(['user', 'disable-delegation', 'alice@contoso.test'], 0, /may not be delegated/)
      t.match(await json(['user', 'show', 'alice@contoso.test']), { delegatable: false, groups: ['sales'] })
      await expect(['user', 'show', 'alice@contoso.test'], 0, /Kerberos delegation +no/)
      await expect(['user', 'show', 'mallory@contoso.test'], 3, /mallory/)
      await expect(['user', 'enable-delegation', 'alice@contoso.test'], 0, /may be delegated/)
      await expect(['user', 'enable-delegation', 'bob@contoso.test'], 0, /may be delegated/)
      await expect(['user', 'disable-delegation', 'mallory@contoso.test'], 3, /mallory/)
      await expect(
        ['user', 'password', 'bob@contoso.test', '--password-stdin'],
        0,
        /password changed/,
        'another password',
      )
      await expect(['user', 'unlock', 'bob@contoso.test'], 0, /unlocked/)
      await expect(['user', 'lockouts'], 0, /nobody is locked out/)
      for (const word of ['disable', 'enable', 'unlock'])
        await expect(['user', word, 'mallory@contoso.test'], 3, /mallory/)
      t.strictSame(await json(['group', 'list']), [{ name: 'sales', members: 1 }])
    })

    await t.test('trusts', async (t) => {
      const id = (
        await run([
          'trust',
          'add',
          'CRM',
          '--permit-group',
          'sales',
          '--lifetime',
          '30',
          '--delegate-to',
          'HTTP/crm.corp.test',
        ])
      ).stdout.trim()
      t.match(id, guid)
      await expect(['trust', 'add', 'crm'], 4, /crm/i)
      await expect(['trust', 'add', 'Wiki', '--permit-group', 'sale'], 3, /sale/)
      await expect(['trust', 'add', 'Wiki', '--lifetime', '4'], 2, /5 to 1440/)
      await expect(['trust', 'add', 'Wiki', '--published-url', 'ftp://wiki.contoso.test/'], 2, /./)
      const wiki = ['trust', 'add', 'Wiki', '--permit-everyone', '--claims-aware', '--disabled']
      await json([...wiki, '--published-url', 'https://wiki.contoso.test/a/', '--identifier', 'urn:wiki'])
      t.match(await json(['trust', 'show', 'wiki']), {
        enabled: false,
        claimsAware: true,
        permit: { everyone: true, groups: [] },
        publishedAddresses: ['https://wiki.contoso.test/a/'],
        identifiers: ['urn:wiki'],
        edgeTokenLifetime: 3600,
        applications: [],
      })
      await expect(
        [
          'trust',
          'update',
          'Wiki',
          '--permit-everyone',
          'no',
          '--permit-group',
          'sales',
          '--remove-published-url',
          'https://wiki.contoso.test/a',
        ],
        0,
        /updated Wiki/,
      )
      await expect(['trust', 'update', 'Wiki', '--remove-identifier', 'urn:none'], 2, /urn:none/)
      await expect(['trust', 'enable', 'Wiki'], 0, /enabled Wiki/)
      t.match(await json(['trust', 'show', 'Wiki']), {
        enabled: true,
        permit: { everyone: false, groups: ['sales'] },
        publishedAddresses: [],
        identifiers: ['urn:wiki'],
      })
      await expect(['trust', 'disable', id], 0, /disabled CRM/)
      t.match(await json(['trust', 'list']), [
        { name: 'CRM', id, enabled: false, edgeTokenLifetime: 1800, delegateTo: ['HTTP/crm.corp.test'] },
        { name: 'Wiki' },
      ])
      await expect(['trust', 'show', 'CRN'], 3, /CRN/)
    })

    await t.test('applications', async (t) => {
      const urls = ['--external-url', 'http://crm.contoso.localhost:8080/', '--backend-url', 'http://crm.corp.test/']
      const publish = ['app', 'publish', 'CRM', ...urls, '--trust', 'CRM', '--identity-header', 'X-Forwarded-User=upn']
      await expect(publish, 4, /disabled/)
      await run(['trust', 'enable', 'CRM'])
      await expect(publish, 0, /published CRM/)
      await expect(publish, 4, /CRM/)
      t.match(await json(['trust', 'show', 'CRM']), {
        publishedAddresses: ['http://crm.contoso.localhost:8080/'],
        applications: ['CRM'],
      })
      await expect(['trust', 'remove', 'CRM'], 4, /CRM is published/)
      const news = ['app', 'publish', '-Name', 'News', '-ExternalUrl', 'http://news.contoso.localhost:8080/']
      const wap = [
        ...news,
        '--BackendServerUrl',
        'http://news.corp.test/',
        '--ExternalPreauthentication',
        'PassThrough',
      ]
      await expect(
        [...wap, '-ClientCertificatePreauthenticationThumbprint', 'ab'],
        2,
        /ClientCertificatePreauthenticationThumbprint.*not there yet/,
      )
      await expect([...wap.slice(0, -1), 'ADFSforRichClients'], 2, /ADFSforRichClients.*not there yet/)
      await expect([...wap, '-UseOAuthAuthentication'], 2, /UseOAuthAuthentication.*not there yet/)
      await expect([...wap, '-EnableSignOt'], 2, /did you mean/)
      await expect(['app', 'publish', 'News', ...wap.slice(2)], 2, /says the same as/)
      await expect([...wap, '-EnableSignOut:$true', '-DisableHttpOnlyCookieProtection:$false'], 0, /published News/)
      t.match(await json(['app', 'show', 'news']), {
        preauthentication: 'pass-through',
        enableSignOut: true,
        disableHttpOnlyCookieProtection: false,
      })
      await expect(
        [
          'app',
          'publish',
          'Own',
          '--external-url',
          'http://sts.contoso.localhost:8080/x/',
          '--backend-url',
          'http://a.test/x/',
          '--preauthentication',
          'pass-through',
        ],
        4,
        /federation s/,
      )
      await expect(
        [
          'app',
          'publish',
          'IP',
          '--external-url',
          'http://10.0.0.1/',
          '--backend-url',
          'http://a.test/',
          '--preauthentication',
          'pass-through',
        ],
        2,
        /IP address/,
      )
      await expect(
        ['app', 'update', 'CRM', '--external-url', 'http://sales.contoso.localhost:8080/', '--enable-sign-out'],
        0,
        /updated CRM/,
      )
      t.match(await json(['app', 'show', 'CRM']), {
        externalUrl: 'http://sales.contoso.localhost:8080/',
        backendUrl: 'http://crm.corp.test/',
        identityHeaders: { 'X-Forwarded-User': 'upn' },
        enableSignOut: true,
        trust: 'CRM',
      })
      t.match(await json(['trust', 'show', 'CRM']), { publishedAddresses: ['http://sales.contoso.localhost:8080/'] })
      await expect(['app', 'update', 'CRM', '--external-url', 'http://news.contoso.localhost:8080/'], 4, /News/)
      t.match(await json(['trust', 'show', 'CRM']), { publishedAddresses: ['http://sales.contoso.localhost:8080/'] })
      await expect(['app', 'update', 'CRM'], 2, /nothing to change/)
      await expect(['app', 'list'], 0, /CRM[\s\S]*News/)
      await expect(['app', 'remove', 'crm'], 0, /removed CRM/)
      await expect(['app', 'remove', 'crm'], 3, /crm/)
      t.match(await json(['trust', 'show', 'CRM']), { publishedAddresses: [], applications: [] })
      await expect(['trust', 'remove', 'CRM'], 0, /removed CRM/)
    })

    await t.test('keys', async (t) => {
      const [first] = await json<{ kid: string; state: string }[]>(['keys', 'list'])
      t.equal(first?.state, 'current')
      await expect(['keys', 'rotate'], 0, /is published and signs from/)
      const rotated = await json<{ keys: { kid: string; state: string }[]; dropped: string[]; mustReload: string[] }>([
        'keys',
        'rotate',
        '--now',
      ])
      t.ok(rotated.dropped.includes(first?.kid ?? ''))
      t.strictSame(rotated.mustReload, ['Wiki'])
      await expect(['keys', 'list'], 0, new RegExp(`^KEY.*\n${rotated.keys[0]?.kid} +current`))
      await expect(['keys', 'rotate', '--cookies'], 0, /sealed with the key/)
      await expect(['keys', 'rotate', '--cookies', '--now'], 0, /sealed with the key/)
    })

    await t.test(
      'each change is in the audit trail with who, what and what came of it, and no password is',
      async (t) => {
        const rows = auditOf(here)
        const from = server === undefined ? 'command' : 'socket'
        t.ok(rows.length > 30, `${rows.length} events`)
        for (const row of rows) t.equal(row.from_address, from)
        const has = (what: string, result: string, code: string | null) =>
          t.ok(
            rows.some((row) => row.what === what && row.result === result && row.code === code && row.who !== ''),
            `${what} ${result} ${code}`,
          )
        has('user.add alice@contoso.test', 'success', null)
        has('user.add alice@contoso.test', 'failure', 'person-exists')
        has('user.disable bob@contoso.test', 'success', null)
        has('trust.add CRM', 'success', null)
        has('app.publish News', 'failure', 'not-supported')
        has('keys.rotate now', 'success', null)
        t.notMatch(JSON.stringify(rows), /battery|another password/)
      },
    )
    if (server !== undefined) {
      const { code, stdout, stderr } = await server.stop()
      t.equal(code, 0)
      t.notMatch(stdout + stderr, /battery|another password/)
      t.notOk(existsSync(here.socket), 'the socket is gone')
    }
  })
}

t.test(
  'roles that a machine does not have are refused, and a proxy alone writes its changes into a file',
  async (t) => {
    const folder = await temporaryFolder(t)
    const proxy = await makeInstallation(join(folder, 'proxy'), {
      roles: ['proxy'],
      sts: undefined,
      proxy: {
        federationService: {
          metadataUrl: 'http://127.0.0.1:9/FederationMetadata.xml',
          trusts: [{ id: '4F6C2A5E-0D4E-4C55-9A3E-1F6F3A6F5C11', name: 'CRM' }],
        },
      },
    })
    t.match(await proxy.run(['user', 'list']), { code: 2, stderr: /no federation server/ })
    const urls = ['--external-url', 'https://crm.contoso.test/', '--backend-url', 'http://crm.corp.test/']
    t.match(await proxy.run(['app', 'publish', 'CRM', ...urls, '--trust', 'crm']), { code: 0 })
    t.match(await proxy.json(['app', 'show', 'CRM']), { trust: 'CRM', trustId: '4f6c2a5e-0d4e-4c55-9a3e-1f6f3a6f5c11' })
    t.match(await proxy.run(['app', 'publish', 'Wiki', ...urls, '--trust', 'Wiki']), { code: 3, stderr: /Wiki/ })
    const { readFile } = await import('node:fs/promises')
    const lines = (await readFile(join(proxy.data, 'audit.log'), 'utf8')).trimEnd().split('\n')
    t.match(
      lines.map((line) => JSON.parse(line)),
      [
        { event: 'administration', what: 'app.publish CRM', result: 'success' },
        { event: 'administration', what: 'app.publish Wiki', result: 'failure', code: 'trust-unknown' },
      ],
    )
    const sts = await makeInstallation(join(folder, 'sts'), { roles: ['sts'] })
    t.match(await sts.run(['app', 'list']), { code: 2, stderr: /no proxy/ })
    t.match(await sts.run(['group', 'list']), { code: 0 })
  },
)

t.test('hostile names come back as one harmless line, and leave nothing behind', async (t) => {
  const here = (await makeInstallation(await temporaryFolder(t))).inThisProcess
  for (const name of [
    '\u001b[2Jx@contoso.test',
    'a\nb@contoso.test',
    '-',
    '../../etc/passwd',
    "x'; drop table people;--@a.test",
    'x'.repeat(5000),
  ]) {
    const { code, stdout, stderr } = await here.run(['user', 'add', '--password-stdin', '--', name], password)
    t.ok(code === 2, `${JSON.stringify(name.slice(0, 40))}: ${code} ${stderr}`)
    t.equal(stdout, '')
    t.notMatch(stderr, / {4}at /)
    t.notMatch(stderr.trimEnd(), /\p{C}/u)
    t.equal(stderr.trimEnd().split('\n').length, 1, stderr)
  }
  t.strictSame(await here.json(['user', 'list']), [])
})

t.test('bytes that are not UTF-8, a second line and too much on standard input are refused', async (t) => {
  const here = await makeInstallation(await temporaryFolder(t))
  const add = ['user', 'add', 'alice@contoso.test', '--password-stdin', '--config', here.file]
  const { runGatehouse } = await import('../lab/gatehouse.ts')
  t.match(await runGatehouse(add, { input: Buffer.from([0xff, 0xfe, 0x0a]) }), { code: 2, stderr: /UTF-8/ })
  t.match(await runGatehouse(add, { input: 'one\ntwo\n' }), { code: 2, stderr: /more than one line/ })
  t.match(await runGatehouse(add, { input: 'x'.repeat(100_000) }), { code: 2, stderr: /64 KiB/ })
  t.strictSame(await here.json(['user', 'list']), [])
})
