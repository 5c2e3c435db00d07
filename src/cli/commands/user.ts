import { CliError } from '../cli-error.ts'
import type { Answer, Call, CommandSpec, OperandSpec, OptionSpec } from '../command.ts'
import { readPassword } from '../password-input.ts'
import { facts, listing, printable } from '../text.ts'

const name: OperandSpec = { name: 'NAME', help: 'user principal name, such as alice@contoso.test' }
const passwordStdin: OptionSpec = { name: 'password-stdin', help: 'read the password from standard input, one line' }

/** `gatehouse user …`: people and their accounts. */
export const userCommands: readonly CommandSpec[] = [
  {
    words: ['user', 'add'],
    summary: 'add a person',
    description:
      'The password is asked for at a terminal, or read from standard input with --password-stdin; it is never an argument.',
    operands: [name],
    options: [
      passwordStdin,
      { name: 'display-name', value: 'TEXT', help: 'name to show; default the one before the @' },
      { name: 'group', value: 'GROUP', many: true, help: 'make the person a member' },
      { name: 'not-delegatable', help: 'never reach a backend in this person’s name by Kerberos delegation' },
    ],
    examples: [
      'user add alice@contoso.test --group sales',
      'user add bob@contoso.test --password-stdin < password.txt',
    ],
    async run(call) {
      const displayName = call.text('display-name')
      const administration = await call.administration()
      const person = await administration.call('user.add', {
        upn: call.operand('NAME'),
        password: await readPassword(call),
        groups: [...call.list('group')],
        delegatable: !call.has('not-delegatable'),
        ...(displayName === undefined ? {} : { displayName }),
      })
      return { data: person, text: `added ${printable(person.upn)}` }
    },
  },
  {
    words: ['user', 'list'],
    summary: 'list people',
    options: [
      { name: 'after', value: 'NAME', help: 'go on behind this one' },
      { name: 'limit', value: 'N', help: 'at most so many; default 1000' },
    ],
    examples: ['user list', 'user list --json --limit 100 --after bob@contoso.test'],
    async run(call) {
      const after = call.text('after')
      const limit = call.text('limit')
      if (limit !== undefined && !/^\d{1,5}$/.test(limit)) throw new CliError('usage', '--limit must be a number')
      const people = await (await call.administration()).call('user.list', {
        ...(after === undefined ? {} : { after }),
        ...(limit === undefined ? {} : { limit: Number(limit) }),
      })
      const rows = people.map(({ upn, displayName, enabled, groups }) => [
        upn,
        enabled ? 'enabled' : 'disabled',
        displayName,
        groups.join(', '),
      ])
      return {
        data: people,
        text: listing(
          ['NAME', 'STATE', 'DISPLAY NAME', 'GROUPS'],
          rows,
          'there are no people; gatehouse user add adds one',
        ),
      }
    },
  },
  {
    words: ['user', 'show'],
    summary: 'show a person',
    operands: [name],
    examples: ['user show alice@contoso.test', 'user show alice@contoso.test --json'],
    async run(call) {
      const person = await (await call.administration()).call('user.show', { upn: call.operand('NAME') })
      const text = facts([
        ['name', person.upn],
        ['display name', person.displayName],
        ['state', person.enabled ? 'enabled' : 'disabled'],
        ['Kerberos delegation', person.delegatable ? 'yes' : 'no'],
        ['groups', person.groups.join(', ')],
      ])
      return { data: person, text }
    },
  },
  {
    words: ['user', 'disable'],
    summary: 'let a person sign in no more, and end every session',
    operands: [name],
    examples: ['user disable bob@contoso.test'],
    run: (call) => about(call, 'user.disable', 'disabled, sessions ended:'),
  },
  {
    words: ['user', 'enable'],
    summary: 'let a person sign in again',
    operands: [name],
    examples: ['user enable bob@contoso.test'],
    run: (call) => about(call, 'user.enable', 'enabled'),
  },
  {
    words: ['user', 'password'],
    summary: 'set a new password, and end every session',
    description: 'The password is asked for at a terminal, or read from standard input with --password-stdin.',
    operands: [name],
    options: [passwordStdin],
    examples: ['user password alice@contoso.test', 'user password alice@contoso.test --password-stdin < password.txt'],
    async run(call) {
      const administration = await call.administration()
      const done = await administration.call('user.password', {
        upn: call.operand('NAME'),
        password: await readPassword(call),
      })
      return { data: done, text: `password changed, sessions ended: ${printable(done.upn)}` }
    },
  },
  {
    words: ['user', 'unlock'],
    summary: 'forget the wrong passwords that were counted against a person',
    operands: [name],
    examples: ['user unlock alice@contoso.test'],
    run: (call) => about(call, 'user.unlock', 'unlocked'),
  },
  {
    words: ['user', 'lockouts'],
    summary: 'list who is locked out, from where and until when',
    examples: ['user lockouts'],
    async run(call) {
      const lockouts = await (await call.administration()).call('user.lockouts', {})
      const rows = lockouts.map(({ upn, place, failures, until }) => [upn, `${place} places`, String(failures), until])
      return { data: lockouts, text: listing(['NAME', 'FROM', 'FAILURES', 'UNTIL'], rows, 'nobody is locked out') }
    },
  },
  {
    words: ['user', 'disable-delegation'],
    summary: 'reach no backend in a person’s name by Kerberos delegation any more',
    description:
      'Holds from the next sign-in at an application; what the proxy has of the person until then is given up.',
    operands: [name],
    examples: ['user disable-delegation alice@contoso.test'],
    run: (call) => delegation(call, false),
  },
  {
    words: ['user', 'enable-delegation'],
    summary: 'let backends be reached in a person’s name by Kerberos delegation again, from the next edge token on',
    operands: [name],
    examples: ['user enable-delegation alice@contoso.test'],
    run: (call) => delegation(call, true),
  },
]

async function about(
  call: Call,
  operation: 'user.disable' | 'user.enable' | 'user.unlock',
  said: string,
): Promise<Answer> {
  const done = await (await call.administration()).call(operation, { upn: call.operand('NAME') })
  return { data: done, text: `${said} ${printable(done.upn)}` }
}

async function delegation(call: Call, delegatable: boolean): Promise<Answer> {
  const done = await (await call.administration()).call('user.update', { upn: call.operand('NAME'), delegatable })
  return { data: done, text: `${printable(done.upn)}: ${done.delegatable ? 'may' : 'may not'} be delegated` }
}
