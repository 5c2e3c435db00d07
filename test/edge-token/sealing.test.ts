import { createSecretKey, hkdfSync } from 'node:crypto'
import t from 'tap'
import { deriveKey, seal, unseal } from '../../src/edge-token/sealing.ts'

const secret = createSecretKey(Buffer.alloc(32, 7))
const key = deriveKey(secret, 'one purpose')
const plaintext = Buffer.from('what is sealed')

t.test('keys are derived by HKDF-SHA256, one per purpose', async (t) => {
  t.same(key.export(), Buffer.from(hkdfSync('sha256', Buffer.alloc(32, 7), '', 'one purpose', 32)))
  t.notSame(deriveKey(secret, 'another purpose').export(), key.export())
})

t.test('what is sealed is opened with the same key and associated data alone', async (t) => {
  const sealed = seal(key, plaintext, 'here')
  t.equal(sealed.length, 12 + plaintext.length + 16)
  t.same(unseal(key, sealed, 'here'), plaintext)
  t.same(unseal(key, sealed, Buffer.from('here')), plaintext)
  t.equal(unseal(key, sealed, 'there'), undefined)
  t.equal(unseal(deriveKey(secret, 'another purpose'), sealed, 'here'), undefined)
})

t.test('a changed, shortened or lengthened text does not open', async (t) => {
  const sealed = seal(key, plaintext, 'here')
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    t.equal(unseal(key, changed, 'here'), undefined)
    t.equal(unseal(key, sealed.subarray(0, at), 'here'), undefined)
  }
  t.equal(unseal(key, Buffer.concat([sealed, Buffer.alloc(1)]), 'here'), undefined)
})

t.test('nothing sealed is something, too', async (t) => {
  const sealed = seal(key, Buffer.alloc(0), '')
  t.same(unseal(key, sealed, ''), Buffer.alloc(0))
})
