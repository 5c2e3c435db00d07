import type { CommandSpec } from '../command.ts'
import { listing, printable } from '../text.ts'

const group = { name: 'GROUP', help: 'name of the group' }
const member = { name: 'NAME', help: 'user principal name of the person' }

/** `gatehouse group …`: groups, and who is in them. */
export const groupCommands: readonly CommandSpec[] = [
  {
    words: ['group', 'add'],
    summary: 'add a group',
    operands: [group],
    examples: ['group add sales'],
    async run(call) {
      const added = await (await call.administration()).call('group.add', { name: call.operand('GROUP') })
      return { data: added, text: `added ${printable(added.name)}` }
    },
  },
  {
    words: ['group', 'list'],
    summary: 'list groups',
    examples: ['group list', 'group list --json'],
    async run(call) {
      const groups = await (await call.administration()).call('group.list', {})
      const rows = groups.map(({ name, members }) => [name, String(members)])
      return {
        data: groups,
        text: listing(['GROUP', 'MEMBERS'], rows, 'there are no groups; gatehouse group add adds one'),
      }
    },
  },
  {
    words: ['group', 'add-member'],
    summary: 'make a person a member of a group',
    operands: [group, member],
    examples: ['group add-member sales bob@contoso.test'],
    async run(call) {
      const input = { group: call.operand('GROUP'), upn: call.operand('NAME') }
      const done = await (await call.administration()).call('group.add-member', input)
      return { data: done, text: `${printable(done.upn)} is a member of ${printable(done.group)}` }
    },
  },
  {
    words: ['group', 'remove-member'],
    summary: 'take a person out of a group',
    operands: [group, member],
    examples: ['group remove-member sales bob@contoso.test'],
    async run(call) {
      const input = { group: call.operand('GROUP'), upn: call.operand('NAME') }
      const done = await (await call.administration()).call('group.remove-member', input)
      return { data: done, text: `${printable(done.upn)} is no member of ${printable(done.group)}` }
    },
  },
]
