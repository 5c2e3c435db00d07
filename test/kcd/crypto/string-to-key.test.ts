import { pbkdf2Sync } from 'node:crypto'
import t from 'tap'
import { keyOctets } from '../../../src/kcd/crypto/encryption-key.ts'
import { defaultSalt, iterationsOf, stringToKey } from '../../../src/kcd/crypto/string-to-key.ts'
import { hex, readVectors } from '../vectors.ts'

t.test('the keys of passwords are those of RFC 3962 appendix B', async (t) => {
  const { stringToKey: vectors } = readVectors<{
    stringToKey: { iterations: number; password: string; salt: string; [name: string]: string | number }[]
  }>('rfc3962.json')
  t.equal(vectors.length, 7)
  for (const vector of vectors) {
    for (const [type, bits] of [
      [17, 128],
      [18, 256],
    ] as const) {
      const key = await stringToKey(type, hex(vector.password), hex(vector.salt), vector.iterations)
      t.equal(keyOctets(key).toString('hex'), vector[`key_${bits}`], `${vector.iterations} iterations, ${bits} bits`)
      const intermediate = pbkdf2Sync(hex(vector.password), hex(vector.salt), vector.iterations, bits / 8, 'sha1')
      t.equal(intermediate.toString('hex'), vector[`pbkdf2_${bits}`])
    }
  }
})

t.test('the keys of passwords are those of RFC 8009 appendix A', async (t) => {
  const { stringToKey: vectors } = readVectors<{
    stringToKey: { type: number; password: string; salt: string; iterations: number; key: string }[]
  }>('rfc8009.json')
  t.equal(vectors.length, 2)
  for (const { type, password, salt, iterations, key } of vectors) {
    t.equal(keyOctets(await stringToKey(type, hex(password), hex(salt), iterations)).toString('hex'), key)
    t.equal(keyOctets(await stringToKey(type, hex(password), hex(salt))).toString('hex'), key, 'the default is 32,768')
  }
})

t.test('iterations come from the parameters, or are the default of the type', async (t) => {
  t.equal(iterationsOf(18, undefined), 4096)
  t.equal(iterationsOf(20, Buffer.alloc(0)), 32_768)
  t.equal(iterationsOf(18, hex('00002000')), 8192)
})

for (const [what, parameters] of [
  ['2³² iterations', '00000000'],
  ['4 billion iterations', 'ffffffff'],
  ['one iteration, which would ease guessing the password', '00000001'],
  ['parameters of three octets', '001000'],
  ['parameters of five octets', '0000100000'],
] as const) {
  t.test(`refuses ${what} from whoever answers as the KDC`, async (t) => {
    t.throws(() => iterationsOf(18, hex(parameters)), { name: 'KerberosError', code: 'malformed' })
  })
}

t.test('RC4 has no key here, and the error says how AES is turned on', async (t) => {
  await t.rejects(stringToKey(23, 'x', 'y'), {
    code: 'encryption-type',
    message: /KerberosEncryptionType AES128,AES256/,
  })
})

t.test('the default salt is the realm and the name without separators', async (t) => {
  t.equal(defaultSalt('ATHENA.MIT.EDU', ['raeburn']), 'ATHENA.MIT.EDUraeburn')
  t.equal(defaultSalt('EXAMPLE.TEST', ['HTTP', 'gateway.example.test']), 'EXAMPLE.TESTHTTPgateway.example.test')
})
