import t from 'tap'
import { decrypt, randomEncryptionKey, sameKey, verifyChecksum } from '../../../src/kcd/crypto/encryption-key.ts'
import { PREFERRED_ENCRYPTION_TYPES } from '../../../src/kcd/crypto/encryption-type.ts'
import { hmacMd5Checksum } from '../../../src/kcd/crypto/hmac-md5.ts'
import { KeyUsage } from '../../../src/kcd/crypto/key-usage.ts'
import { createAuthenticatorClock, randomNonce } from '../../../src/kcd/messages/authenticator.ts'
import {
  type DerElement,
  decode,
  encodedOf,
  readApplication,
  readFields,
  readFlags,
  readInteger,
  readList,
  readMicroseconds,
  readString,
  readTime,
} from '../../../src/kcd/messages/der-reader.ts'
import { flagsOf, hasFlag, KdcOption, TicketFlag } from '../../../src/kcd/messages/flags.ts'
import { decodeKdcAnswer, type KdcReply, openAsReply, openTgsReply } from '../../../src/kcd/messages/kdc-reply.ts'
import {
  encodeAsRequest,
  encodeKdcRequestBody,
  encodeTgsRequest,
  tgsRequestAuthentication,
} from '../../../src/kcd/messages/kdc-request.ts'
import { readChecksum, readEncryptedData, readPrincipalName } from '../../../src/kcd/messages/kerberos-types.ts'
import { decodeKrbError, methodDataOf } from '../../../src/kcd/messages/krb-error.ts'
import { encodeMethodData, findPaData, PaDataType, readPaDataList } from '../../../src/kcd/messages/pa-data.ts'
import { encryptedTimestamp } from '../../../src/kcd/messages/preauthentication.ts'
import { openPaS4uX509User, PacOption, paForUser, paPacOptions, paS4uX509User } from '../../../src/kcd/messages/s4u.ts'
import { decodeTicket, openTicket } from '../../../src/kcd/messages/ticket.ts'
import { ticketGrantingService } from '../../../src/kcd/principal-name.ts'
import { tryHostileOctets } from '../hostile-octets.ts'
import { issueTicket, kdcReply, krbError, ntStatusData, s4uReply } from '../peer-messages.ts'
import { hex } from '../vectors.ts'

const realm = 'EXAMPLE.TEST'
const alice = { name: { type: 1, components: ['alice'] }, realm }
const gateway = { name: { type: 2, components: ['HTTP', 'gateway.example.test'] }, realm }
const tgs = { name: ticketGrantingService(realm), realm }
const now = Date.UTC(2026, 10, 23, 12)
const clock = createAuthenticatorClock()
const till = new Date(now + 36_000_000)

const serviceKey = randomEncryptionKey(18)
const sessionKey = randomEncryptionKey(18)
const ticket = issueTicket({ client: gateway, service: tgs, serviceKey, sessionKey })
const tgt = { ticket, sessionKey, client: gateway }

const kdcFields = (octets: Buffer, tag: number) => readFields(readApplication(decode(octets, 'request'), tag))
const reply = (octets: Buffer, exchange: 'AS' | 'TGS'): KdcReply => {
  const answer = decodeKdcAnswer(octets, exchange)
  if (answer.kind !== 'reply') throw new Error('a reply expected')
  return answer
}

