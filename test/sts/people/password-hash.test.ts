import { randomBytes } from 'node:crypto'
import t from 'tap'
import {
  deriveByNode,
  hashPassword,
  loadNative,
  passwordBytes,
  unmatchableHash,
  verifyPassword,
} from '../../../src/sts/people/password-hash.ts'

const bytes = (password: string): Buffer => {
  const result = passwordBytes(password)
  if (!Buffer.isBuffer(result)) throw new Error('not a password')
  return result
}

t.test('a hash is argon2id with 19 MiB, two passes, one lane, and a salt of its own', async (t) => {
  const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  t.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  t.not(one, two)
  t.ok(await verifyPassword(one, bytes('correct horse')))
  t.notOk(await verifyPassword(one, bytes('correct horsE')))
})

t.test('the argon2 package agrees with what we keep', async (t) => {
  const argon2 = await import('argon2')
  t.ok(await argon2.verify(await hashPassword('pässwörd'), 'pässwörd'))
  const theirs = await argon2.hash('pässwörd', { memoryCost: 8192, timeCost: 3, parallelism: 2 })
  t.ok(await verifyPassword(theirs, bytes('pässwörd')), 'and a hash of theirs with other parameters opens here')
})

t.test('without the package node:crypto gives the same bytes', async (t) => {
  const native = await loadNative()
  t.ok(native)
  const how = { salt: randomBytes(16), tagLength: 32, memory: 1024, passes: 2, parallelism: 1 }
  const password = bytes('correct horse')
  t.same(await deriveByNode(password, how), await native?.(password, how))
})

t.test('gives the tag that the reference implementation gives', async (t) => {
  // its test suite: argon2id v=19, t=2, m=2^16, p=1, "password", "somesalt"
  const tag = await deriveByNode(Buffer.from('password'), {
    salt: Buffer.from('somesalt'),
    tagLength: 32,
    memory: 65_536,
    passes: 2,
    parallelism: 1,
  })
  t.equal(tag.toString('hex'), '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7')
})

t.test('no password matches the hash for nobody, which costs what a real one costs', async (t) => {
  t.match(unmatchableHash(), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  for (const password of ['', 'correct horse']) t.notOk(await verifyPassword(unmatchableHash(), Buffer.from(password)))
})

t.test('a password of 1,024 bytes is taken, one byte more is refused', async (t) => {
  await t.resolves(hashPassword('a'.repeat(1024)))
  await t.rejects(hashPassword('a'.repeat(1025)), { name: 'StsError', code: 'password-too-long' })
  await t.rejects(hashPassword('ä'.repeat(513)), { code: 'password-too-long' }, 'bytes are counted, not characters')
  t.equal(passwordBytes('x'.repeat(10_000_000)), 'too-long')
})

t.test('an empty password and half a surrogate pair are no passwords', async (t) => {
  await t.rejects(hashPassword(''), { code: 'invalid-password' })
  await t.rejects(hashPassword('\ud800'), { code: 'invalid-password' })
})

t.test('an accent is the same accent on every keyboard, a NUL is a character like others', async (t) => {
  const hash = await hashPassword('Zo\u00eb\u0000a')
  t.ok(await verifyPassword(hash, bytes('Zoe\u0308\u0000a')))
  t.notOk(await verifyPassword(hash, bytes('Zo\u00eb')))
  t.notOk(await verifyPassword(hash, bytes('Zo\u00eb\u0000b')))
})

t.test('a stored hash that is no argon2id is an error of the store and no match', async (t) => {
  for (const hash of ['', 'plain', '$2b$10$abcdefghijklmnopqrstuv', `${unmatchableHash()}$more`]) {
    await t.rejects(verifyPassword(hash, bytes('x')), { code: 'store-unusable' })
  }
})

t.test('at most two are computed at once, and all of them in the end', async (t) => {
  const hash = await hashPassword('correct horse')
  const before = process.memoryUsage().rss
  let most = before
  const checks = Array.from({ length: 24 }, async () => {
    const matches = await verifyPassword(hash, bytes('correct horse'))
    most = Math.max(most, process.memoryUsage().rss)
    return matches
  })
  t.ok((await Promise.all(checks)).every(Boolean))
  t.ok(most - before < 150 * 1024 * 1024, `memory grew by ${Math.round((most - before) / 1048576)} MiB`)
})
