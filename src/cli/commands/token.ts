import { CliError } from '../cli-error.ts'
import type { Answer, Call, CommandSpec, OperandSpec } from '../command.ts'
import { exitCodes } from '../exit-code.ts'
import { readInput } from '../password-input.ts'
import { facts, printable } from '../text.ts'

const token: OperandSpec = {
  name: 'TOKEN',
  optional: true,
  help: 'the token, or an address with authToken in it; without it, standard input',
}

/** `gatehouse token …`: what is in a token, and whether it is good. */
export const tokenCommands: readonly CommandSpec[] = [
  {
    words: ['token', 'inspect'],
    summary: 'show what an edge token or a combo token says, without verifying it',
    operands: [token],
    examples: ['token inspect < token.txt', 'token inspect --json < token.txt'],
    run: inspect,
  },
  {
    words: ['token', 'verify'],
    summary: 'verify an edge token or a combo token as a proxy would',
    description:
      'Keys and issuer are those of this machine’s federation server or, with --metadata and --issuer, of any other; then no\n' +
      'configuration is needed. Ends with 1 and the code when the token is not good.',
    operands: [token],
    options: [
      { name: 'trust', value: 'TRUST', help: 'name or id of the relying party trust that it has to be for; required' },
      { name: 'url', value: 'URL', help: 'address that it has to be good for' },
      { name: 'delegate-to', value: 'SPN', help: 'service that its person has to be delegatable to' },
      { name: 'metadata', value: 'URL', help: 'federation metadata to take the keys from' },
      { name: 'issuer', value: 'URI', help: 'federation service identifier that goes with --metadata' },
      {
        name: 'access-token-audience',
        value: 'URI',
        many: true,
        help: 'for a combo of another federation server: identifier of the trust',
      },
    ],
    examples: [
      'token verify --trust CRM --url https://crm.contoso.test/orders < token.txt',
      'token verify --trust 4f6c2a5e-0d4e-4c55-9a3e-1f6f3a6f5c11 --metadata https://sts.contoso.test/FederationMetadata/2007-06/FederationMetadata.xml --issuer http://sts.contoso.test/adfs/services/trust < token.txt',
    ],
    run: verify,
  },
]

async function readToken(call: Call): Promise<string> {
  const given = call.operand('TOKEN')
  const { stdin, stderr } = call.terminal
  if (given !== '' && given !== '-') {
    stderr.write(
      'gatehouse: a token on the command line can be seen by others on this machine; standard input is safer\n',
    )
  } else if (stdin.isTTY === true) {
    stderr.write('Paste the token, then Ctrl-D:\n')
  }
  const text = (given === '' || given === '-' ? await readInput(stdin) : given).trim()
  if (text === '') throw new CliError('usage', 'there is no token on standard input')
  // Straight from the address bar.
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  const [, inAddress] = [...(url?.searchParams ?? [])].find(([name]) => name.toLowerCase() === 'authtoken') ?? []
  return inAddress ?? text.replace(/^Bearer\s+/i, '')
}

async function inspect(call: Call): Promise<Answer> {
  const text = await readToken(call)
  const { splitComboToken } = await import('../../edge-token/combo-token.ts')
  if (text.includes('.')) {
    const decoded = await decode(text)
    return { data: { kind: 'token', ...decoded }, text: describe('token', decoded) }
  }
  const halves = splitComboToken(text)
  const [edgeToken, accessToken] = [await decode(halves.edgeToken), await decodeOpaque(halves.accessToken)]
  const texts = [
    describe('edge token', edgeToken),
    accessToken === undefined ? 'access token: opaque' : describe('access token', accessToken),
  ]
  return { data: { kind: 'combo', edgeToken, accessToken: accessToken ?? null }, text: texts.join('\n\n') }
}

interface Decoded {
  readonly header: unknown
  readonly payload: unknown
}

async function decode(text: string): Promise<Decoded> {
  const [{ decodeBase64url }, { parseStrictJson }] = await Promise.all([
    import('../../edge-token/base64url.ts'),
    import('../../edge-token/strict-json.ts'),
  ])
  const segments = text.split('.', 4)
  const [header, payload, signature] = segments.map((segment) => decodeBase64url(segment))
  if (segments.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw new CliError('token', 'this is not a token: expected three parts in base64url, with dots between them')
  }
  const read = (part: Uint8Array, name: string) => {
    try {
      return parseStrictJson(part)
    } catch (cause) {
      throw new CliError('token', `its ${name} ${cause instanceof Error ? cause.message : 'is not JSON'}`, { cause })
    }
  }
  return { header: read(header, 'header'), payload: read(payload, 'claims') }
}

