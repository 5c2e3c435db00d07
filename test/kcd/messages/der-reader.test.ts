import t from 'tap'
import {
  decode,
  encodedOf,
  expectInteger,
  readContext,
  readEnumerated,
  readFields,
  readFlags,
  readInteger,
  readList,
  readMicroseconds,
  readOctets,
  readString,
  readText,
  readTime,
} from '../../../src/kcd/messages/der-reader.ts'
import {
  encode,
  encoded,
  field,
  flagBits,
  generalString,
  integer,
  kerberosTime,
  kerberosTimeText,
  octetString,
  sequence,
} from '../../../src/kcd/messages/der-writer.ts'
import { hex } from '../vectors.ts'

const malformed = { name: 'KerberosError', code: 'malformed' }

t.test('integers of 32 bits come back, each in as few octets as can be', async (t) => {
  for (const [value, octets] of [
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [32_768, '0203008000'],
    [999_999, '02030f423f'],
    [2_147_483_647, '02047fffffff'],
    [2_147_483_648, '02050080000000'],
    [4_294_967_295, '020500ffffffff'],
    [-1, '0201ff'],
    [-138, '0202ff76'],
    [-2_147_483_648, '020480000000'],
  ] as const) {
    t.equal(encode(integer(value)).toString('hex'), octets)
    t.equal(readInteger(decode(hex(octets), 'x')), value)
  }
})

for (const [what, octets] of [
  ['no octets at all', ''],
  ['a tag without a length', '30'],
  ['a length without content', '3005'],
  ['an indefinite length', '30800201050000'],
  ['a length of two octets that one would hold', '308203020105'],
  ['a length of two octets below 256', '30820003020105'],
  ['a length of five octets', '308500000003020105'],
  ['a length of 4 GB', '3084ffffffff'],
  ['an element longer than the one around it', '3003020205'],
  ['octets behind the end', '30030201050000'],
  ['a BOOLEAN', '0101ff'],
  ['a NULL', '0500'],
  ['a REAL', '090180'],
  ['a SET', '3103020105'],
  ['a primitive SEQUENCE', '1003020105'],
  ['a constructed OCTET STRING', '2403040105'],
  ['a high tag number', '3f8148020105'],
  ['an end of contents', '0000'],
] as const) {
  t.test(`refuses ${what}`, async (t) => {
    t.throws(() => decode(hex(octets), 'x'), malformed)
  })
}

t.test('refuses what is nested too deep, has too many elements or is too large', async (t) => {
  let deep: Buffer = Buffer.from([0x02, 0x01, 0x05])
  for (let i = 0; i < 23; i++) deep = encode(field(0, encoded(deep)))
  t.ok(decode(deep, 'x'))
  t.throws(() => decode(encode(field(0, encoded(deep))), 'x'), { ...malformed, message: /deep/ })
  const many = (count: number) =>
    Buffer.concat([hex('3082'), uint16(count * 3), Buffer.alloc(count * 3, hex('020105'))])
  t.equal(readList(decode(many(4095), 'x')).length, 4095)
  t.throws(() => decode(many(4096), 'x'), { ...malformed, message: /elements/ })
  t.throws(() => decode(encode(octetString(Buffer.alloc(256 * 1024))), 'x'), { ...malformed, message: /octets/ })
  t.throws(() => decode(Buffer.alloc(5_000_000, 0x30), 'x'), malformed)
})

t.test('a bomb of nested tags costs nothing', async (t) => {
  const started = process.hrtime.bigint()
  for (let i = 0; i < 100; i++) t.throws(() => decode(Buffer.alloc(200_000, hex('3080')), 'x'), malformed)
  t.ok(process.hrtime.bigint() - started < 1_000_000_000n)
})

for (const [what, octets] of [
  ['needless zeros', '02020005'],
  ['needless ones', '0202ff80'],
  ['no octets', '0200'],
  ['2³²', '02050100000000'],
  ['less than −2³¹', '0205ff7fffffff'],
  ['six octets', '0206000000000005'],
] as const) {
  t.test(`refuses an integer of ${what}`, async (t) => {
    t.throws(() => readInteger(decode(hex(octets), 'x')), malformed)
  })
}

