import t from 'tap'
import { suggest } from '../../src/cli/suggestion.ts'

const known = ['permit-group', 'permit-everyone', 'claims-aware', 'ExternalUrl']

for (const [written, meant] of [
  ['permitgroup', 'permit-group'],
  ['permit-gruop', 'permit-group'],
  ['PERMIT-EVERYONE', 'permit-everyone'],
  ['externalurl', 'ExternalUrl'],
  ['claim-aware', 'claims-aware'],
] as const) {
  t.test(`suggests ${meant} for ${written}`, async (t) => t.equal(suggest(written, known), meant))
}

t.test('suggests nothing for a word that is near to none', async (t) => t.equal(suggest('zebra', known), undefined))

t.test('suggests nothing for a word of a megabyte, and does not measure it', async (t) => {
  t.equal(suggest('x'.repeat(1_000_000), known), undefined)
})

t.test('suggests nothing where nothing is known', async (t) => t.equal(suggest('a', []), undefined))
