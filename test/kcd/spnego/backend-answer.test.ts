import t from 'tap'
import { createEncryptionKey, randomEncryptionKey } from '../../../src/kcd/crypto/encryption-key.ts'
import { createAuthenticatorClock } from '../../../src/kcd/messages/authenticator.ts'
import { checkBackendAnswer } from '../../../src/kcd/spnego/backend-answer.ts'
import { createNegotiator } from '../../../src/kcd/spnego/negotiator.ts'
import { tryHostileOctets } from '../hostile-octets.ts'
import { acceptorMic, apReply, gssToken, issueTicket, krbError, negotiationAnswer } from '../peer-messages.ts'

const realm = 'EXAMPLE.TEST'
const client = { name: { type: 1, components: ['alice'] }, realm }
const service = { name: { type: 2, components: ['HTTP', 'backend.example.test'] }, realm }
const KERBEROS = '1.2.840.113554.1.2.2'
const WINDOWS_KERBEROS = '1.2.840.48018.1.2.2'
const NTLM = '1.3.6.1.4.1.311.2.2.10'

const sessionKey = randomEncryptionKey(18)
const ticket = issueTicket({ client, service, serviceKey: randomEncryptionKey(18), sessionKey })
const clock = createAuthenticatorClock()
const negotiator = createNegotiator({ ticket, sessionKey, client }, { clock })
const negotiation = negotiator.next(Date.UTC(2026, 10, 23, 12))
const ownSubkey = createEncryptionKey(18, negotiation.subkey)
const token = gssToken(0x0200, apReply(sessionKey, negotiation.instant))
const check = (answer: string | undefined) => checkBackendAnswer(answer, negotiation, sessionKey)

t.test('an AP-REP that answers our authenticator proves the backend', async (t) => {
  t.equal(check(negotiationAnswer({ state: 0, mechanism: KERBEROS, token })), 'proved')
  t.equal(check(negotiationAnswer({ state: 0, mechanism: WINDOWS_KERBEROS, token })), 'proved')
  t.equal(check(negotiationAnswer({ token })), 'proved', 'no state, no mechanism')
  t.equal(check(token.toString('base64')), 'proved', 'Kerberos without SPNEGO around it')
})

t.test('a MIC over the list of mechanisms is checked with the right subkey', async (t) => {
  t.equal(check(negotiationAnswer({ state: 0, token, mic: acceptorMic(ownSubkey, false) })), 'proved')
  t.equal(check(negotiationAnswer({ state: 0, mic: acceptorMic(ownSubkey, false) })), 'proved', 'it proves by itself')
  const theirs = randomEncryptionKey(20)
  const asserted = gssToken(0x0200, apReply(sessionKey, negotiation.instant, theirs))
  t.equal(check(negotiationAnswer({ state: 0, token: asserted, mic: acceptorMic(theirs, true) })), 'proved')
  const forged = acceptorMic(ownSubkey, false)
  forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
  for (const [what, mic, answer] of [
    ['a forged one', forged, token],
    ['one with our subkey where the acceptor asserted its own', acceptorMic(ownSubkey, false), asserted],
    ['one with another key', acceptorMic(randomEncryptionKey(18), false), token],
    ['none at all', Buffer.alloc(0), token],
  ] as const) {
    t.throws(() => check(negotiationAnswer({ state: 0, token: answer, mic })), { code: 'mutual-authentication' }, what)
  }
})

t.test('no answer, or one without a token, proves nothing and is told so', async (t) => {
  t.equal(check(undefined), 'silent')
  t.equal(check(''), 'silent')
  t.equal(check(negotiationAnswer({ state: 0, mechanism: KERBEROS })), 'silent')
})

