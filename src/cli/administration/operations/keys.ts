import { z } from 'zod'
import type { PublishedKey } from '../../../sts/keys/signing-keys.ts'
import { nothing, operation, proxyOf, stsOf } from '../operation.ts'

/** A signing key as everybody may see it. */
export interface KeyView {
  kid: string
  x5t: string
  state: 'current' | 'next' | 'old'
  signsFrom: string
  notAfter: string
  retiredAt?: string
  /** PEM. */
  certificate: string
}

const view = ({ kid, x5t, state, signsFrom, notAfter, retiredAt, certificate }: PublishedKey): KeyView => ({
  kid,
  x5t,
  state,
  signsFrom: signsFrom.toISOString(),
  notAfter: notAfter.toISOString(),
  ...(retiredAt === undefined ? {} : { retiredAt: retiredAt.toISOString() }),
  certificate,
})

export const keyOperations = {
  'keys.list': operation({
    input: nothing,
    changes: false,
    run: (gatehouse) => stsOf(gatehouse).keys.published().map(view),
  }),

  'keys.rotate': operation({
    input: z.strictObject({ immediately: z.boolean().default(false) }),
    changes: true,
    subject: ({ immediately }) => (immediately ? 'now' : 'next'),
    async run(gatehouse, { immediately }) {
      const { keys, trusts } = stsOf(gatehouse)
      const { published, dropped } = await keys.rotate({ immediately, now: new Date() })
      // The proxy of this process has the new keys by now. Whoever else checks tokens has to read the metadata again.
      const ours = new Set((gatehouse.proxy?.store.applications() ?? []).map(({ trustId }) => trustId))
      const elsewhere = trusts
        .list()
        .filter(({ id, enabled, claimsAware }) => enabled && (claimsAware || !ours.has(id)))
      return {
        keys: published.map(view),
        dropped,
        mustReload: dropped.length === 0 ? [] : elsewhere.map(({ name }) => name),
      }
    },
  }),

  'keys.rotate-cookies': operation({
    input: z.strictObject({ regenerate: z.boolean().default(false) }),
    changes: true,
    subject: ({ regenerate }) => (regenerate ? 'regenerate' : 'next'),
    async run(gatehouse, { regenerate }) {
      const { store } = proxyOf(gatehouse)
      await store.rotateCookieKeys({ regenerate, now: new Date() })
      return { cookieKeys: store.cookieKeys().map(({ id }) => id) }
    },
  }),
}