t.test('an AS-REQ says who asks for what, with the preauthentication it is given', async (t) => {
  const key = randomEncryptionKey(20)
  const instant = clock.next(now)
  const body = encodeKdcRequestBody({
    options: flagsOf(KdcOption.FORWARDABLE, KdcOption.CANONICALIZE),
    client: gateway.name,
    realm,
    service: tgs.name,
    till,
    nonce: 77,
  })
  const fields = kdcFields(encodeAsRequest(body, [encryptedTimestamp(key, instant)]), 10)
  t.same(encodedOf(fields.required(4)), body, 'the body is the one that was made')
  const parts = readFields(fields.required(4))
  t.equal(readFlags(parts.required(0)), 0x40010000)
  t.same(readPrincipalName(parts.required(1)), gateway.name)
  t.equal(readString(parts.required(2)), realm)
  t.same(readPrincipalName(parts.required(3)), tgs.name)
  t.same(readTime(parts.required(5)), till)
  t.equal(readInteger(parts.required(7)), 77)
  t.same(readList(parts.required(8)).map(readInteger), [20, 19, 18, 17])
  t.equal(parts.optional(11), undefined)

  const timestamp = findPaData(readPaDataList(fields.required(3)), PaDataType.ENC_TIMESTAMP)
  const encrypted = readEncryptedData(decode(timestamp ?? Buffer.alloc(0), 'x'))
  t.equal(encrypted.encryptionType, 20)
  const time = readFields(decode(decrypt(key, KeyUsage.AS_REQ_TIMESTAMP, encrypted.cipher), 'x'))
  t.equal(readTime(time.required(0)).getTime() / 1000, instant.seconds)
  t.equal(readMicroseconds(time.required(1)), instant.microseconds)
})

for (const withSubkey of [false, true]) {
  t.test(`a TGS-REQ ${withSubkey ? 'with' : 'without'} subkey covers its body by the authenticator`, async (t) => {
    const instant = clock.next(now)
    const subkey = withSubkey ? randomEncryptionKey(18) : undefined
    const body = encodeKdcRequestBody({
      options: flagsOf(KdcOption.FORWARDABLE, KdcOption.CNAME_IN_ADDL_TKT),
      realm,
      service: gateway.name,
      till,
      nonce: randomNonce(),
      additionalTickets: [ticket],
    })
    const padata = [
      tgsRequestAuthentication(tgt, body, instant, subkey),
      paPacOptions(PacOption.RESOURCE_BASED_CONSTRAINED_DELEGATION),
    ]
    const fields = kdcFields(encodeTgsRequest(body, padata), 12)
    const sent = readPaDataList(fields.required(3))
    t.same(
      sent.map(({ type }) => type),
      [PaDataType.TGS_REQ, PaDataType.PAC_OPTIONS],
    )
    t.same(readList(readFields(fields.required(4)).required(11)).map(encodedOf), [ticket], 'the evidence as it came')

    const request = kdcFields(sent[0]?.value ?? Buffer.alloc(0), 14)
    t.equal(readFlags(request.required(2)), 0)
    t.same(encodedOf(request.required(3)), ticket)
    const plain = decrypt(sessionKey, KeyUsage.TGS_REQ_AUTHENTICATOR, readEncryptedData(request.required(4)).cipher)
    const authenticator = kdcFields(plain, 2)
    t.equal(readString(authenticator.required(1)), realm)
    t.same(readPrincipalName(authenticator.required(2)), gateway.name)
    const covered = readChecksum(authenticator.required(3))
    t.equal(covered.type, 16)
    t.ok(verifyChecksum(sessionKey, KeyUsage.TGS_REQ_BODY_CHECKSUM, body, covered.octets))
    t.equal(readMicroseconds(authenticator.required(4)), instant.microseconds)
    t.equal(readTime(authenticator.required(5)).getTime() / 1000, instant.seconds)
    t.equal(authenticator.optional(6) !== undefined, withSubkey)
  })
}

t.test('the bit for resource-based delegation stands where [MS-SFU] 2.2.5 puts it', async (t) => {
  const { type, value } = paPacOptions(PacOption.RESOURCE_BASED_CONSTRAINED_DELEGATION)
  t.equal(type, 167)
  t.equal(value.toString('hex'), '3009a00703050010000000')
  t.equal(flagsOf(KdcOption.CNAME_IN_ADDL_TKT), 0x00020000, 'bit 14 of the KDC options ([MS-SFU] 2.2.3)')
})

