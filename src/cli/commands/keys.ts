import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command.ts'
import { listing } from '../text.ts'

/** `gatehouse keys …`: signing keys, and the keys of access cookies. */
export const keyCommands: readonly CommandSpec[] = [
  {
    words: ['keys', 'list'],
    summary: 'list the signing certificates',
    examples: ['keys list', 'keys list --json'],
    async run(call) {
      const keys = await (await call.administration()).call('keys.list', {})
      const rows = keys.map(({ kid, state, signsFrom, notAfter }) => [kid, state, signsFrom, notAfter])
      return { data: keys, text: listing(['KEY', 'STATE', 'SIGNS FROM', 'ENDS'], rows, 'there are no signing keys') }
    },
  },
  {
    words: ['keys', 'rotate'],
    summary: 'bring in a new signing key, or a new key for access cookies',
    description:
      'Without options the next certificate is published at once and signs as soon as everybody can know it. With --now a\n' +
      'new key signs from this moment and all others are dropped: for a key that got into wrong hands.',
    options: [
      { name: 'now', help: 'drop the keys there are and sign with a new one at once' },
      { name: 'cookies', help: 'the key of access cookies instead; with --now everybody’s cookie is void at once' },
    ],
    examples: ['keys rotate', 'keys rotate --now', 'keys rotate --cookies'],
    async run(call) {
      const administration = await call.administration()
      const immediately = call.has('now')
      if (call.has('cookies')) {
        const rotated = await administration.call('keys.rotate-cookies', { regenerate: immediately })
        return { data: rotated, text: `access cookies are sealed with the key ${rotated.cookieKeys[0] ?? ''}` }
      }
      const rotated = await administration.call('keys.rotate', { immediately })
      const named = immediately
        ? rotated.keys.find(({ state }) => state === 'current')
        : rotated.keys.find(({ state }) => state === 'next')
      if (named === undefined) throw new CliError('answer', 'the server named no new key')
      const lines = [`${named.kid} ${immediately ? 'signs now' : `is published and signs from ${named.signsFrom}`}`]
      if (rotated.dropped.length > 0) lines.push(`dropped: ${rotated.dropped.join(', ')}`)
      if (rotated.mustReload.length > 0) {
        lines.push(
          'these must read the federation metadata again before they can verify tokens:',
          ...rotated.mustReload.map((name) => `  ${name}`),
        )
      } else if (immediately) {
        lines.push('nobody else has to reload: every application is published by this very server')
      }
      return { data: rotated, text: lines.join('\n') }
    },
  },
]
