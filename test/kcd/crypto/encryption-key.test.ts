import { inspect } from 'node:util'
import t from 'tap'
import {
  checksum,
  ciphertextOverhead,
  createEncryptionKey,
  decrypt,
  encrypt,
  encryptWithRoomForConfounder,
  keyOctets,
  randomEncryptionKey,
  sameKey,
  verifyChecksum,
} from '../../../src/kcd/crypto/encryption-key.ts'
import { findEncryptionType, PREFERRED_ENCRYPTION_TYPES } from '../../../src/kcd/crypto/encryption-type.ts'
import { hmacMd5Checksum } from '../../../src/kcd/crypto/hmac-md5.ts'
import { combineKeys, pseudoRandom, pseudoRandomPlus } from '../../../src/kcd/crypto/key-combination.ts'
import { stringToKey } from '../../../src/kcd/crypto/string-to-key.ts'
import { hex, readVectors } from '../vectors.ts'

interface Vectors {
  encryption: { type: number; key: string; usage: number; plaintext: string; ciphertext: string; confounder?: string }[]
  checksum: { type: number; key: string; usage: number; input: string; checksum: string }[]
  pseudoRandom: { type: number; key: string; input: string; output: string }[]
  hmacMd5: { key: string; usage: number; input: string; checksum: string }[]
  combinedKeys: { type: number; password1: string; password2: string; pepper1: string; pepper2: string; key: string }[]
}

const rfc8009 = readVectors<Vectors>('rfc8009.json')
const mit = readVectors<Vectors>('mit-krb5.json')

t.test('encrypts to the octets of RFC 8009 appendix A', async (t) => {
  t.equal(rfc8009.encryption.length, 8)
  for (const { type, key, usage, plaintext, ciphertext, confounder = '' } of rfc8009.encryption) {
    const room = Buffer.concat([Buffer.alloc(16), hex(plaintext)])
    const sealed = encryptWithRoomForConfounder(createEncryptionKey(type, hex(key)), usage, room, hex(confounder))
    t.equal(sealed.toString('hex'), ciphertext)
  }
})

t.test('decrypts what RFC 8009 and MIT krb5 encrypted, with each type', async (t) => {
  const vectors = [...rfc8009.encryption, ...mit.encryption]
  t.same([...new Set(vectors.map(({ type }) => type))].sort(), [17, 18, 19, 20])
  for (const { type, key, usage, plaintext, ciphertext } of vectors) {
    t.equal(decrypt(createEncryptionKey(type, hex(key)), usage, hex(ciphertext)).toString('hex'), plaintext)
  }
})

t.test('checksums are those of RFC 8009 and MIT krb5', async (t) => {
  const vectors = [...rfc8009.checksum, ...mit.checksum]
  t.equal(vectors.length, 4)
  for (const vector of vectors) {
    const key = createEncryptionKey(vector.type, hex(vector.key))
    t.equal(checksum(key, vector.usage, hex(vector.input)).toString('hex'), vector.checksum)
    t.ok(verifyChecksum(key, vector.usage, hex(vector.input), hex(vector.checksum)))
    t.notOk(verifyChecksum(key, vector.usage + 1, hex(vector.input), hex(vector.checksum)), 'another usage')
    t.notOk(verifyChecksum(key, vector.usage, hex(`${vector.input}00`), hex(vector.checksum)), 'other octets')
    t.notOk(verifyChecksum(key, vector.usage, hex(vector.input), hex(vector.checksum).subarray(1)), 'a shorter one')
    t.notOk(verifyChecksum(key, vector.usage, hex(vector.input), Buffer.alloc(0)), 'none')
    t.notOk(verifyChecksum(key, vector.usage, hex(vector.input), Buffer.alloc(64)), 'a longer one')
  }
})

t.test('a checksum that is cut short is not taken', async (t) => {
  const key = randomEncryptionKey(18)
  const whole = checksum(key, 6, Buffer.from('body'))
  for (let length = 0; length < whole.length; length++) {
    t.notOk(verifyChecksum(key, 6, Buffer.from('body'), whole.subarray(0, length)), `${length} octets`)
  }
})

t.test('the pseudo-random function is that of RFC 8009 and MIT krb5', async (t) => {
  const vectors = [...rfc8009.pseudoRandom, ...mit.pseudoRandom]
  t.equal(vectors.length, 8)
  for (const { type, key, input, output } of vectors) {
    t.equal(pseudoRandom(createEncryptionKey(type, hex(key)), hex(input)).toString('hex'), output)
  }
})

