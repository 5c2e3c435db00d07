import t from 'tap'
import {
  createAuthenticatorClock,
  initialSequenceNumber,
  randomNonce,
} from '../../../src/kcd/messages/authenticator.ts'
import { encode, integer } from '../../../src/kcd/messages/der-writer.ts'

const now = Date.UTC(2026, 10, 23, 12)

t.test('no two instants are alike, however many are asked for within one microsecond', async (t) => {
  const clock = createAuthenticatorClock()
  const seen = new Set<string>()
  let last = 0
  for (let i = 0; i < 100_000; i++) {
    const { seconds, microseconds } = clock.next(now + 0.25)
    seen.add(`${seconds}.${microseconds}`)
    const at = seconds * 1_000_000 + microseconds
    if (at <= last) t.fail('an instant before the last one')
    last = at
  }
  t.equal(seen.size, 100_000)
})

t.test('an instant is the time it was asked at, to the microsecond', async (t) => {
  t.same(createAuthenticatorClock().next(now + 500.25), { seconds: now / 1000, microseconds: 500_250 })
})

t.test('microseconds always take three octets, at the second’s begin and over its end', async (t) => {
  const clock = createAuthenticatorClock()
  t.same(clock.next(now), { seconds: now / 1000, microseconds: 32_768 })
  t.same(clock.next(now + 999.999), { seconds: now / 1000, microseconds: 999_999 })
  t.same(clock.next(now + 999.999), { seconds: now / 1000 + 1, microseconds: 32_768 })
  for (const { microseconds } of [clock.next(now + 2000), clock.next(now + 2999)]) {
    t.equal(encode(integer(microseconds)).length, 5)
  }
})

t.test(
  'a clock that steps back a little goes on from its last instant; one that steps back far is believed',
  async (t) => {
    const clock = createAuthenticatorClock()
    const first = clock.next(now)
    t.same(clock.next(now - 60_000), { ...first, microseconds: first.microseconds + 1 })
    t.equal(clock.next(now - 3_600_000).seconds, now / 1000 - 3600)
  },
)

t.test('sequence numbers take four octets, nonces are positive below 2³¹', async (t) => {
  for (let i = 0; i < 1000; i++) {
    if (encode(integer(initialSequenceNumber())).length !== 6) t.fail('a sequence number of another length')
    const nonce = randomNonce()
    if (nonce < 1 || nonce >= 0x80000000) t.fail(`nonce ${nonce}`)
  }
  t.pass()
})
