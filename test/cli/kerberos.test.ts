/** The command and Kerberos, before a real KDC and a backend that takes nothing else. */

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, copyFileSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { tlsServerEndPoint } from '../../src/kcd/spnego/channel-binding.ts'
import { startApacheBackend } from '../lab/kerberos/apache-backend.ts'
import { backendSpn, gatewayPrincipal, otherSpn, startExampleRealm } from '../lab/kerberos/example-realm.ts'
import { acceptToken } from '../lab/kerberos/gss-acceptor.ts'
import { runProgram } from '../lab/processes.ts'
import { selfSigned } from '../proxy/forwarding/test-certificate.ts'
import { type CommandRunner, makeInstallation } from './installation.ts'

const password = 'correct horse battery staple'

interface Checked {
  steps: { step: string; result: string; detail: string }[]
  failed: string | null
}

t.test('with an account in a directory', async (t) => {
  const realm = await startExampleRealm(t)
  const { folder, kdc, gatewayKeytab } = realm
  const account = { realm: 'EXAMPLE.TEST', kdcs: [kdc], principal: gatewayPrincipal, keytab: gatewayKeytab }
  const resolve = { '*.contoso.localhost': '127.0.0.1', 'backend.example.test': '127.0.0.1' }
  let made = 0
  const install = async (kerberos: object | null = account, changes: object = {}) => {
    const here = await makeInstallation(join(folder, `installation-${++made}`), {
      ...(kerberos === null ? {} : { kerberos }),
      resolve,
      ...changes,
    })
    return { ...here, ...here.inThisProcess }
  }
  const openKeytab = join(folder, 'open.keytab')
  copyFileSync(gatewayKeytab, openKeytab)
  chmodSync(openKeytab, 0o644)

  await t.test('kcd keytab list says whose keys they are, never a key', async (t) => {
    const { run, json } = await install()
    const listed = await run(['kcd', 'keytab', 'list'])
    t.equal(listed.code, 0, listed.stderr)
    t.match(listed.stdout, /^HTTP\/gateway\.example\.test@EXAMPLE\.TEST +\d+ +aes256-cts-hmac-sha1-96 \(18\) +20/m)
    t.match(listed.stdout, 'aes128-cts-hmac-sha1-96')
    const { keys } = await json<{ keys: object[] }>(['kcd', 'keytab', 'list', realm.backendKeytab])
    t.match(keys, [{ principal: `${backendSpn}@EXAMPLE.TEST`, usable: true, version: Number }, { usable: true }])
    const { stdout } = await runProgram('/usr/bin/klist', ['-kK', gatewayKeytab])
    for (const [, key = ''] of stdout.matchAll(/\(0x([0-9a-f]+)\)/g)) {
      t.ok(key.length >= 32, 'klist shows the key')
      t.notMatch(listed.stdout, key)
      t.notMatch(JSON.stringify(keys), key)
    }
    t.match(await run(['kcd', 'keytab', 'list', openKeytab]), { code: 1, stdout: '', stderr: /0644.*chmod 0600/ })
    t.match(await run(['kcd', 'keytab', 'list', join(folder, 'none.keytab')]), { code: 1, stderr: /cannot be read/ })
  })

  await t.test('kcd ticket gets a ticket that klist reads, in a file of its own', async (t) => {
    const { run, json } = await install()
    const file = join(folder, 'alice.ccache')
    const victim = join(folder, 'victim')
    writeFileSync(victim, 'untouched')
    symlinkSync(victim, file)
    const words = ['kcd', 'ticket', '--upn', 'alice@example.test', '--spn', backendSpn]
    t.match(await json([...words, '--ccache', file]), {
      client: 'alice@EXAMPLE.TEST',
      service: `${backendSpn}@EXAMPLE.TEST`,
      sessionKey: 'aes256-cts-hmac-sha1-96 (18)',
      ccache: file,
    })
    t.equal(statSync(file).mode & 0o777, 0o600)
    t.equal(readFileSync(victim, 'utf8'), 'untouched', 'a link in its place is not written through')
    const klist = await runProgram('/usr/bin/klist', ['-c', file], { env: realm.environment })
    t.match(klist, { code: 0, stdout: /Default principal: alice@EXAMPLE\.TEST[\s\S]*HTTP\/backend\.example\.test@/ })
    const said = await run(words)
    t.match(said, { code: 0, stdout: /^person +alice@EXAMPLE\.TEST\nservice +HTTP\/backend/ })
  })

  await t.test('kcd ticket says why there is none', async (t) => {
    const { run } = await install()
    const ticket = (upn: string, spn: string, ...more: string[]) =>
      run(['kcd', 'ticket', '--upn', upn, '--spn', spn, ...more])
    t.match(await ticket('alice@example.test', otherSpn), { code: 1, stdout: '', stderr: /HTTP\/other.*Delegation/ })
    t.match(await ticket('ceo@example.test', backendSpn), { code: 1, stderr: /may not be delegated/ })
    t.match(await ticket('mallory@example.test', backendSpn), { code: 3, stderr: /KDC_ERR_C_PRINCIPAL_UNKNOWN/ })
    t.match(await ticket('alice@example.test', 'HTTP/none.example.test'), { code: 3, stderr: /setspn/ })
    for (const [upn, spn] of [
      ['alice/admin@example.test', backendSpn],
      ['-alice', backendSpn],
      ['alice@example.test', 'cifs/backend.example.test'],
      ['alice@example.test', 'HTTP/backend.example.test@OTHER.TEST'],
      ['alice\n@example.test', backendSpn],
    ] as const) {
      const { code, stderr } = await run(['kcd', 'ticket', `--upn=${upn}`, `--spn=${spn}`])
      t.equal(code, 2, `${JSON.stringify(upn)} ${spn}: ${stderr}`)
      t.equal(stderr.trimEnd().split('\n').length, 1)
    }
    t.match(await ticket('alice@example.test', backendSpn, '--user-name', 'guid'), { code: 2, stderr: /principal or/ })
    t.match(await run(['kcd', 'ticket', '--spn', backendSpn]), { code: 2, stderr: /--upn is missing/ })
    t.match(await run(['kcd', 'ticket', '--upn', 'alice@example.test']), { code: 2, stderr: /--spn is missing/ })
    const without = await install(null)
    const nowhere = await without.run(['kcd', 'ticket', '--upn', 'alice@example.test', '--spn', backendSpn])
    t.match(nowhere, { code: 2, stderr: /has no `kerberos`/ })
    t.match(await without.run(['kcd', 'keytab', 'list']), { code: 2, stderr: /has no `kerberos`/ })
  })

  await t.test('a password file does in place of a keytab, where its owner alone may read it', async (t) => {
    await realm.administer('addprinc -pw gatewaypw +ok_to_auth_as_delegate HTTP/password.example.test')
    await realm.allowDelegation('HTTP/password.example.test', backendSpn)
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, 'gatewaypw\n', { mode: 0o600 })
    const { run } = await install({
      ...account,
      principal: 'HTTP/password.example.test',
      keytab: undefined,
      passwordFile,
    })
    const words = ['kcd', 'ticket', '--upn', 'alice@example.test', '--spn', backendSpn]
    t.match(await run(words), { code: 0, stdout: /alice@EXAMPLE\.TEST/ })
    t.match(await run(['kcd', 'keytab', 'list']), { code: 2, stderr: /a password and no keytab/ })
    chmodSync(passwordFile, 0o640)
    t.match(await run(words), { code: 6, stderr: /readable by others \(mode 640\)/ })
    chmodSync(passwordFile, 0o600)
    writeFileSync(passwordFile, '\n')
    t.match(await run(words), { code: 1, stderr: /says nothing/ })
  })

  await t.test('a server does not start with a keytab that others may read, or that lacks its key', async (t) => {
    const { run } = await install({ ...account, keytab: openKeytab })
    t.match(await run(['serve']), { code: 1, stderr: /0644.*chmod 0600/ })
    const other = await install({ ...account, keytab: realm.backendKeytab })
    t.match(await other.run(['serve']), { code: 1, stderr: /no key of HTTP\/gateway\.example\.test@EXAMPLE\.TEST/ })
    const armour = await install({ ...account, armourKeytab: openKeytab })
    t.match(await armour.run(['serve']), { code: 1, stderr: /0644/ })
  })

  await t.test('a proxy before a foreign federation server delegates to nothing but its own list', async (t) => {
    const trusts = [{ id: '4f6c2a5e-0d4e-4c55-9a3e-1f6f3a6f5c11', name: 'Intranet' }]
    const foreign = {
      roles: ['proxy'],
      sts: undefined,
      proxy: { federationService: { metadataUrl: 'http://127.0.0.1:9/FederationMetadata.xml', trusts } },
    }
    const urls = ['--external-url', 'http://intranet.contoso.localhost:8080/', '--backend-url', 'http://a.test:9/']
    const publish = ['app', 'publish', 'Intranet', ...urls, '--trust', 'Intranet', '--spn', backendSpn]
    const check = ['app', 'check', 'Intranet', '--as', 'alice@example.test']
    const without = await install(account, foreign)
    t.match(await without.run(publish), { code: 0 })
    t.match(await without.run(check), { code: 1, stdout: /^failed +services +kerberos\.services is missing/m })
    const listed = await install({ ...account, services: [backendSpn] }, foreign)
    t.match(await listed.run(publish), { code: 0 })
    const walked = await listed.run(check)
    t.match(walked, { code: 1, stdout: /^ok +services +kerberos\.services names HTTP\/backend/m })
    t.match(walked.stdout, /^warning +person +alice@example\.test: known to the federation server alone/m)
    t.match(walked.stdout, /^ok +S4U2Proxy[\s\S]*it fails at backend$/m)
  })

  await t.test('app check binds the ticket to the certificate of a backend that demands it', async (t) => {
    const { key, cert } = selfSigned('backend.example.test')
    const own = tlsServerEndPoint(new X509Certificate(cert).raw)
    let binding: Buffer | undefined = own
    const server = createServer({ key, cert }, async (request, response) => {
      const [, token] = /^Negotiate (.+)$/.exec(request.headers.authorization ?? '') ?? []
      const { environment, backendKeytab: keytab } = realm
      const taken =
        token === undefined ? {} : await acceptToken(token, { environment, keytab, binding: binding as Buffer })
      const challenge = taken.answer === undefined ? 'Negotiate' : `Negotiate ${taken.answer}`
      response.writeHead(taken.user === 'alice@EXAMPLE.TEST' && taken.bound === true ? 200 : 401, {
        'www-authenticate': challenge,
      })
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const backendUrl = `https://backend.example.test:${(server.address() as AddressInfo).port}/`
    const ca = join(folder, 'backend.pem')
    writeFileSync(ca, cert)
    const here = await install(account, { proxy: { backendCa: [ca] } })
    await here.json(['user', 'add', 'alice@example.test', '--password-stdin'], `${password}\n`)
    await here.json(['trust', 'add', 'Intranet', '--permit-everyone'])
    const urls = ['--external-url', 'http://intranet.contoso.localhost:8080/', '--backend-url', backendUrl]
    await here.json(['app', 'publish', 'Intranet', ...urls, '--trust', 'Intranet', '--spn', backendSpn])
    const check = ['app', 'check', 'Intranet', '--as', 'alice@example.test']
    t.match(await here.run(check), { code: 0, stdout: /answers 200 and proves that it is the service/ })
    binding = Buffer.concat([Buffer.from('tls-server-end-point:'), Buffer.alloc(32, 7)])
    const elsewhere = await here.run(check)
    t.match(elsewhere, { code: 1, stdout: /^failed +ticket at the backend +the backend answers 401/m })
    const distrusting = await install(account)
    await distrusting.json(['user', 'add', 'alice@example.test', '--password-stdin'], `${password}\n`)
    await distrusting.json(['trust', 'add', 'Intranet', '--permit-everyone'])
    await distrusting.json(['app', 'publish', 'Intranet', ...urls, '--trust', 'Intranet', '--spn', backendSpn])
    t.match(await distrusting.run(check), { code: 1, stdout: /^failed +backend +https:.*cannot be reached: .*CERT/m })
  })

  const apache = await startApacheBackend({
    folder,
    environment: realm.environment,
    keytab: realm.backendKeytab,
    host: 'backend.example.test',
  })
  t.teardown(() => apache.stop())
  const backendUrl = `http://backend.example.test:${apache.port}/`
  const externalUrl = 'http://intranet.contoso.localhost:8080/'
  const publishWords = (spn: string) => [
    ...['app', 'publish', 'Intranet', '--external-url', externalUrl, '--backend-url', backendUrl],
    ...['--trust', 'Intranet', '--backend-server-authentication-spn', spn],
  ]
  const populate = async ({ run, json }: CommandRunner) => {
    await json(['group', 'add', 'staff'])
    for (const name of ['alice', 'ceo', 'carol'])
      await json(['user', 'add', `${name}@example.test`, '--password-stdin', '--group', 'staff'], `${password}\n`)
    await json(['user', 'add', 'bob@example.test', '--password-stdin'], `${password}\n`)
    await json(['trust', 'add', 'Intranet', '--permit-group', 'staff'])
    return run(publishWords(backendSpn))
  }

  await t.test('app check walks the whole way and names the step that fails, with what mends it', async (t) => {
    const here = await install()
    const { run, json, file } = here
    t.match(await populate(here), { code: 0 })
    t.match(await json(['trust', 'show', 'Intranet']), { delegateTo: [backendSpn] }, 'the trust learns the service')
    const findings = await run(['check'])
    t.match(findings.stdout, /^ok +kerberos +HTTP\/gateway\.example\.test +its keys are in /m)
    t.match(await run(['app', 'show', 'Intranet']), {
      stdout: /backend authentication +kerberos\nservice principal name +HTTP\/backend\.example\.test\n/,
    })
    const check = async (upn = 'alice@example.test') => {
      const { code, stdout } = await run(['app', 'check', '--json', 'Intranet', '--as', upn])
      const answer = JSON.parse(stdout) as Checked
      t.equal(code, answer.failed === null ? 0 : 1)
      return answer
    }
    const fails = async (step: string, mend: RegExp, upn?: string) => {
      const { failed, steps } = await check(upn)
      t.equal(failed, step, JSON.stringify(steps))
      t.match(steps.find((each) => each.step === step)?.detail, mend)
      return steps
    }

    const good = await check()
    t.strictSame(
      good.steps.map(({ step, result }) => [step, result]),
      [
        ...['application', 'trust', 'person', 'permission', 'delegatable', 'kcd claim', 'services', 'keytab'],
        ...['KDC and account', 'S4U2Self', 'S4U2Proxy', 'backend', 'ticket at the backend'],
      ].map((step) => [step, 'ok']),
    )
    t.match(good.steps.at(-1)?.detail, /answers 200 and proves that it is the service/)
    const told = await run(['app', 'check', 'Intranet', '--as', 'alice@example.test'])
    t.match(told, {
      code: 0,
      stdout: /^ok +S4U2Proxy +alice@EXAMPLE\.TEST to HTTP\/backend[\s\S]*\n\nalice@example\.test can enter/m,
    })

    await fails('person', /gatehouse user add mallory@example\.test/, 'mallory@example.test')
    const notPermitted = await fails(
      'permission',
      /gatehouse group add-member staff bob@example\.test/,
      'bob@example.test',
    )
    t.match(
      notPermitted.filter(({ step }) => /S4U|ticket/.test(step)),
      [{ result: 'skipped' }, { result: 'skipped' }, { result: 'skipped' }],
      'and no ticket is asked for in his name',
    )
    t.notMatch(readFileSync(realm.log, 'utf8'), /for bob|bob@EXAMPLE/)

    await json(['user', 'disable-delegation', 'alice@example.test'])
    await fails('delegatable', /gatehouse user enable-delegation alice@example\.test/)
    await json(['user', 'enable-delegation', 'alice@example.test'])
    await json(['user', 'disable', 'alice@example.test'])
    await fails('person', /gatehouse user enable alice@example\.test/)
    await json(['user', 'enable', 'alice@example.test'])

    await json(['trust', 'update', 'Intranet', '--remove-delegate-to', backendSpn])
    await fails('kcd claim', /gatehouse trust update Intranet --delegate-to HTTP\/backend\.example\.test/)
    await json(['trust', 'update', 'Intranet', '--delegate-to', backendSpn])
    await json(['trust', 'disable', 'Intranet'])
    await fails('trust', /gatehouse trust enable Intranet/)
    await json(['trust', 'enable', 'Intranet'])
    await json(['trust', 'update', 'Intranet', '--remove-published-url', externalUrl])
    await fails('trust', /--published-url http:\/\/intranet/)
    await json(['trust', 'update', 'Intranet', '--published-url', externalUrl])

    await fails('S4U2Self', /KDC_ERR_C_PRINCIPAL_UNKNOWN.*Get-ADUser/, 'carol@example.test')
    await fails('S4U2Proxy', /not-delegatable: .*Protected Users/, 'ceo@example.test')
    await json(['app', 'update', 'Intranet', '--backend-server-authentication-spn', otherSpn])
    await fails('S4U2Proxy', /delegation-refused: .*msDS-AllowedToDelegateTo/)
    await realm.allowDelegation(gatewayPrincipal, otherSpn)
    const wrongAccount = await fails('ticket at the backend', /401.*setspn -Q HTTP\/other/)
    t.match(
      wrongAccount.find(({ step }) => step === 'S4U2Proxy'),
      { result: 'ok' },
    )
    await json(['app', 'update', 'Intranet', '--backend-server-authentication-spn', backendSpn])

    const changed = async (kerberos: object, step: string, mend: RegExp) => {
      const text = readFileSync(file, 'utf8')
      const { stringify, parse } = await import('yaml')
      writeFileSync(file, stringify({ ...parse(text), kerberos: { ...account, ...kerberos } }))
      const steps = await fails(step, mend)
      writeFileSync(file, text)
      return steps
    }
    await changed({ services: [otherSpn] }, 'services', /does not name HTTP\/backend\.example\.test; add it there/)
    await changed({ keytab: openKeytab }, 'keytab', /chmod 0600/)
    await changed({ keytab: realm.backendKeytab }, 'keytab', /no key of HTTP\/gateway/)
    await changed({ principal: 'svc-none', keytab: undefined, passwordFile: join(folder, 'pw') }, 'keytab', /pw/)
    const stale = await realm.keytab('stale.keytab', gatewayPrincipal)
    await changed({ keytab: stale, kdcs: ['127.0.0.1:9'] }, 'KDC and account', /kdc-unreachable: .*127\.0\.0\.1:9/)

    await apache.stop()
    await fails('backend', /cannot be reached: .*ECONNREFUSED/)
    t.match(await run(['app', 'check', 'Intranet']), { code: 2, stderr: /--as is missing/ })
    t.match(await run(['app', 'check', 'Wiki', '--as', 'alice@example.test']), { code: 3, stderr: /Wiki/ })
  })

  await t.test('an application that no ticket could be had for is not published', async (t) => {
    const without = await install(null)
    t.match(await populate(without), { code: 4, stderr: /has no `kerberos`/ })
    const bounded = await install({ ...account, services: [otherSpn] })
    t.match(await populate(bounded), { code: 4, stderr: /kerberos\.services .* does not name HTTP\/backend/ })
    t.match(await bounded.run(publishWords(otherSpn)), { code: 0 })
    const other = ['app', 'update', 'Intranet', '--backend-server-authentication-spn', backendSpn]
    t.match(await bounded.run(other), { code: 4, stderr: /does not name HTTP\/backend/ })
    t.match(await bounded.run(['app', 'update', 'Intranet', '--backend-authentication', 'none']), { code: 0 })
    const shown = await bounded.json<object>(['app', 'show', 'Intranet'])
    t.match(shown, { backendAuthentication: 'none' })
    t.notMatch(JSON.stringify(shown), /HTTP\/other/)
    await bounded.json(['trust', 'add', 'Claims', '--claims-aware', '--permit-everyone'])
    const claims = publishWords(otherSpn).map((word) => (word === 'Intranet' ? 'Claims' : word))
    t.match(await bounded.run(claims.map((word) => word.replace('intranet.', 'claims.'))), {
      code: 4,
      stderr: /gatehouse trust add NAME --delegate-to HTTP\/other/,
    })
    const plain = await bounded.json<Checked>(['app', 'check', 'Intranet', '--as', 'alice@example.test']).catch(String)
    t.match(plain, /backend/, 'an application without Kerberos is walked as well')
  })
})