for (const type of PREFERRED_ENCRYPTION_TYPES) {
  t.test(`replies are opened with a key of encryption type ${type}`, async (t) => {
    const key = randomEncryptionKey(type)
    const session = randomEncryptionKey(type)
    const common = { client: gateway, service: tgs, ticket, sessionKey: session, replyKey: key, nonce: 9 }
    const encryptedPaData = [{ type: 165, value: Buffer.from([0x18, 0, 0, 0]) }]
    const as = reply(kdcReply({ ...common, exchange: 'AS', usage: KeyUsage.AS_REP, encryptedPaData }), 'AS')
    const content = openAsReply(as, key)
    t.ok(sameKey(content.sessionKey, session))
    t.equal(content.nonce, 9)
    t.same(content.service, tgs.name)
    t.equal(content.serviceRealm, realm)
    t.ok(hasFlag(content.flags, TicketFlag.FORWARDABLE))
    t.notOk(hasFlag(content.flags, TicketFlag.OK_AS_DELEGATE))
    t.same(content.encryptedPaData, encryptedPaData)
    t.same(as.ticket.encoded, ticket)

    const bySession = reply(kdcReply({ ...common, exchange: 'TGS', usage: KeyUsage.TGS_REP_SESSION_KEY }), 'TGS')
    t.equal(openTgsReply(bySession, key, false).nonce, 9)
    t.throws(() => openTgsReply(bySession, key, true), { code: 'integrity' }, 'not as one under a subkey')
    const bySubkey = reply(kdcReply({ ...common, exchange: 'TGS', usage: KeyUsage.TGS_REP_SUBKEY }), 'TGS')
    t.equal(openTgsReply(bySubkey, key, true).nonce, 9)
    t.throws(() => openTgsReply(bySubkey, randomEncryptionKey(type), true), { code: 'integrity' })
  })
}

t.test('an AS-REP whose content has the tag of the other exchange is opened, any other tag is not', async (t) => {
  const send = {
    exchange: 'AS',
    client: gateway,
    service: tgs,
    ticket,
    sessionKey,
    replyKey: serviceKey,
    usage: 3,
    nonce: 1,
  } as const
  t.equal(openAsReply(reply(kdcReply({ ...send, contentTag: 26 }), 'AS'), serviceKey).nonce, 1)
  t.throws(() => openAsReply(reply(kdcReply({ ...send, contentTag: 27 }), 'AS'), serviceKey), { code: 'malformed' })
})

t.test('a reply under a key of another type is refused before anything is decrypted', async (t) => {
  const octets = kdcReply({
    exchange: 'AS',
    client: gateway,
    service: tgs,
    ticket,
    sessionKey,
    replyKey: serviceKey,
    usage: 3,
    nonce: 1,
  })
  t.throws(() => openAsReply(reply(octets, 'AS'), randomEncryptionKey(20)), {
    code: 'encryption-type',
    message: /aes256-cts-hmac-sha1-96 \(18\)/,
  })
})

t.test('an RC4 session key is refused with a word on AES', async (t) => {
  const rc4 = { ...sessionKey, type: { ...sessionKey.type, number: 23 } } as unknown as typeof sessionKey
  const octets = kdcReply({
    exchange: 'AS',
    client: gateway,
    service: tgs,
    ticket,
    sessionKey: rc4,
    replyKey: serviceKey,
    usage: 3,
    nonce: 1,
  })
  t.throws(() => openAsReply(reply(octets, 'AS'), serviceKey), { code: 'encryption-type', message: /AES128,AES256/ })
})

t.test('a ticket for ourselves is opened', async (t) => {
  const own = issueTicket({ client: alice, service: gateway, serviceKey, sessionKey, startsAt: new Date(now) })
  const content = openTicket(decodeTicket(own), serviceKey)
  t.same(content.client, alice.name)
  t.equal(content.clientRealm, realm)
  t.ok(sameKey(content.sessionKey, sessionKey))
  t.same(content.startsAt, new Date(now))
  t.same(content.authorizationData, [])
  t.throws(() => openTicket(decodeTicket(own), randomEncryptionKey(18)), { code: 'integrity' })
})

t.test('PA-FOR-USER is signed by HMAC-MD5 over name type, names, realm and package, whatever the key', async (t) => {
  const user = { name: { type: 10, components: ['alice@contoso.test'] }, realm }
  const { type, value } = paForUser(user, sessionKey)
  t.equal(type, 129)
  const fields = readFields(decode(value, 'x'))
  t.same(readPrincipalName(fields.required(0)), user.name)
  t.equal(readString(fields.required(1)), realm)
  t.equal(readString(fields.required(3)), 'Kerberos')
  const signature = readChecksum(fields.required(2))
  t.equal(signature.type, -138)
  const covered = Buffer.concat([hex('0a000000'), Buffer.from('alice@contoso.testEXAMPLE.TESTKerberos')])
  t.same(signature.octets, hmacMd5Checksum(sessionKey, 17, covered))
})

