import t from 'tap'
import { decodeBase64url } from '../../src/edge-token/base64url.ts'
import { parseStrictJson } from '../../src/edge-token/strict-json.ts'

for (const text of [
  '{}',
  '[]',
  'null',
  '"a"',
  '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}',
  '{ "a" : ":\\":", "b"\t:\n"\\\\" }',
  '{"a\\":b":1,"a":":","":"\\"a\\":"}',
  '{"a":"\\ufffd \ufffd é 𝄞"}',
  '{"constructor":1,"toString":2,"hasOwnProperty":3}',
]) {
  t.test(`parses ${text} as JSON does`, async (t) => t.same(parseStrictJson(Buffer.from(text)), JSON.parse(text)))
}

for (const text of [
  '',
  '{',
  '{"a":1}x',
  "{'a':1}",
  '\ufeff{}',
  '{"a":1,"a":1}',
  '{"a":1,"a" :1}',
  '{"a":1,"\\u0061":1}',
  '{"a":":","a":"\\":"}',
  '{"a":":b","c":":d","a":1}',
  '[{"a":{"b":1,"b":2}}]',
  '{"__proto__":1}',
  '{"a":[{"__pro\\u0074o__":null}]}',
  `${'['.repeat(9)}${']'.repeat(9)}`,
  `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`,
]) {
  t.test(`refuses ${JSON.stringify(text)}`, async (t) => {
    t.throws(() => parseStrictJson(Buffer.from(text)), { name: 'EdgeTokenError', code: 'malformed' })
  })
}

t.test('refuses bytes that are not UTF-8', async (t) => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xe2, 0x82, 0x22],
  ]) {
    t.throws(() => parseStrictJson(Uint8Array.from(bytes)), { code: 'malformed' })
  }
})

t.test('finds the second of two members among any others', async (t) => {
  const texts = ['":"', '"\\":"', '{"x":":"}', '[":",":"]', '"a"', '1', '"\\\\"']
  for (const value of texts) {
    for (const blank of ['', ' ', '\n\t']) {
      const members = texts.map((text, at) => `"m${at}"${blank}:${text}`)
      const once = `{"v":${value},${members.join(',')}}`
      t.same(parseStrictJson(Buffer.from(once)), JSON.parse(once))
      const twice = `{"v":${value},${members.join(',')},"m0"${blank}:${value}}`
      t.throws(() => parseStrictJson(Buffer.from(twice)), { code: 'malformed' })
    }
  }
})

t.test('nests as deeply as is allowed', async (t) => {
  t.doesNotThrow(() => parseStrictJson(Buffer.from('[[[1]]]'), 3))
  t.throws(() => parseStrictJson(Buffer.from('[[[1]]]'), 2), { code: 'malformed' })
  t.throws(() => parseStrictJson(Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)), { code: 'malformed' })
})

t.test('base64url is decoded in its one spelling alone', async (t) => {
  for (let length = 0; length < 70; length++) {
    const bytes = Buffer.alloc(length, 0xfb)
    t.same(decodeBase64url(bytes.toString('base64url')), bytes)
  }
  for (const text of [
    'A',
    'AB',
    'AAB',
    'AA==',
    'AAA=',
    '+A',
    '/A',
    'AA\n',
    ' AA',
    'AAAAA',
    'A.',
    '\u0141\u0141',
    'AA\u0000',
  ]) {
    t.equal(decodeBase64url(text), undefined, JSON.stringify(text))
  }
})