t.test('PRF+ ends after 255 rounds', async (t) => {
  const key = randomEncryptionKey(17)
  t.equal(pseudoRandomPlus(key, Buffer.from('x'), 255 * 16).length, 4080)
  t.throws(() => pseudoRandomPlus(key, Buffer.from('x'), 255 * 16 + 1), RangeError)
})

t.test('two keys are combined as RFC 6113 appendix A and MIT krb5 print it', async (t) => {
  t.equal(mit.combinedKeys.length, 4)
  for (const { type, password1, password2, pepper1, pepper2, key } of mit.combinedKeys) {
    const first = await stringToKey(type, password1, password1)
    const second = await stringToKey(type, password2, password2)
    t.equal(keyOctets(combineKeys(first, second, pepper1, pepper2)).toString('hex'), key, String(type))
  }
})

t.test('the checksum of PA-FOR-USER is the HMAC-MD5 of RFC 4757', async (t) => {
  for (const { key, usage, input, checksum: expected } of mit.hmacMd5) {
    // The function takes any key: here 16 octets that the vector uses as an RC4 key.
    t.equal(hmacMd5Checksum(createEncryptionKey(17, hex(key)), usage, hex(input)).toString('hex'), expected)
  }
})

for (const number of PREFERRED_ENCRYPTION_TYPES) {
  const name = findEncryptionType(number)?.name
  t.test(`${name}: comes back at every length, and is as long as said`, async (t) => {
    const key = randomEncryptionKey(number)
    for (let length = 0; length <= 70; length++) {
      const plaintext = Buffer.alloc(length, length)
      const sealed = encrypt(key, 11, plaintext)
      if (sealed.length !== length + ciphertextOverhead(key.type)) t.fail(`length of ${length}`)
      if (!decrypt(key, 11, sealed).equals(plaintext)) t.fail(`${length} octets`)
    }
    t.notSame(encrypt(key, 11, Buffer.alloc(9)), encrypt(key, 11, Buffer.alloc(9)), 'each with a confounder of its own')
  })

  t.test(`${name}: refuses every changed bit, every shorter message, another usage and another key`, async (t) => {
    const key = randomEncryptionKey(number)
    const sealed = encrypt(key, 11, Buffer.from('the ticket of somebody'))
    let refused = 0
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const forged = Buffer.from(sealed)
      forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7))
      if (codeOf(() => decrypt(key, 11, forged)) === 'integrity') refused++
    }
    t.equal(refused, sealed.length * 8)
    for (let length = 0; length < sealed.length; length++) {
      const code = codeOf(() => decrypt(key, 11, sealed.subarray(0, length)))
      if (code !== 'integrity' && code !== 'malformed') t.fail(`${length} octets: ${code}`)
    }
    t.throws(() => decrypt(key, 12, sealed), { code: 'integrity' })
    t.throws(() => decrypt(randomEncryptionKey(number), 11, sealed), { code: 'integrity' })
  })
}

t.test('a key is derived once per usage and purpose', async (t) => {
  const key = randomEncryptionKey(18)
  t.equal(key.derived(11, 'encryption'), key.derived(11, 'encryption'))
  t.not(key.derived(11, 'encryption'), key.derived(11, 'integrity'))
  t.notSame(key.derived(11, 'encryption').export(), key.derived(12, 'encryption').export())
})

t.test('a key of another type or length is refused', async (t) => {
  t.throws(() => createEncryptionKey(23, Buffer.alloc(16)), { code: 'encryption-type', message: /rc4-hmac \(23\)/ })
  t.throws(() => createEncryptionKey(99, Buffer.alloc(16)), { code: 'encryption-type' })
  t.throws(() => createEncryptionKey(18, Buffer.alloc(16)), { code: 'malformed' })
})

t.test('no key is printed', async (t) => {
  const octets = Buffer.alloc(32, 0x5a)
  const shown = inspect(createEncryptionKey(18, octets), { depth: 10, showHidden: true })
  t.notMatch(shown, /5a ?5a|WlpaW|ZZZZ/)
})

t.test('keys are compared by type and octets', async (t) => {
  const octets = Buffer.alloc(32, 1)
  t.ok(sameKey(createEncryptionKey(18, octets), createEncryptionKey(18, octets)))
  t.notOk(sameKey(createEncryptionKey(18, octets), createEncryptionKey(20, octets)))
  t.notOk(sameKey(createEncryptionKey(18, octets), createEncryptionKey(18, Buffer.alloc(32, 2))))
})

function codeOf(work: () => unknown): unknown {
  try {
    work()
    return 'taken'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}
