import { createSecretKey, randomBytes } from 'node:crypto'
import t from 'tap'
import { createFormTokens } from '../../../src/sts/sign-in/form-token.ts'

const tokens = createFormTokens(createSecretKey(randomBytes(32)))

t.test('a form token holds for its browser and its purpose alone', async (t) => {
  const value = tokens.newBrowserValue()
  const token = tokens.tokenFor('sign-in', value)
  t.ok(tokens.matches(token, 'sign-in', value))
  t.notOk(tokens.matches(token, 'sign-out', value))
  t.notOk(tokens.matches(token, 'sign-in', tokens.newBrowserValue()))
  t.notOk(createFormTokens(createSecretKey(randomBytes(32))).matches(token, 'sign-in', value))
})

t.test('no token, a shortened one and one of another length are refused', async (t) => {
  const value = tokens.newBrowserValue()
  const token = tokens.tokenFor('sign-in', value)
  for (const given of [undefined, '', token.slice(0, -1), `${token}A`, 'ü'.repeat(token.length), value]) {
    t.notOk(tokens.matches(given, 'sign-in', value))
  }
})

t.test('no two browsers get the same value', async (t) => {
  t.equal(new Set(Array.from({ length: 1000 }, () => tokens.newBrowserValue())).size, 1000)
})
