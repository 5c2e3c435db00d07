import type { TrustView } from '../administration/operations/trusts.ts'
import { CliError } from '../cli-error.ts'
import type { Call, CommandSpec, OperandSpec, OptionSpec } from '../command.ts'
import { facts, listing, printable } from '../text.ts'

const trust: OperandSpec = { name: 'TRUST', help: 'name or id of the relying party trust' }

const lists = {
  identifier: 'identifiers',
  'permit-group': 'permitGroups',
  'published-url': 'publishedAddresses',
  'reply-url': 'replyAddresses',
  'delegate-to': 'delegateTo',
} as const

const listOptions: readonly OptionSpec[] = [
  { name: 'permit-group', value: 'GROUP', many: true, help: 'whose members may enter' },
  {
    name: 'published-url',
    value: 'URL',
    many: true,
    help: 'external address that a proxy elsewhere publishes it under',
  },
  { name: 'identifier', value: 'URI', many: true, help: 'identifier of the relying party' },
  { name: 'reply-url', value: 'URL', many: true, help: 'address that its tokens are posted to' },
  { name: 'delegate-to', value: 'SPN', many: true, help: 'service that people may be delegated to' },
]

const lifetime: OptionSpec = {
  name: 'lifetime',
  value: 'MINUTES',
  help: 'how long an edge token holds, 5 to 1440; default 60',
}

