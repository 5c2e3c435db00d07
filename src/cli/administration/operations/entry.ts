import { z } from 'zod'
import { permits } from '../../../sts/trusts/relying-party-trust.ts'
import type { Gatehouse } from '../../gatehouse.ts'
import { operation, proxyOf, upn, word } from '../operation.ts'
import { type ApplicationView, applicationOf, view } from './applications.ts'

/** What is kept about a person's way into an application. */
export interface EntryView {
  application: ApplicationView
  /** Whether the federation server is another machine, which alone knows its people and permissions. */
  foreign: boolean
  /** Absent where the application has none, or the one it had is gone. */
  trust?: {
    name: string
    enabled: boolean
    claimsAware: boolean
    /** The rest is known of our own federation server's trusts alone. */
    publishedAddresses?: string[]
    permit?: { everyone: boolean; groups: string[] }
    delegateTo?: string[]
  }
  /** Absent where there is nobody of that name, or the federation server is another machine. */
  person?: { upn: string; enabled: boolean; delegatable: boolean; groups: string[]; permitted: boolean }
}

export const entryOperations = {
  'app.entry': operation({
    input: z.strictObject({ application: word(1024), upn }),
    changes: false,
    run(gatehouse, { application: reference, upn }): EntryView {
      const { store, federationService } = proxyOf(gatehouse)
      const application = applicationOf(store, reference)
      const { trustId } = application
      const shown = view(application, federationService)
      if (gatehouse.sts !== undefined) return { application: shown, foreign: false, ...known(gatehouse, trustId, upn) }
      const trust = trustId === undefined ? undefined : federationService.trust(trustId)
      const { name, enabled, claimsAware } = trust ?? {}
      return {
        application: shown,
        foreign: true,
        ...(name === undefined
          ? {}
          : { trust: { name, enabled: enabled === true, claimsAware: claimsAware === true } }),
      }
    },
  }),
}

function known({ sts }: Gatehouse, trustId: string | undefined, upn: string): Pick<EntryView, 'trust' | 'person'> {
  const trust = trustId === undefined ? undefined : sts?.trusts.get(trustId)
  const person = sts?.people.find(upn)
  return {
    ...(trust === undefined
      ? {}
      : {
          trust: {
            name: trust.name,
            enabled: trust.enabled,
            claimsAware: trust.claimsAware,
            publishedAddresses: [...trust.publishedAddresses],
            permit: { everyone: trust.permit.everyone, groups: [...trust.permit.groups] },
            delegateTo: [...trust.delegateTo],
          },
        }),
    ...(person === undefined
      ? {}
      : {
          person: {
            upn: person.upn,
            enabled: person.enabled,
            delegatable: person.delegatable,
            groups: [...person.groups],
            permitted: trust !== undefined && permits(trust, person),
          },
        }),
  }
}
