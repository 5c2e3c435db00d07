import t from 'tap'
import { parseParameters } from '../../../src/sts/http/parameters.ts'

t.test('reads names without regard to case, values decoded', async (t) => {
  t.same(
    [
      ...(parseParameters('appRealm=A%20b+c&RETURNURL=https%3A%2F%2Fx%2F%3Fa%3Db&empty=&bare&%C3%BC=%E2%82%AC') as Map<
        string,
        string
      >),
    ],
    [
      ['apprealm', 'A b c'],
      ['returnurl', 'https://x/?a=b'],
      ['empty', ''],
      ['bare', ''],
      ['ü', '€'],
    ],
  )
  t.same([...(parseParameters('') as Map<string, string>)], [])
  t.same([...(parseParameters('&&a=1&') as Map<string, string>)], [['a', '1']])
})

for (const { name, text, problem } of [
  { name: 'the same name twice', text: 'a=1&a=1', problem: 'duplicate' },
  { name: 'the same name twice in another case', text: 'returnUrl=x&returnurl=y', problem: 'duplicate' },
  { name: 'the same name twice, once percent-encoded', text: 'wa=1&%77a=2', problem: 'duplicate' },
  { name: 'a broken percent sign', text: 'a=%', problem: 'encoding' },
  { name: 'a percent sign before letters that are no hex', text: 'a=%zz', problem: 'encoding' },
  { name: 'an escape of the old script kind', text: 'a=%u0041', problem: 'encoding' },
  { name: 'bytes that are not UTF-8', text: 'a=%ff', problem: 'encoding' },
  { name: 'overlong UTF-8', text: 'a=%c0%af', problem: 'encoding' },
  { name: 'an unpaired surrogate', text: 'a=%ed%a0%80', problem: 'encoding' },
  { name: 'NUL in a value', text: 'a=b%00c', problem: 'encoding' },
  { name: 'NUL in a name', text: '%00=c', problem: 'encoding' },
  { name: 'a raw byte above ASCII', text: 'a=\u00fc', problem: 'encoding' },
  { name: 'a raw control character', text: 'a=b\tc', problem: 'encoding' },
  { name: 'more parameters than any of ours has', text: 'a&'.repeat(101), problem: 'too-many' },
]) {
  t.test(`refuses ${name}`, async (t) => t.equal(parseParameters(text), problem))
}
