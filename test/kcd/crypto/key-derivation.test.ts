import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import t from 'tap'
import { encryptionType } from '../../../src/kcd/crypto/encryption-type.ts'
import { derivedRandom, deriveUsageKey, dr, kdfHmacSha2 } from '../../../src/kcd/crypto/key-derivation.ts'
import { hex, readVectors } from '../vectors.ts'

interface Derivation {
  type: number
  key: string
  constant: string
  derived: string
}

t.test('DR and DK give what RFC 3961 A.3 prints, with the triple DES it prints them for', async (t) => {
  const { derivation } = readVectors<{ derivation: { key: string; usage: string; dr: string; dk: string }[] }>(
    'rfc3961.json',
  )
  t.equal(derivation.length, 9)
  for (const vector of derivation) {
    const cipher = createCipheriv('des-ede3-ecb', createSecretKey(hex(vector.key)), null).setAutoPadding(false)
    const random = derivedRandom((block) => cipher.update(block), 8, hex(vector.usage), 21)
    t.equal(random.toString('hex'), vector.dr)
    t.equal(tripleDesKey(random).toString('hex'), vector.dk)
  }
})

t.test('DK with AES gives the keys of RFC 3962 appendix B', async (t) => {
  const { stringToKey } = readVectors<{ stringToKey: Record<string, string>[] }>('rfc3962.json')
  const kerberos = Buffer.from('kerberos')
  for (const { pbkdf2_128 = '', key_128, pbkdf2_256 = '', key_256 } of stringToKey) {
    t.equal(dr(encryptionType(17), createSecretKey(hex(pbkdf2_128)), kerberos).toString('hex'), key_128)
    t.equal(dr(encryptionType(18), createSecretKey(hex(pbkdf2_256)), kerberos).toString('hex'), key_256)
  }
})

t.test('Kc, Ke and Ki are those of RFC 8009 appendix A and of MIT krb5', async (t) => {
  const vectors = ['rfc8009.json', 'mit-krb5.json'].flatMap(
    (name) => readVectors<{ derivation: Derivation[] }>(name).derivation,
  )
  t.equal(vectors.length, 12)
  for (const { type, key, constant, derived } of vectors) {
    const purpose = ({ '99': 'checksum', aa: 'encryption', '55': 'integrity' } as const)[constant.slice(8)]
    if (purpose === undefined) throw new Error(constant)
    const usage = Number.parseInt(constant.slice(0, 8), 16)
    const made: KeyObject = deriveUsageKey(encryptionType(type), createSecretKey(hex(key)), usage, purpose)
    t.equal(made.export().toString('hex'), derived, `${type}, ${purpose}`)
  }
})

t.test('KDF-HMAC-SHA2 reads the context behind the label', async (t) => {
  const key = createSecretKey(hex('3705d96080c17728a0e800eab6e0d23c'))
  const type = encryptionType(19)
  const prf = kdfHmacSha2(type, key, Buffer.from('prf'), 32, Buffer.from('test')).toString('hex')
  t.equal(prf, '9d188616f63852fe86915bb840b4a886ff3e6bb0f819b49b893393d393854295')
})

/** random-to-key of triple DES, RFC 3961 §6.3.1: 7 octets become 8, the low bits the last octet, each with odd parity. */
function tripleDesKey(random: Buffer): Buffer {
  const key = Buffer.alloc(24)
  for (let part = 0; part < 3; part++) {
    let low = 0
    for (let i = 0; i < 7; i++) {
      const octet = random[part * 7 + i] as number
      low |= (octet & 1) << (i + 1)
      key[part * 8 + i] = withOddParity(octet & 0xfe)
    }
    key[part * 8 + 7] = withOddParity(low)
  }
  return key
}

function withOddParity(octet: number): number {
  let ones = 0
  for (let bit = 1; bit < 8; bit++) ones += (octet >> bit) & 1
  return (octet & 0xfe) | (ones % 2 === 0 ? 1 : 0)
}
