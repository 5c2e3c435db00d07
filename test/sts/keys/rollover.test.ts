import t from 'tap'
import { type RolloverKey, type RolloverStep, rolloverSteps } from '../../../src/sts/keys/rollover.ts'

const day = 86_400_000
const start = Date.parse('2026-01-01T00:00:00Z')
const at = (days: number) => new Date(start + days * day)
const key = (id: string, state: RolloverKey['state'], from: number, more: Partial<RolloverKey> = {}): RolloverKey => ({
  id,
  state,
  signsFrom: at(from),
  notAfter: at(from + 365),
  ...more,
})

const current = key('current', 'current', 0)
const next = key('next', 'next', 350, { notAfter: at(345 + 365) })

for (const { name, keys, now, steps } of [
  {
    name: 'a store without keys gets one that signs at once',
    keys: [],
    now: 0,
    steps: [{ kind: 'create', state: 'current', signsFrom: at(0) }],
  },
  { name: 'a fresh key is left alone', keys: [current], now: 1, steps: [] },
  { name: 'nothing is due just before 20 days remain', keys: [current], now: 344.99, steps: [] },
  {
    name: 'the next key is published 20 days before the end and signs 5 days later',
    keys: [current],
    now: 345,
    steps: [{ kind: 'create', state: 'next', signsFrom: at(350) }],
  },
  { name: 'a next key waits for its day', keys: [current, next], now: 349.99, steps: [] },
  {
    name: 'a next key signs from its day on',
    keys: [current, next],
    now: 350,
    steps: [{ kind: 'promote', id: 'next' }],
  },
  {
    name: 'a next key that is made late signs when the current certificate ends, if that is sooner',
    keys: [current],
    now: 363,
    steps: [{ kind: 'create', state: 'next', signsFrom: at(365) }],
  },
  {
    name: 'a certificate that ended while the server was off is replaced at once',
    keys: [current],
    now: 365,
    steps: [{ kind: 'create', state: 'current', signsFrom: at(365) }],
  },
  {
    name: 'a next key takes over early when the current certificate has ended',
    keys: [current, { ...next, signsFrom: at(380) }],
    now: 366,
    steps: [{ kind: 'promote', id: 'next' }],
  },
  {
    name: 'a next key whose own certificate has ended is thrown away',
    keys: [current, { ...next, notAfter: at(400) }],
    now: 401,
    steps: [
      { kind: 'remove', id: 'next' },
      { kind: 'create', state: 'current', signsFrom: at(401) },
    ],
  },
  {
    name: 'an old key stays published until its last token is dead',
    keys: [current, key('old', 'old', -350, { retiredAt: at(0) })],
    now: 1,
    steps: [],
  },
  {
    name: 'an old key goes 25 hours after it last signed',
    keys: [current, key('old', 'old', -350, { retiredAt: at(0) })],
    now: 25 / 24,
    steps: [{ kind: 'remove', id: 'old' }],
  },
  { name: 'a clock that was set back changes nothing', keys: [current, next], now: -30, steps: [] },
] as { name: string; keys: RolloverKey[]; now: number; steps: RolloverStep[] }[]) {
  t.test(name, async (t) => {
    t.strictSame(rolloverSteps(keys, at(now)), steps)
  })
}
