import { CliError } from '../cli-error.ts'
import type { Answer, Call, CommandSpec } from '../command.ts'
import { facts, listing } from '../text.ts'

/** `gatehouse kcd …`: Kerberos constrained delegation, tried by hand. */
export const kerberosCommands: readonly CommandSpec[] = [
  {
    words: ['kcd', 'ticket'],
    summary: 'get a Kerberos ticket to a backend on behalf of a person, as the proxy would',
    description:
      'Uses the account of `kerberos` in the configuration, and asks its KDC only: whether the person exists here and may be\n' +
      'delegated is not looked at (`gatehouse app check` does). --ccache keeps the ticket for klist and curl --negotiate.',
    options: [
      { name: 'upn', value: 'UPN', help: 'the person; required' },
      { name: 'spn', value: 'SPN', help: 'the service, such as HTTP/app.corp.test; required' },
      { name: 'ccache', value: 'FILE', help: 'write the ticket to a credential cache of MIT Kerberos, mode 0600' },
      {
        name: 'user-name',
        value: 'principal|enterprise',
        help: 'how the person is named to the KDC; default as configured',
      },
    ],
    examples: [
      'kcd ticket --upn alice@corp.test --spn HTTP/app.corp.test',
      'kcd ticket --upn alice@corp.test --spn HTTP/app.corp.test --ccache /run/user/1000/alice.ccache',
    ],
    run: ticket,
  },
  {
    words: ['kcd', 'keytab', 'list'],
    summary: 'list the keys of a keytab: whose, which version, which encryption type',
    description: 'Never shows a key. A keytab that others may read is refused.',
    operands: [{ name: 'FILE', optional: true, help: 'the keytab; without it, the one of the configuration' }],
    examples: ['kcd keytab list', 'kcd keytab list gateway.keytab --json'],
    run: listKeytab,
  },
]

async function ticket(call: Call): Promise<Answer> {
  const [upn, spn, file] = [call.text('upn'), call.text('spn'), call.text('ccache')]
  if (upn === undefined) throw new CliError('usage', '--upn is missing: on behalf of whom')
  if (spn === undefined) throw new CliError('usage', '--spn is missing: for which service')
  const userName = userNameOf(call)
  const configuration = await call.configuration()
  const [{ openDelegator }, { describeTicket }] = await Promise.all([
    import('../kerberos/delegation-account.ts'),
    import('../kerberos/ticket-view.ts'),
  ])
  const delegator = await openDelegator(configuration)
  try {
    let shown: ReturnType<typeof describeTicket> | undefined
    const cache = await delegator.credentialCache({
      upn,
      spn,
      userName,
      onTicket: (step, granted) => {
        if (step === 'service-ticket') shown = describeTicket(granted)
      },
    })
    if (file !== undefined) {
      const { writePrivately } = await import('../kerberos/private-file.ts')
      await writePrivately(file, cache)
    }
    return {
      data: { ...shown, ...(file === undefined ? {} : { ccache: file }) },
      text: facts([
        ['person', shown?.client],
        ['service', shown?.service],
        ['begins', shown?.startsAt],
        ['ends', shown?.endsAt],
        ['session key', shown?.sessionKey],
        ['ticket', shown?.ticket],
        ['flags', shown?.flags.join(' ')],
        ['credential cache', file],
      ]),
    }
  } finally {
    await delegator.close()
  }
}

function userNameOf(call: Call): 'principal' | 'enterprise' | undefined {
  const given = call.text('user-name')
  if (given === undefined || given === 'principal' || given === 'enterprise') return given
  throw new CliError('usage', '--user-name is principal or enterprise')
}

async function listKeytab(call: Call): Promise<Answer> {
  const named = call.operand('FILE')
  const { kerberosOf, readKeytab } = await import('../kerberos/delegation-account.ts')
  const kerberos = named === '' ? kerberosOf(await call.configuration()) : undefined
  const file = named === '' ? kerberos?.keytab : named
  if (file === undefined)
    throw new CliError(
      'usage',
      'the configuration has a password and no keytab; name one: gatehouse kcd keytab list FILE',
    )
  const { describeKey } = await import('../kerberos/ticket-view.ts')
  const keys = (await readKeytab(file, kerberos?.allowGroupReadableKeytab ?? false)).map(describeKey)
  const rows = keys.map(({ principal, version, encryptionType, usable, writtenAt }) => [
    principal,
    String(version),
    usable ? encryptionType : `${encryptionType} (not supported)`,
    writtenAt ?? '',
  ])
  return {
    data: { file, keys },
    text: listing(['PRINCIPAL', 'VERSION', 'ENCRYPTION TYPE', 'WRITTEN'], rows, `${file} has no entry`),
  }
}
