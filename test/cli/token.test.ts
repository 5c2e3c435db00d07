import { createHash } from 'node:crypto'
import t from 'tap'
import { operate } from '../../src/cli/administration/operations.ts'
import { loadConfiguration } from '../../src/cli/configuration/configuration-file.ts'
import { openGatehouse } from '../../src/cli/gatehouse.ts'
import { createLog } from '../../src/cli/log.ts'
import { issueEdgeToken, joinComboToken } from '../../src/edge-token/index.ts'
import { type CommandRunner, makeInstallation, temporaryFolder } from './installation.ts'

const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

interface Here {
  command: CommandRunner
  here: Awaited<ReturnType<typeof makeInstallation>>
  trust: string
  token: string
  combo: string
}

async function prepare(t: Parameters<typeof temporaryFolder>[0]): Promise<Here> {
  const here = await makeInstallation(await temporaryFolder(t))
  const log = createLog({ level: 'silent', destination: { write: () => {} } })
  const gatehouse = await openGatehouse(await loadConfiguration({ file: here.file, environment: {} }), { log })
  try {
    const { sts } = gatehouse
    if (sts === undefined) throw new Error('no federation server')
    const { id } = await operate(gatehouse, 'trust.add', { name: 'CRM' }, { who: 'test', from: 'test' })
    const { key, certificate } = sts.keys.current()
    const claims = {
      iss: sts.issuer,
      relyingpartytrustid: id,
      upn: 'alice@contoso.test',
      resource: 'https://crm.contoso.test/',
    }
    const token = await issueEdgeToken(claims, { key, certificate, lifetime: 3600 })
    const seconds = Math.floor(Date.now() / 1000)
    const accessClaims = {
      aud: 'urn:crm',
      iss: sts.issuer,
      upn: 'alice@contoso.test',
      iat: seconds,
      exp: seconds + 3600,
    }
    const accessToken = `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url(accessClaims)}.${base64url('signature')}`
    const hash = createHash('sha256').update(accessToken).digest().toString('base64url', 0, 16)
    const half = await issueEdgeToken(
      { ...claims, at_hash: hash },
      {
        key,
        certificate,
        lifetime: 3600,
      },
    )
    return {
      here,
      command: here.inThisProcess,
      trust: id,
      token,
      combo: joinComboToken({ edgeToken: half, accessToken }),
    }
  } finally {
    await gatehouse.close()
  }
}

t.test(
  'inspect shows header, claims and times of a token, from standard input, an argument or an address',
  async (t) => {
    const { command, token, trust } = await prepare(t)
    t.match(await command.json(['token', 'inspect'], `${token}\n`), {
      kind: 'token',
      header: { alg: 'RS256', typ: 'JWT' },
      payload: { upn: 'alice@contoso.test', relyingpartytrustid: trust },
    })
    const asArgument = await command.run(['token', 'inspect', token])
    t.match(asArgument, {
      code: 0,
      stdout: /not verified[\s\S]*"upn": "alice@contoso\.test"[\s\S]*exp +20\d\d-/,
      stderr: /standard input is safer/,
    })
    t.match(
      await command.run(['token', 'inspect'], `https://crm.contoso.test/?a=1&authToken=${token}&client-request-id=x`),
      {
        code: 0,
        stdout: /alice@contoso\.test/,
        stderr: '',
      },
    )
  },
)

t.test('inspect splits a combo token', async (t) => {
  const { command, combo } = await prepare(t)
  t.match(await command.json(['token', 'inspect'], combo), {
    kind: 'combo',
    edgeToken: { payload: { upn: 'alice@contoso.test' } },
    accessToken: { payload: { aud: 'urn:crm' } },
  })
  t.match(await command.run(['token', 'inspect'], combo), {
    code: 0,
    stdout: /edge token, not verified[\s\S]*access token, not verified[\s\S]*urn:crm/,
  })
})