/** `gatehouse trust …`: relying party trusts. */
export const trustCommands: readonly CommandSpec[] = [
  {
    words: ['trust', 'add'],
    summary: 'add a relying party trust and print its id',
    description: 'Nobody may enter until a group, or everyone, is permitted.',
    operands: [{ name: 'NAME', help: 'name of the trust' }],
    options: [
      ...listOptions,
      { name: 'permit-everyone', help: 'let in every enabled person' },
      { name: 'claims-aware', help: 'its application does its own claims sign-in behind the proxy' },
      lifetime,
      {
        name: 'id',
        value: 'GUID',
        help: 'objectIdentifier to take over from another federation server; default a new one',
      },
      { name: 'disabled', help: 'add it disabled' },
    ],
    examples: [
      'trust add CRM --permit-group sales',
      'trust add Wiki --permit-everyone --published-url https://wiki.contoso.test/ --lifetime 480',
    ],
    async run(call) {
      const id = call.text('id')
      const edgeTokenLifetime = lifetimeOf(call)
      const added = await (await call.administration()).call('trust.add', {
        name: call.operand('NAME'),
        enabled: !call.has('disabled'),
        claimsAware: call.has('claims-aware'),
        permitEveryone: call.has('permit-everyone'),
        ...listsOf(call, ''),
        ...(id === undefined ? {} : { id }),
        ...(edgeTokenLifetime === undefined ? {} : { edgeTokenLifetime }),
      })
      // The id alone, so that `$(gatehouse trust add …)` is one.
      return { data: added, text: added.id }
    },
  },
  {
    words: ['trust', 'list'],
    summary: 'list relying party trusts',
    examples: ['trust list', 'trust list --json'],
    async run(call) {
      const trusts = await (await call.administration()).call('trust.list', {})
      const rows = trusts.map((each) => [each.name, each.id, each.enabled ? 'enabled' : 'disabled', permitted(each)])
      return {
        data: trusts,
        text: listing(
          ['TRUST', 'ID', 'STATE', 'PERMITTED'],
          rows,
          'there are no relying party trusts; gatehouse trust add adds one',
        ),
      }
    },
  },
  {
    words: ['trust', 'show'],
    summary: 'show a relying party trust',
    operands: [trust],
    examples: ['trust show CRM'],
    async run(call) {
      const shown = await (await call.administration()).call('trust.show', { trust: call.operand('TRUST') })
      const { name, id, enabled, claimsAware, edgeTokenLifetime } = shown
      const text = facts([
        ['name', name],
        ['id', id],
        ['state', enabled ? 'enabled' : 'disabled'],
        ['claims-aware', claimsAware ? 'yes' : 'no'],
        ['permitted', permitted(shown)],
        ['published', shown.publishedAddresses.join(' ')],
        ['applications', shown.applications.join(', ')],
        ['identifiers', shown.identifiers.join(' ')],
        ['reply addresses', shown.replyAddresses.join(' ')],
        ['delegate to', shown.delegateTo.join(' ')],
        ['edge token holds', `${edgeTokenLifetime / 60} min`],
      ])
      return { data: shown, text }
    },
  },
  {
    words: ['trust', 'update'],
    summary: 'change a relying party trust',
    description: 'Lists grow by an option of trust add and shrink by the same one with `remove-` before it.',
    operands: [trust],
    options: [
      { name: 'name', value: 'NAME', help: 'another name' },
      ...listOptions,
      ...listOptions.map((option) => ({
        ...option,
        name: `remove-${option.name}`,
        help: `take back --${option.name}`,
      })),
      { name: 'permit-everyone', value: 'yes|no', help: 'let in every enabled person, or the permitted groups alone' },
      { name: 'claims-aware', value: 'yes|no', help: 'whether its application does its own claims sign-in' },
      lifetime,
    ],
    examples: ['trust update CRM --permit-group support --remove-permit-group sales', 'trust update CRM --lifetime 30'],
    async run(call) {
      const [name, edgeTokenLifetime] = [call.text('name'), lifetimeOf(call)]
      const [permitEveryone, claimsAware] = [yesNo(call, 'permit-everyone'), yesNo(call, 'claims-aware')]
      const updated = await (await call.administration()).call('trust.update', {
        trust: call.operand('TRUST'),
        add: listsOf(call, ''),
        remove: listsOf(call, 'remove-'),
        ...(name === undefined ? {} : { name }),
        ...(edgeTokenLifetime === undefined ? {} : { edgeTokenLifetime }),
        ...(permitEveryone === undefined ? {} : { permitEveryone }),
        ...(claimsAware === undefined ? {} : { claimsAware }),
      })
      return { data: updated, text: `updated ${printable(updated.name)}` }
    },
  },
  ...(['enable', 'disable'] as const).map(
    (word): CommandSpec => ({
      words: ['trust', word],
      summary: word === 'enable' ? 'let people in for a trust again' : 'let nobody in for a trust',
      operands: [trust],
      examples: [`trust ${word} CRM`],
      async run(call) {
        const updated = await (await call.administration()).call('trust.update', {
          trust: call.operand('TRUST'),
          enabled: word === 'enable',
        })
        return { data: updated, text: `${word}d ${printable(updated.name)}` }
      },
    }),
  ),
  {
    words: ['trust', 'remove'],
    summary: 'remove a relying party trust that no application is published with',
    operands: [trust],
    examples: ['trust remove CRM'],
    async run(call) {
      const removed = await (await call.administration()).call('trust.remove', { trust: call.operand('TRUST') })
      return { data: removed, text: `removed ${printable(removed.name)}` }
    },
  },
]

type Lists = { [Key in (typeof lists)[keyof typeof lists]]: string[] }

function listsOf(call: Call, prefix: '' | 'remove-'): Lists {
  const entries = Object.entries(lists).map(([option, field]) => [field, [...call.list(`${prefix}${option}`)]])
  return Object.fromEntries(entries) as Lists
}

function lifetimeOf(call: Call): number | undefined {
  const minutes = call.text('lifetime')
  if (minutes === undefined) return undefined
  if (!/^\d{1,4}$/.test(minutes) || Number(minutes) < 5 || Number(minutes) > 1440) {
    throw new CliError('usage', '--lifetime must be 5 to 1440 minutes')
  }
  return Number(minutes) * 60
}

function yesNo(call: Call, option: string): boolean | undefined {
  const word = call.text(option)
  if (word === undefined || word === 'yes' || word === 'no') return word === undefined ? undefined : word === 'yes'
  throw new CliError('usage', `--${option} takes yes or no`)
}

const permitted = ({ permit }: Pick<TrustView, 'permit'>) =>
  permit.everyone ? 'everyone' : permit.groups.length === 0 ? 'nobody' : permit.groups.join(', ')
