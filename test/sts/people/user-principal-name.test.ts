import t from 'tap'
import { parseUpn, requireUpn, upnKey } from '../../../src/sts/people/user-principal-name.ts'

for (const upn of ['alice@contoso.test', 'Alice.B-C_d+e@contoso', "o'neil@contoso.test", `${'a'.repeat(1022)}@b`]) {
  t.test(`${upn.slice(0, 30)} is a user principal name`, async (t) => t.equal(parseUpn(upn), upn))
}

for (const [why, upn] of [
  ['it is empty', ''],
  ['it has no @', 'alice'],
  ['it has two @', 'alice@evil@contoso.test'],
  ['nothing is before the @', '@contoso.test'],
  ['nothing is after the @', 'alice@'],
  ['it has a slash', 'HTTP/app@contoso.test'],
  ['it has a backslash', 'CONTOSO\\alice@contoso.test'],
  ['it has a blank', 'alice b@contoso.test'],
  ['it has a no-break blank', 'alice\u00a0b@contoso.test'],
  ['it has a NUL', 'alice\u0000@contoso.test'],
  ['it has a line feed', 'alice@contoso.test\n'],
  ['it has a C1 control', 'alice\u009b@contoso.test'],
  ['it turns the direction of writing', 'alice\u202e@contoso.test'],
  ['it has an invisible character', 'ali\u200bce@contoso.test'],
  ['it has half a surrogate pair', 'alice\ud800@contoso.test'],
  ['it has 1,025 characters', `${'a'.repeat(1023)}@b`],
  ['it is 64 kB long', `${'a'.repeat(65_536)}@contoso.test`],
] as const) {
  t.test(`no user principal name: ${why}`, async (t) => {
    t.equal(parseUpn(upn), undefined)
    t.throws(() => requireUpn(upn), { name: 'StsError', code: 'invalid-upn' })
  })
}

t.test('what is not a string is no user principal name', async (t) => {
  for (const value of [undefined, null, 5, ['alice@contoso.test'], {}]) t.equal(parseUpn(value as never), undefined)
})

t.test('names are the same without regard to case and to how an accent was typed', async (t) => {
  const composed = parseUpn('Zo\u00eb@Contoso.test')
  const decomposed = parseUpn('ZOE\u0308@contoso.TEST')
  t.ok(composed !== undefined && decomposed !== undefined)
  t.equal(upnKey(composed ?? ''), upnKey(decomposed ?? ''))
  t.equal(upnKey('Alice@contoso.test'), 'alice@contoso.test')
})