t.test('PA-S4U-X509-USER is signed by the key’s own checksum and bound to the nonce', async (t) => {
  const { type, value } = paS4uX509User(alice, 4711, sessionKey)
  t.equal(type, 130)
  const fields = readFields(decode(value, 'x'))
  const userId: DerElement = fields.required(0)
  const signature = readChecksum(fields.required(1))
  t.equal(signature.type, 16)
  t.ok(verifyChecksum(sessionKey, 26, encodedOf(userId), signature.octets))
  const parts = readFields(userId)
  t.equal(readInteger(parts.required(0)), 4711)
  t.same(readPrincipalName(parts.required(1)), alice.name)
  t.equal(readString(parts.required(2)), realm)
  t.equal(readFlags(parts.required(4)), 0x20000000)
})

t.test('PA-S4U-X509-USER of a reply is checked: key usage, key, nonce', async (t) => {
  for (const newUsage of [true, false]) {
    const octets = s4uReply(alice, 5, sessionKey, newUsage)
    t.same(openPaS4uX509User(octets, 5, sessionKey), { name: alice.name, realm })
    t.throws(() => openPaS4uX509User(octets, 6, sessionKey), { code: 'mismatch' })
    t.throws(() => openPaS4uX509User(octets, 5, serviceKey), { code: 'integrity' })
  }
})

t.test('KRB-ERROR: data of preauthentication, or an NTSTATUS, or neither', async (t) => {
  const send = { errorCode: 25, realm, service: tgs }
  const padata = [{ type: 19, value: hex('3000') }]
  t.same(methodDataOf(decodeKrbError(krbError({ ...send, data: encodeMethodData(padata) }))), padata)
  t.same(methodDataOf(decodeKrbError(krbError(send))), [])
  t.same(methodDataOf(decodeKrbError(krbError({ ...send, data: Buffer.from('nonsense') }))), [])
  t.equal(decodeKrbError(krbError({ ...send, data: ntStatusData(0xc0000234) })).ntStatus, 0xc0000234)
  t.equal(decodeKrbError(krbError({ ...send, data: encodeMethodData(padata) })).ntStatus, undefined)
})

t.test('flags are counted from the highest bit', async (t) => {
  t.equal(flagsOf(1, 31), 0x40000001)
  t.equal(flagsOf(0), 0x80000000)
  t.ok(hasFlag(0x80000000, 0))
  t.notOk(hasFlag(0x80000000, 1))
})

t.test('whatever is done to a reply, an error or a ticket, nothing but a KerberosError comes of it', async (t) => {
  const as = kdcReply({
    exchange: 'AS',
    client: gateway,
    service: tgs,
    ticket,
    sessionKey,
    replyKey: serviceKey,
    usage: 3,
    nonce: 1,
    paData: [{ type: 19, value: hex('3000') }],
  })
  const error = krbError({ errorCode: 25, realm, service: tgs, text: 'NEEDED_PREAUTH', data: ntStatusData(1) })
  const s4u = s4uReply(alice, 5, sessionKey, true)
  for (const [what, octets, read] of [
    ['AS-REP', as, (octets: Buffer) => openAsReply(reply(octets, 'AS'), serviceKey)],
    ['KRB-ERROR', error, (octets: Buffer) => methodDataOf(decodeKrbError(octets))],
    ['ticket', ticket, (octets: Buffer) => openTicket(decodeTicket(octets), serviceKey)],
    ['PA-S4U-X509-USER', s4u, (octets: Buffer) => openPaS4uX509User(octets, 5, sessionKey)],
  ] as const) {
    // reply() itself throws a plain Error where the changed octets are a KRB-ERROR: that is the test's own.
    const { tried, failures } = tryHostileOctets(octets, read)
    t.ok(tried > 1000, `${what}: ${tried} tried`)
    t.same(
      failures.filter((failure) => !failure.includes('a reply expected')),
      [],
      what,
    )
  }
})
