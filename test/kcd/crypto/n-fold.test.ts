import t from 'tap'
import { nFold } from '../../../src/kcd/crypto/n-fold.ts'
import { hex, readVectors } from '../vectors.ts'

const { nFold: vectors } = readVectors<{ nFold: { bits: number; input: string; output: string }[] }>('rfc3961.json')

t.test('n-fold gives what RFC 3961 A.1 prints', async (t) => {
  t.equal(vectors.length, 11)
  for (const { bits, input, output } of vectors) {
    t.equal(nFold(hex(input), bits / 8).toString('hex'), output, `${bits}-fold of ${hex(input)}`)
  }
})

t.test('n-fold to the same length changes nothing', async (t) => {
  t.equal(nFold(Buffer.from('0123456789abcdef'), 16).toString(), '0123456789abcdef')
})

t.test('n-fold of nothing, or to nothing, is a mistake of the programmer', async (t) => {
  t.throws(() => nFold(Buffer.alloc(0), 16), RangeError)
  t.throws(() => nFold(Buffer.from('a'), 0), RangeError)
})