t.test('an integer that is not the one expected, or not a number of microseconds, is refused', async (t) => {
  t.throws(() => expectInteger(decode(encode(integer(4)), 'x'), 5), malformed)
  t.equal(readMicroseconds(decode(encode(integer(999_999)), 'x')), 999_999)
  t.throws(() => readMicroseconds(decode(encode(integer(1_000_000)), 'x')), malformed)
  t.throws(() => readMicroseconds(decode(encode(integer(-1)), 'x')), malformed)
  t.throws(() => readEnumerated(decode(encode(integer(0)), 'x')), malformed)
})

t.test('times come back to the second', async (t) => {
  const date = new Date('2027-01-31T23:59:59.999Z')
  t.equal(kerberosTimeText(date), '20270131235959Z')
  t.same(readTime(decode(encode(kerberosTime(date)), 'x')), new Date('2027-01-31T23:59:59Z'))
})

for (const text of [
  '20270131235959',
  '20270131235959.5Z',
  '20270131235959+0100',
  '20270230000000Z',
  '20270132000000Z',
  '20270131240000Z',
  '20270131236000Z',
  '2027013123595Z',
  'abcdabcdabcdabZ',
  '20270131235960Z',
]) {
  t.test(`refuses ${text} as a time`, async (t) => {
    const octets = Buffer.concat([Buffer.from([0x18, text.length]), Buffer.from(text)])
    t.throws(() => readTime(decode(octets, 'x')), malformed)
  })
}

t.test('names are UTF-8 without control characters', async (t) => {
  t.equal(readString(decode(encode(generalString('Zoë')), 'x')), 'Zoë')
  t.throws(() => readString(decode(encode(generalString('a\0b')), 'x')), malformed)
  t.throws(() => readString(decode(encode(generalString('a\nb')), 'x')), malformed)
  t.throws(() => readString(decode(hex('1b02c328'), 'x')), malformed)
  t.equal(readText(decode(hex('1b02c328'), 'x')), '\ufffd(', 'text for people is taken as it is')
})

t.test('flags are read from as many bits as came', async (t) => {
  t.equal(readFlags(decode(encode(flagBits(0xfedcba98)), 'x')), 0xfedcba98)
  t.equal(readFlags(decode(hex('030205a0'), 'x')), 0xa0000000, 'fewer than 32')
  t.equal(readFlags(decode(hex('03060040810010ff'), 'x')), 0x40810010, 'more than 32')
  t.equal(readFlags(decode(hex('030100'), 'x')), 0)
  for (const octets of ['0300', '03020801', '030105']) t.throws(() => readFlags(decode(hex(octets), 'x')), malformed)
})

t.test('fields stand in ascending order, each once; unknown ones are passed over', async (t) => {
  const fields = readFields(decode(encode(sequence(field(0, integer(1)), field(9, integer(2)))), 'x'))
  t.equal(readInteger(fields.required(0)), 1)
  t.equal(fields.optional(3), undefined)
  t.throws(() => fields.required(3), { ...malformed, message: 'x: field 3 is missing' })
  t.throws(() => readFields(decode(encode(sequence(field(1, integer(1)), field(0, integer(2)))), 'x')), malformed)
  t.throws(() => readFields(decode(encode(sequence(field(1, integer(1)), field(1, integer(2)))), 'x')), malformed)
  t.throws(() => readFields(decode(encode(sequence(integer(1))), 'x')), malformed)
  t.throws(() => readFields(decode(hex('3004a0003000'), 'x')), malformed, 'a field without content')
  t.throws(() => readFields(decode(hex('3008a006020101020102'), 'x')), malformed, 'a field with two elements')
  t.throws(() => readFields(decode(hex('3003800105'), 'x')), malformed, 'an implicit tag')
})

t.test('an element of another type is refused', async (t) => {
  const number = decode(encode(integer(5)), 'x')
  for (const read of [readOctets, readString, readTime, readFlags, readList, readFields]) {
    t.throws(() => read(number), malformed)
  }
  t.throws(() => readContext(number, 0), malformed)
})

t.test('an element is given as it stood in the message', async (t) => {
  const message = encode(sequence(field(0, octetString(Buffer.from('abc')))))
  const [inner] = [readFields(decode(message, 'x')).required(0)]
  t.equal(encodedOf(inner).toString('hex'), '0403616263')
  t.equal(readOctets(inner).toString(), 'abc')
})

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}
