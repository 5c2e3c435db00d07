import { z } from 'zod'
import type { Person } from '../../../sts/people/person.ts'
import { StsError } from '../../../sts/sts-error.ts'
import { groupName, nothing, operation, password, stsOf, upn, word } from '../operation.ts'

/** A person as the administration shows one. */
export interface PersonView {
  upn: string
  displayName: string
  enabled: boolean
  delegatable: boolean
  groups: string[]
}

const view = ({ upn, displayName, enabled, delegatable, groups }: Person): PersonView => ({
  upn,
  displayName,
  enabled,
  delegatable,
  groups: [...groups],
})

export const peopleOperations = {
  'user.add': operation({
    input: z.strictObject({
      upn,
      displayName: word(256).optional(),
      password,
      groups: z.array(groupName).max(1000).default([]),
      delegatable: z.boolean().default(true),
    }),
    changes: true,
    subject: ({ upn }) => upn,
    run: async (gatehouse, { upn, displayName, password, groups, delegatable }) =>
      view(
        await stsOf(gatehouse).people.add({
          upn,
          password,
          groups,
          delegatable,
          ...(displayName === undefined ? {} : { displayName }),
        }),
      ),
  }),

  'user.list': operation({
    input: z.strictObject({ after: upn.optional(), limit: z.int().min(1).max(10_000).default(1000) }),
    changes: false,
    run: (gatehouse, { after, limit }) =>
      stsOf(gatehouse)
        .people.list({ limit, ...(after === undefined ? {} : { after }) })
        .map(view),
  }),

  'user.show': operation({
    input: z.strictObject({ upn }),
    changes: false,
    run(gatehouse, { upn }) {
      const person = stsOf(gatehouse).people.find(upn)
      if (person === undefined) throw new StsError('person-unknown', `there is no ${upn}`)
      return view(person)
    },
  }),

  'user.update': operation({
    input: z.strictObject({ upn, delegatable: z.boolean() }),
    changes: true,
    subject: ({ upn }) => upn,
    async run(gatehouse, { upn, delegatable }) {
      const { people, sessions } = stsOf(gatehouse)
      await people.setDelegatable(upn, delegatable)
      // Tokens that were issued before name the services still. In this order, so that none is issued in between.
      const person = people.find(upn)
      if (!delegatable && person !== undefined) await sessions.endAllOf(person, new Date())
      return { upn, delegatable }
    },
  }),

  'user.disable': operation({
    input: z.strictObject({ upn }),
    changes: true,
    subject: ({ upn }) => upn,
    async run(gatehouse, { upn }) {
      await stsOf(gatehouse).accounts.disable(upn, new Date())
      return { upn, enabled: false }
    },
  }),

  'user.enable': operation({
    input: z.strictObject({ upn }),
    changes: true,
    subject: ({ upn }) => upn,
    async run(gatehouse, { upn }) {
      await stsOf(gatehouse).accounts.enable(upn)
      return { upn, enabled: true }
    },
  }),

  'user.password': operation({
    input: z.strictObject({ upn, password }),
    changes: true,
    subject: ({ upn }) => upn,
    async run(gatehouse, { upn, password }) {
      await stsOf(gatehouse).accounts.setPassword(upn, password, new Date())
      return { upn }
    },
  }),

  'user.unlock': operation({
    input: z.strictObject({ upn }),
    changes: true,
    subject: ({ upn }) => upn,
    async run(gatehouse, { upn }) {
      await stsOf(gatehouse).passwords.unlock(upn)
      return { upn }
    },
  }),

  'user.lockouts': operation({
    input: nothing,
    changes: false,
    run: (gatehouse) =>
      stsOf(gatehouse)
        .passwords.lockouts(new Date())
        .map(({ upn, place, failures, until }) => ({ upn, place, failures, until: until.toISOString() })),
  }),

  'group.add': operation({
    input: z.strictObject({ name: groupName }),
    changes: true,
    subject: ({ name }) => name,
    async run(gatehouse, { name }) {
      await stsOf(gatehouse).people.groups.add(name)
      return { name, members: 0 }
    },
  }),

  'group.list': operation({
    input: nothing,
    changes: false,
    run: (gatehouse) => stsOf(gatehouse).people.groups.list(),
  }),

  'group.add-member': operation({
    input: z.strictObject({ group: groupName, upn }),
    changes: true,
    subject: ({ group, upn }) => `${group} ${upn}`,
    async run(gatehouse, { group, upn }) {
      await stsOf(gatehouse).people.groups.addMember(group, upn)
      return { group, upn }
    },
  }),

  'group.remove-member': operation({
    input: z.strictObject({ group: groupName, upn }),
    changes: true,
    subject: ({ group, upn }) => `${group} ${upn}`,
    async run(gatehouse, { group, upn }) {
      await stsOf(gatehouse).people.groups.removeMember(group, upn)
      return { group, upn }
    },
  }),
}
