import { createSecretKey, randomBytes } from 'node:crypto'
import t from 'tap'
import { decryptStealing, encryptStealing } from '../../../src/kcd/crypto/ciphertext-stealing.ts'
import { hex, readVectors } from '../vectors.ts'

const { ciphertextStealing } = readVectors<{
  ciphertextStealing: { key: string; cases: { input: string; output: string; nextIv: string }[] }
}>('rfc3962.json')

t.test('ciphertext stealing gives what RFC 3962 appendix B prints, and takes it back', async (t) => {
  const key = createSecretKey(hex(ciphertextStealing.key))
  t.equal(ciphertextStealing.cases.length, 6)
  for (const { input, output, nextIv } of ciphertextStealing.cases) {
    const ciphertext = encryptStealing('aes-128-cbc', key, hex(input))
    t.equal(ciphertext.toString('hex'), output, `${input.length / 2} octets`)
    t.equal(decryptStealing('aes-128-cbc', key, hex(output)).toString('hex'), input)
    // The block that was encrypted last stands next to last.
    const nextToLast = Math.ceil(output.length / 32) - 2
    t.equal(output.slice(nextToLast * 32, nextToLast * 32 + 32), nextIv)
  }
})

t.test('every length from one block on comes back, with either key length', async (t) => {
  for (const [cipher, length] of [
    ['aes-128-cbc', 16],
    ['aes-256-cbc', 32],
  ] as const) {
    const key = createSecretKey(randomBytes(length))
    for (let size = 16; size <= 100; size++) {
      const plaintext = randomBytes(size)
      const ciphertext = encryptStealing(cipher, key, plaintext)
      if (ciphertext.length !== size || !decryptStealing(cipher, key, ciphertext).equals(plaintext))
        t.fail(`${size} octets`)
    }
  }
  t.pass('85 lengths, two ciphers')
})

t.test('less than a block is refused', async (t) => {
  const key = createSecretKey(randomBytes(16))
  t.throws(() => encryptStealing('aes-128-cbc', key, Buffer.alloc(15)), RangeError)
  t.throws(() => decryptStealing('aes-128-cbc', key, Buffer.alloc(15)), { code: 'malformed' })
})
