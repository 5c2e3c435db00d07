import t from 'tap'
import { KdcErrorCode, kdcErrorFacts, knownKdcErrorCodes } from '../../src/kcd/kdc-error-facts.ts'
import { kerberosErrorFromKdc } from '../../src/kcd/kdc-refusal.ts'
import { KerberosError, oneLine } from '../../src/kcd/kerberos-error.ts'

t.test('a refusal of the KDC names code, text and what to do about it', async (t) => {
  const error = kerberosErrorFromKdc(
    { errorCode: 13, text: 'NOT_ALLOWED_TO_DELEGATE', realm: 'EXAMPLE.TEST', ntStatus: 0xc00000bb },
    'a ticket to HTTP/app.corp.test on behalf of alice',
  )
  t.match(error, {
    name: 'KerberosError',
    code: 'delegation-refused',
    kdcCode: 13,
    kdcText: 'NOT_ALLOWED_TO_DELEGATE',
    ntStatus: 0xc00000bb,
    realm: 'EXAMPLE.TEST',
  })
  t.match(
    error.message,
    /^the KDC of EXAMPLE\.TEST refused a ticket to HTTP\/app\.corp\.test on behalf of alice: KDC_ERR_BADOPTION \(13\), "NOT_ALLOWED_TO_DELEGATE", NTSTATUS 0xc00000bb\./,
  )
  t.match(error.message, /msDS-AllowedToDelegateTo/)
})

t.test('a caller that knows more gives its own code and advice', async (t) => {
  const error = kerberosErrorFromKdc({ errorCode: 13 }, 'it', { code: 'not-delegatable', advice: 'Ask the person.' })
  t.equal(error.code, 'not-delegatable')
  t.match(error.message, /Ask the person\.$/)
  t.notMatch(error.message, /AllowedToDelegate/)
})

t.test('every code of the standard has a name, a meaning and an advice in whole sentences', async (t) => {
  const codes = knownKdcErrorCodes()
  t.ok(codes.length > 50)
  for (const code of codes) {
    const { name, meaning, advice } = kdcErrorFacts(code)
    t.equal(KdcErrorCode[name as keyof typeof KdcErrorCode], code, name)
    t.match(meaning, /^[A-Z].*\.$/, name)
    t.match(advice, /^[A-Z].*\.$/, name)
  }
  t.same(Object.values(KdcErrorCode).sort(), [...codes].sort())
  t.match(kdcErrorFacts(9999), { code: 'kdc-refused' })
})

t.test('what a KDC says cannot break out of its line', async (t) => {
  t.equal(oneLine('a\r\nb\0c\u202ed\u2028e'), 'a b c d e')
  t.equal(oneLine('x'.repeat(500)).length, 201)
  const { message, kdcText } = kerberosErrorFromKdc({ errorCode: 60, text: 'forged\n{"level":50}', realm: 'R\n' }, 'it')
  t.notMatch(message + kdcText, /\n/)
})

t.test('an error has its cause where there was one', async (t) => {
  const cause = new Error('x')
  t.equal(new KerberosError('keytab', 'm', { cause }).cause, cause)
  t.notOk('cause' in new KerberosError('keytab', 'm'))
})