async function decodeOpaque(text: string): Promise<Decoded | undefined> {
  try {
    return await decode(text)
  } catch {
    return undefined
  }
}

function describe(what: string, { header, payload }: Decoded): string {
  const json = (value: unknown) => JSON.stringify(value, undefined, 2).split('\n').map(printable).join('\n')
  const claims = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {}
  const when = (name: string): [string, string | undefined] => {
    const seconds = claims[name]
    const date = typeof seconds === 'number' ? new Date(seconds * 1000) : undefined
    return [name, date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString()]
  }
  const times = facts([when('iat'), when('nbf'), when('exp')])
  return [
    `${what}, not verified`,
    'header:',
    json(header),
    'claims:',
    json(payload),
    ...(times === '' ? [] : [times]),
  ].join('\n')
}

async function verify(call: Call): Promise<Answer> {
  const trust = call.text('trust')
  if (trust === undefined)
    throw new CliError('usage', '--trust is missing: a token is good for one relying party trust')
  const [url, delegateTo] = [call.text('url'), call.text('delegate-to')]
  if (url !== undefined && !URL.canParse(url)) throw new CliError('usage', '--url is not an address')
  const text = await readToken(call)
  const { createEdgeTokenVerifier, EdgeTokenError } = await import('../../edge-token/index.ts')
  const { relyingParty, ...options } = await trustAndKeys(call, trust)
  const verifier = createEdgeTokenVerifier(options)
  const audience = call.list('access-token-audience')
  const expected = {
    relyingParty,
    ...(url === undefined ? {} : { url }),
    ...(delegateTo === undefined ? {} : { delegateTo }),
    ...(audience.length === 0 ? {} : { accessTokenAudience: audience }),
  }
  try {
    const identity = text.includes('.')
      ? await verifier.verify(text, expected)
      : (await verifier.verifyCombo(text, expected)).identity
    const { upn, relyingPartyTrust, resource, issuedAt, expiresAt, authenticationMethod, sessionId } = identity
    const shown = { upn, relyingPartyTrust, resource, issuedAt, expiresAt, authenticationMethod, sessionId }
    const lines = facts([
      ['person', upn],
      ['trust', relyingPartyTrust],
      ['good for', resource],
      ['issued', issuedAt.toISOString()],
      ['ends', expiresAt.toISOString()],
      ['signed in by', authenticationMethod],
      ['session', sessionId],
    ])
    return { data: { valid: true, identity: shown }, text: `valid\n${lines}` }
  } catch (error) {
    if (!(error instanceof EdgeTokenError)) throw error
    const { code, message } = error
    return {
      data: { valid: false, code, message },
      text: `not valid: ${code}: ${printable(message)}`,
      exitCode: exitCodes.failure,
    }
  }
}

async function trustAndKeys(call: Call, trust: string) {
  const [metadataUrl, issuer] = [call.text('metadata'), call.text('issuer')]
  if ((metadataUrl === undefined) !== (issuer === undefined))
    throw new CliError('usage', '--metadata and --issuer go together')
  if (metadataUrl !== undefined && issuer !== undefined) {
    if (!URL.canParse(metadataUrl)) throw new CliError('usage', '--metadata is not an address')
    return { issuer, keys: { metadataUrl }, relyingParty: trust }
  }
  const configuration = await call.configuration()
  const service = await (await call.administration()).call('federation.show', {})
  const found = service.trusts.find(({ id, name }) =>
    [id, name].some((each) => each.toLowerCase() === trust.toLowerCase()),
  )
  const relyingParty = found?.id ?? trust
  const { proxyIdentifier, certificates } = service
  const foreign = configuration.proxy?.federationService
  if (certificates.length > 0 || foreign === undefined)
    return { issuer: service.issuer, proxyIdentifier, keys: { certificates }, relyingParty }
  if (service.issuer === '')
    throw new CliError('unreachable', `the federation service at ${foreign.metadataUrl} is not known yet`)
  const { createFetch } = await import('../outgoing.ts')
  const fetch = await createFetch({ resolve: configuration.resolve })
  return { issuer: service.issuer, proxyIdentifier, keys: { metadataUrl: foreign.metadataUrl }, relyingParty, fetch }
}
