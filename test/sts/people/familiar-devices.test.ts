import { createSecretKey, randomBytes } from 'node:crypto'
import t from 'tap'
import { createFamiliarDevices } from '../../../src/sts/people/familiar-devices.ts'

const day = 86_400_000
const now = new Date('2026-11-23T10:00:00Z')
const later = (days: number) => new Date(now.getTime() + days * day)
const newDevices = () => createFamiliarDevices({ key: createSecretKey(randomBytes(32)), familiarFor: 30 * 86_400 })
const devices = newDevices()
const alice = { id: 'alice-id', passwordVersion: 1 }
const bob = { id: 'bob-id', passwordVersion: 1 }

t.test('a device is familiar to the person who signed in on it, for 30 days', async (t) => {
  const value = devices.mark(undefined, alice, now)
  t.match(value, /^[A-Za-z0-9_-]+$/)
  t.ok(devices.recognises(value, alice, now))
  t.ok(devices.recognises(value, alice, later(29)))
  t.notOk(devices.recognises(value, alice, later(30)))
  t.notOk(devices.recognises(value, bob, now), 'and to nobody else')
})

t.test('a change of the password makes every device a stranger', async (t) => {
  const value = devices.mark(undefined, alice, now)
  t.notOk(devices.recognises(value, { ...alice, passwordVersion: 2 }, now))
})

t.test('a mark is not made elsewhere, nor changed', async (t) => {
  const value = devices.mark(undefined, alice, now)
  t.notOk(newDevices().recognises(value, alice, now), 'under another key')
  for (let at = 0; at < value.length; at++) {
    const changed = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
    if (devices.recognises(changed, alice, now)) {
      t.same(
        Buffer.from(changed, 'base64url'),
        Buffer.from(value, 'base64url'),
        'only bits that carry nothing may differ',
      )
    }
  }
})

t.test('the person and the version of the password cannot be shifted into each other', async (t) => {
  const value = devices.mark(undefined, { id: '1|x', passwordVersion: 2 }, now)
  t.notOk(devices.recognises(value, { id: 'x', passwordVersion: 21 }, now))
  t.notOk(devices.recognises(value, { id: 'x', passwordVersion: 2 }, now))
})

t.test('a device that several people share stays familiar to the last four of them', async (t) => {
  const who = (index: number) => ({ id: `person-${index}`, passwordVersion: 1 })
  let value: string | undefined
  for (let index = 0; index < 6; index++) value = devices.mark(value, who(index), now)
  const familiar = [0, 1, 2, 3, 4, 5].filter((index) => devices.recognises(value, who(index), now))
  t.same(familiar, [2, 3, 4, 5])
  t.equal(devices.mark(value, who(5), now).split('.').length, 4, 'a person has one mark')
  t.ok((value?.length ?? 0) < 256)
})

t.test('anything else in the cookie is nothing', async (t) => {
  for (const value of [
    undefined,
    '',
    '.',
    '...',
    'x',
    'A'.repeat(46),
    'A'.repeat(1_000_000),
    '\u0000',
    'ä'.repeat(46),
  ]) {
    t.notOk(devices.recognises(value, alice, now))
    t.ok(devices.recognises(devices.mark(value, alice, now), alice, now))
  }
})