for (const [what, answer, code] of [
  [
    'an AP-REP for another authenticator',
    () => gssToken(0x0200, apReply(sessionKey, { ...negotiation.instant, microseconds: 500_001 })),
    'mutual-authentication',
  ],
  [
    'an AP-REP of another second',
    () => gssToken(0x0200, apReply(sessionKey, { ...negotiation.instant, seconds: 1 })),
    'mutual-authentication',
  ],
  [
    'an AP-REP under another key',
    () => gssToken(0x0200, apReply(randomEncryptionKey(18), negotiation.instant)),
    'integrity',
  ],
  [
    'an AP-REP under a key of another type',
    () => gssToken(0x0200, apReply(randomEncryptionKey(20), negotiation.instant)),
    'encryption-type',
  ],
  [
    'an answer by NTLM',
    () => gssToken(0x0200, apReply(sessionKey, negotiation.instant), NTLM),
    'mutual-authentication',
  ],
  ['our own AP-REQ sent back', () => gssToken(0x0100, Buffer.from('6e00', 'hex')), 'malformed'],
  ['a message of no kind', () => gssToken(0x0400, Buffer.from('3000', 'hex')), 'malformed'],
  ['a token without a message', () => gssToken(0x0200, Buffer.alloc(0)), 'malformed'],
] as const) {
  t.test(`refuses ${what}`, async (t) => {
    t.throws(() => check(negotiationAnswer({ state: 0, token: answer() })), { name: 'KerberosError', code })
  })
}

for (const [what, answer, code] of [
  ['a rejection', negotiationAnswer({ state: 2 }), 'mutual-authentication'],
  ['a rejection that looks proved', negotiationAnswer({ state: 2, token }), 'mutual-authentication'],
  ['a request for another step', negotiationAnswer({ state: 1, mechanism: KERBEROS }), 'mutual-authentication'],
  ['a request for a MIC', negotiationAnswer({ state: 3, token }), 'mutual-authentication'],
  ['a choice of NTLM', negotiationAnswer({ state: 0, mechanism: NTLM }), 'mutual-authentication'],
  [
    'a choice of NTLM that looks proved',
    negotiationAnswer({ state: 0, mechanism: NTLM, token }),
    'mutual-authentication',
  ],
  ['what is no base64', 'a b c d=', 'malformed'],
  ['base64 without its end', 'YIIB', 'malformed'],
  ['base64url', 'oRIwEKADCgEAoQkG_w--', 'malformed'],
  ['an NTLM message', Buffer.from('NTLMSSP\0\x02\0\0\0').toString('base64'), 'malformed'],
  ['an answer over the limit', 'A'.repeat(16_388), 'malformed'],
] as const) {
  t.test(`refuses ${what}`, async (t) => {
    t.throws(() => check(answer), { name: 'KerberosError', code })
  })
}

for (const [kdcCode, code] of [
  [32, 'ticket-expired'],
  [37, 'clock-skew'],
  [41, 'integrity'],
  [44, 'integrity'],
] as const) {
  t.test(`a KRB-ERROR ${kdcCode} of the backend says what it thought of the ticket`, async (t) => {
    const error = gssToken(0x0300, krbError({ errorCode: kdcCode, realm, service }))
    const expected = { code, kdcCode, message: /^the backend of EXAMPLE.TEST refused the ticket/ }
    t.throws(() => check(negotiationAnswer({ state: 2, token: error })), expected)
    t.throws(() => check(negotiationAnswer({ state: 1, token: error })), expected)
  })
}

t.test(
  'whatever is done to an answer, nothing but a KerberosError comes of it, and nothing is proved by it',
  async (t) => {
    const answer = Buffer.from(
      negotiationAnswer({ state: 0, mechanism: KERBEROS, token, mic: acceptorMic(ownSubkey, false) }),
      'base64',
    )
    let proved = 0
    const { tried, failures } = tryHostileOctets(answer, (octets) => {
      if (check(octets.toString('base64')) === 'proved' && !octets.equals(answer)) proved++
    })
    t.ok(tried > 2000)
    t.same(failures, [])
    // What may differ and still be proved: fields of no meaning (a MIC's sequence number is not among them).
    t.ok(proved < tried / 50, `${proved} of ${tried}`)
  },
)