t.test('verify says for whom a token speaks, or the code of what is wrong with it', async (t) => {
  const { command, token, combo, trust } = await prepare(t)
  t.match(await command.run(['token', 'verify', '--trust', 'crm'], token), {
    code: 0,
    stdout: /^valid\nperson +alice@contoso\.test\n/,
  })
  t.match(
    await command.json(['token', 'verify', '--trust', trust, '--url', 'https://crm.contoso.test/orders'], token),
    {
      valid: true,
      identity: { upn: 'alice@contoso.test', relyingPartyTrust: trust },
    },
  )
  t.match(await command.json(['token', 'verify', '--trust', 'CRM'], combo), { valid: true })
  const refused = async (words: string[], input: string, code: string) => {
    const outcome = await command.run(['token', 'verify', '--json', ...words], input)
    t.equal(outcome.code, 1)
    t.match(JSON.parse(outcome.stdout), { valid: false, code })
  }
  await refused(['--trust', 'CRM', '--url', 'https://wiki.contoso.test/'], token, 'resource')
  await refused(['--trust', '00000000-0000-4000-8000-000000000000'], token, 'relying-party')
  await refused(['--trust', 'CRM', '--delegate-to', 'HTTP/crm.corp.test'], token, 'delegation')
  const [header = '', payload = '', signature = ''] = token.split('.')
  await refused(
    ['--trust', 'CRM'],
    [header, base64url({ upn: 'mallory@contoso.test' }), signature].join('.'),
    'signature',
  )
  await refused(['--trust', 'CRM'], `${base64url({ alg: 'none', typ: 'JWT' })}.${payload}.`, 'algorithm')
  t.match(await command.run(['token', 'verify'], token), { code: 2, stderr: /--trust is missing/ })
  t.match(await command.run(['token', 'verify', '--trust', 'CRM', '--metadata', 'https://a.test/m'], token), {
    code: 2,
    stderr: /go together/,
  })
})

t.test('what is no token is told in one line, and nothing in it moves the cursor', async (t) => {
  const { command } = await prepare(t)
  for (const [name, input] of [
    ['nothing', '\n'],
    ['words', 'not a token'],
    ['two parts', 'eyJh.eyJi'],
    ['five parts', 'a.b.c.d.e'],
    ['JSON that is none', `${base64url('{')}.${base64url('{}')}.`],
    ['a member twice', `${base64url('{"alg":"a","alg":"b"}')}.${base64url('{}')}.`],
    ['nested a thousand deep', `${base64url({})}.${base64url('['.repeat(1000) + ']'.repeat(1000))}.`],
  ] as const) {
    const { code, stdout, stderr } = await command.run(['token', 'inspect'], input)
    t.ok(code === 1 || code === 2, `${name}: ${code}`)
    t.equal(stdout, '', name)
    t.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    t.notMatch(stderr, / {4}at /)
  }
  const evil = `${base64url({ alg: '\u001b[2J\u202e' })}.${base64url({ upn: '\u009b2J' })}.`
  const { code, stdout } = await command.run(['token', 'inspect'], evil)
  t.equal(code, 0)
  t.notMatch(stdout.replaceAll('\n', ''), /\p{C}/u)
})

t.test('a token of another federation server is verified by its metadata, without a configuration', async (t) => {
  const { here, token, trust } = await prepare(t)
  const server = await here.serve()
  t.teardown(() => server.stop('SIGKILL'))
  const [, port = ''] = server.stdout().match(/:(\d+)\n/) ?? []
  const { createServer, request } = await import('node:http')
  // As a reverse proxy would put it: the federation server's own name behind an address of this machine.
  const front = createServer((incoming, outgoing) => {
    const inner = request(
      { port, host: '127.0.0.1', path: incoming.url, headers: { host: 'sts.contoso.localhost:8080' } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers)
        answer.pipe(outgoing)
      },
    )
    inner.end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => front.close())
  await new Promise((resolve) => front.once('listening', resolve))
  const address = front.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const metadata = `http://127.0.0.1:${address.port}/FederationMetadata/2007-06/FederationMetadata.xml`
  const { runGatehouse } = await import('../lab/gatehouse.ts')
  const words = ['token', 'verify', '--trust', trust, '--metadata', metadata, '--issuer']
  const issuer = 'http://sts.contoso.localhost/adfs/services/trust'
  t.match(await runGatehouse([...words, issuer], { input: token, cwd: '/' }), { code: 0, stdout: /^valid/ })
  t.match(await runGatehouse([...words, 'http://other.test/adfs/services/trust'], { input: token, cwd: '/' }), {
    code: 1,
    stdout: /not valid: keys-unavailable/,
  })
})
