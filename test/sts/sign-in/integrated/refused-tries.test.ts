import t from 'tap'
import { createRefusedTries } from '../../../../src/sts/sign-in/integrated/refused-tries.ts'

const start = new Date('2026-08-01T12:00:00Z')
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000)

t.test('twenty tries in a minute are one address’s share', async (t) => {
  const tries = createRefusedTries()
  for (let count = 0; count < 20; count += 1) {
    t.equal(tries.tooMany('10.0.0.1', after(count)), false)
    tries.refused('10.0.0.1', after(count))
  }
  t.equal(tries.tooMany('10.0.0.1', after(20)), true)
  t.equal(tries.tooMany('::ffff:10.0.0.1', after(20)), true, 'however it is written')
  t.equal(tries.tooMany('10.0.0.2', after(20)), false)
  t.equal(tries.tooMany('10.0.0.1', after(59)), true)
  t.equal(tries.tooMany('10.0.0.1', after(60)), false)
  tries.refused('10.0.0.1', after(61))
  t.equal(tries.tooMany('10.0.0.1', after(61)), false)
})

t.test('a clock that is set back does not shut an address out for long', async (t) => {
  const tries = createRefusedTries()
  for (let count = 0; count < 20; count += 1) tries.refused('10.0.0.1', after(7200))
  t.equal(tries.tooMany('10.0.0.1', after(7200)), true)
  t.equal(tries.tooMany('10.0.0.1', start), false)
})

t.test('addresses beyond 4096 push the oldest out', async (t) => {
  const tries = createRefusedTries()
  for (let count = 0; count < 20; count += 1) tries.refused('192.0.2.1', start)
  for (let other = 0; other < 4095; other += 1) tries.refused(`10.0.${other >> 8}.${other & 255}`, start)
  t.equal(tries.tooMany('192.0.2.1', start), true)
  tries.refused('10.9.9.9', start)
  t.equal(tries.tooMany('192.0.2.1', start), false)
})
