import t from 'tap'
import { createRealmClocks } from '../../../src/kcd/kdc/realm-clocks.ts'

const noon = Date.parse('2026-11-23T12:00:00Z')

t.test('the clock of a realm is ours until its KDC complains', async (t) => {
  let now = noon
  const clocks = createRealmClocks(() => now, 300_000)
  t.equal(clocks.now('A'), noon)
  const undo = clocks.correct('A', new Date(noon + 200_000))
  t.equal(clocks.now('A'), noon + 200_000)
  t.equal(clocks.now('B'), noon, 'other realms keep their own')
  now += 1000
  t.equal(clocks.now('A'), noon + 201_000)
  undo()
  t.equal(clocks.now('A'), now)
  clocks.correct('A', new Date(now - 300_000))
  clocks.correct('A', new Date(now + 10_000))()
  t.equal(clocks.now('A'), now - 300_000, 'taking back goes one step')
})

t.test('a difference beyond the bound is told, not corrected', async (t) => {
  const clocks = createRealmClocks(() => noon, 300_000)
  t.throws(() => clocks.correct('A', new Date(noon + 300_001)), { code: 'clock-skew', message: /300 s ahead/ })
  t.throws(() => clocks.correct('A', new Date(noon - 900_000)), { code: 'clock-skew', message: /900 s behind/ })
  t.throws(() => clocks.correct('A', new Date(Number.NaN)), { code: 'clock-skew' })
  t.equal(clocks.now('A'), noon)
})
