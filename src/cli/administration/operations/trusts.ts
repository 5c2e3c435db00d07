import { z } from 'zod'
import { StsError } from '../../../sts/sts-error.ts'
import type { RelyingPartyTrust } from '../../../sts/trusts/relying-party-trust.ts'
import { CliError } from '../../cli-error.ts'
import type { Gatehouse } from '../../gatehouse.ts'
import { nothing, operation, stsOf, trustReference, word } from '../operation.ts'

/** A relying party trust as the administration shows one; what it is published with stands behind it. */
export interface TrustView {
  id: string
  name: string
  enabled: boolean
  claimsAware: boolean
  identifiers: string[]
  permit: { everyone: boolean; groups: string[] }
  publishedAddresses: string[]
  replyAddresses: string[]
  delegateTo: string[]
  /** Seconds. */
  edgeTokenLifetime: number
}

const view = (trust: RelyingPartyTrust): TrustView => ({
  id: trust.id,
  name: trust.name,
  enabled: trust.enabled,
  claimsAware: trust.claimsAware,
  identifiers: [...trust.identifiers],
  permit: { everyone: trust.permit.everyone, groups: [...trust.permit.groups] },
  publishedAddresses: [...trust.publishedAddresses],
  replyAddresses: [...trust.replyAddresses],
  delegateTo: [...trust.delegateTo],
  edgeTokenLifetime: trust.edgeTokenLifetime,
})

const words = (most: number) => z.array(word(most)).max(1000)
const lifetime = z.int().min(300, 'must be 300 to 86400 seconds').max(86_400, 'must be 300 to 86400 seconds')

/**
 * The trust that is meant by a name or an id.
 * @throws {StsError} `trust-unknown`
 */
export function trustOf(gatehouse: Gatehouse, reference: string): RelyingPartyTrust {
  const { trusts } = stsOf(gatehouse)
  const found = trusts.get(reference) ?? trusts.findByName(reference)
  if (found === undefined) throw new StsError('trust-unknown', `there is no relying party trust ${reference}`)
  return found
}

export const trustOperations = {
  'trust.add': operation({
    input: z.strictObject({
      id: z.guid('must be a GUID').optional(),
      name: word(256),
      enabled: z.boolean().default(true),
      claimsAware: z.boolean().default(false),
      identifiers: words(1024).default([]),
      permitEveryone: z.boolean().default(false),
      permitGroups: words(256).default([]),
      publishedAddresses: words(2048).default([]),
      replyAddresses: words(2048).default([]),
      delegateTo: words(1024).default([]),
      edgeTokenLifetime: lifetime.optional(),
    }),
    changes: true,
    subject: ({ name }) => name,
    async run(gatehouse, { permitEveryone, permitGroups, ...rest }) {
      requireGroups(gatehouse, permitGroups)
      const trust = { ...rest, permit: { everyone: permitEveryone, groups: permitGroups } }
      return view(await stsOf(gatehouse).trusts.add(trust))
    },
  }),

  'trust.list': operation({
    input: nothing,
    changes: false,
    run: (gatehouse) => stsOf(gatehouse).trusts.list().map(view),
  }),

  'trust.show': operation({
    input: z.strictObject({ trust: trustReference }),
    changes: false,
    run: (gatehouse, { trust }) => ({
      ...view(trustOf(gatehouse, trust)),
      applications: applicationsOf(gatehouse, trust),
    }),
  }),

  'trust.update': operation({
    input: z.strictObject({
      trust: trustReference,
      name: word(256).optional(),
      enabled: z.boolean().optional(),
      claimsAware: z.boolean().optional(),
      permitEveryone: z.boolean().optional(),
      edgeTokenLifetime: lifetime.optional(),
      add: z
        .strictObject({
          identifiers: words(1024).default([]),
          permitGroups: words(256).default([]),
          publishedAddresses: words(2048).default([]),
          replyAddresses: words(2048).default([]),
          delegateTo: words(1024).default([]),
        })
        .prefault({}),
      remove: z
        .strictObject({
          identifiers: words(1024).default([]),
          permitGroups: words(256).default([]),
          publishedAddresses: words(2048).default([]),
          replyAddresses: words(2048).default([]),
          delegateTo: words(1024).default([]),
        })
        .prefault({}),
    }),
    changes: true,
    subject: ({ trust }) => trust,
    async run(gatehouse, { trust: reference, permitEveryone, add, remove, ...rest }) {
      const trust = trustOf(gatehouse, reference)
      requireGroups(gatehouse, add.permitGroups)
      const changed = (field: 'identifiers' | 'publishedAddresses' | 'replyAddresses' | 'delegateTo') =>
        merge(field, trust[field], add[field], remove[field])
      const updated = await stsOf(gatehouse).trusts.update(trust.id, {
        ...given(rest),
        identifiers: changed('identifiers'),
        publishedAddresses: changed('publishedAddresses'),
        replyAddresses: changed('replyAddresses'),
        delegateTo: changed('delegateTo'),
        permit: {
          everyone: permitEveryone ?? trust.permit.everyone,
          groups: merge('permitGroups', trust.permit.groups, add.permitGroups, remove.permitGroups),
        },
      })
      return view(updated)
    },
  }),

  'trust.remove': operation({
    input: z.strictObject({ trust: trustReference }),
    changes: true,
    subject: ({ trust }) => trust,
    async run(gatehouse, { trust: reference }) {
      const { id, name } = trustOf(gatehouse, reference)
      const [application] = applicationsOf(gatehouse, reference)
      if (application !== undefined) {
        throw new CliError(
          'trust-in-use',
          `the application ${application} is published with the trust ${name}; remove it first`,
        )
      }
      await stsOf(gatehouse).trusts.remove(id)
      return { id, name }
    },
  }),
}

function applicationsOf(gatehouse: Gatehouse, reference: string): string[] {
  const { id } = trustOf(gatehouse, reference)
  const published = gatehouse.proxy?.store.applications() ?? []
  return published.filter(({ trustId }) => trustId?.toLowerCase() === id.toLowerCase()).map(({ name }) => name)
}

// A permission for a group that is not there would be a slip of the pen that nobody is told of.
function requireGroups(gatehouse: Gatehouse, groups: readonly string[]): void {
  const known = new Set(
    stsOf(gatehouse)
      .people.groups.list()
      .map(({ name }) => name.toLowerCase()),
  )
  for (const group of groups) {
    if (!known.has(group.toLowerCase())) throw new StsError('group-unknown', `there is no group ${group}`)
  }
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

function merge(what: string, before: readonly string[], add: readonly string[], remove: readonly string[]): string[] {
  for (const value of remove) {
    if (!before.some((known) => matches(known, value))) {
      throw new CliError('invalid-input', `remove.${what}: the trust does not have ${value}`)
    }
  }
  const kept = before.filter((known) => !remove.some((value) => matches(known, value)))
  return [...kept, ...add.filter((value) => !kept.some((known) => same(known, value)))]
}

// An address is kept with a trailing slash; whoever removes it need not know.
const matches = (known: string, value: string) => same(known, value) || same(known, `${value}/`)

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

/** The members that were given, for a patch that tells *absent* and *undefined* apart. */
function given<T extends object>(members: T): Partial<Given<T>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<Given<T>>
}
