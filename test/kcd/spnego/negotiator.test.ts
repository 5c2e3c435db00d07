import t from 'tap'
import {
  createEncryptionKey,
  decrypt,
  encryptWithRoomForConfounder,
  randomEncryptionKey,
} from '../../../src/kcd/crypto/encryption-key.ts'
import { PREFERRED_ENCRYPTION_TYPES } from '../../../src/kcd/crypto/encryption-type.ts'
import { apRequest } from '../../../src/kcd/messages/ap-request.ts'
import { createAuthenticatorClock, encodeAuthenticator } from '../../../src/kcd/messages/authenticator.ts'
import {
  decode,
  encodedOf,
  readApplication,
  readContext,
  readFields,
  readFlags,
  readInteger,
  readMicroseconds,
  readObjectIdentifier,
  readOctets,
  readString,
  readTime,
} from '../../../src/kcd/messages/der-reader.ts'
import { encode } from '../../../src/kcd/messages/der-writer.ts'
import {
  encodeEncryptedData,
  readAuthorizationData,
  readChecksum,
  readEncryptedData,
  readKey,
  readPrincipalName,
} from '../../../src/kcd/messages/kerberos-types.ts'
import { channelBindingHash } from '../../../src/kcd/spnego/channel-binding.ts'
import { unframe } from '../../../src/kcd/spnego/gss-token.ts'
import { channelBindingIsMeant, gssChecksum, negotiationToken } from '../../../src/kcd/spnego/initial-token.ts'
import { createNegotiator } from '../../../src/kcd/spnego/negotiator.ts'
import { issueTicket } from '../peer-messages.ts'

const realm = 'EXAMPLE.TEST'
const client = { name: { type: 10, components: ['Zoë@contoso.test'] }, realm }
const service = { name: { type: 2, components: ['HTTP', 'backend.example.test'] }, realm }
const now = Date.UTC(2026, 10, 23, 12) + 123.456
const serviceKey = randomEncryptionKey(18)
const binding = Buffer.from('tls-server-end-point:0123456789abcdef0123456789abcdef')

/** The authenticator in a token, decrypted, and what stands around it. */
function opened(value: string, sessionKey: ReturnType<typeof randomEncryptionKey>) {
  const spnego = unframe(Buffer.from(value, 'base64'), 'token')
  const init = readFields(readContext(decode(spnego.content, 'NegTokenInit'), 0))
  const gss = unframe(readOctets(init.required(2)), 'mechanism token')
  const request = readFields(readApplication(decode(gss.content.subarray(2), 'AP-REQ'), 14))
  const cipher = readEncryptedData(request.required(4))
  const plain = decrypt(sessionKey, 11, cipher.cipher)
  return { spnego, init, gss, request, cipher, fields: readFields(readApplication(decode(plain, 'Authenticator'), 2)) }
}

for (const number of PREFERRED_ENCRYPTION_TYPES) {
  for (const channelBinding of [undefined, binding]) {
    const where = channelBinding === undefined ? 'without' : 'with'
    t.test(
      `type ${number} ${where} channel binding: written in place, a token is what the library encodes`,
      async (t) => {
        const sessionKey = randomEncryptionKey(number)
        const ticket = issueTicket({ client, service, serviceKey, sessionKey })
        // Counts up, so that the library's token below can be made of the same octets.
        let made = 0
        const fillRandom = (octets: Buffer) => {
          made++
          for (let i = 0; i < octets.length; i++) octets[i] = (made * 31 + i * 7) & 0xff
        }
        const clock = createAuthenticatorClock()
        const negotiator = createNegotiator({ ticket, sessionKey, client }, { clock, channelBinding, fillRandom })
        for (const at of [now, now, now + 1, now + 900, now + 1_000_000]) {
          const { value, instant, subkey } = negotiator.next(at)
          const random = Buffer.alloc(16 + sessionKey.type.keyLength + 4)
          made--
          fillRandom(random)
          t.same(subkey, random.subarray(16, 16 + sessionKey.type.keyLength))
          const hash = channelBinding && channelBindingHash(channelBinding)
          const authenticator = encode(
            encodeAuthenticator({
              client,
              checksum: { type: 0x8003, octets: gssChecksum(0x3e, hash) },
              instant,
              subkey: createEncryptionKey(number, subkey),
              sequenceNumber: (random.readUInt32BE(random.length - 4) & 0x1fffffff) | 0x20000000,
              authorizationData: hash && [channelBindingIsMeant()],
            }),
          )
          const room = Buffer.concat([Buffer.alloc(16), authenticator])
          const cipher = encryptWithRoomForConfounder(sessionKey, 11, room, random.subarray(0, 16))
          const whole = negotiationToken(apRequest(ticket, encodeEncryptedData(number, cipher), 0x20000000))
          t.equal(value, whole.toString('base64'))
        }
      },
    )
  }
}

t.test('a token of any length of ticket and name is what the library encodes', async (t) => {
  const sessionKey = randomEncryptionKey(18)
  for (let length = 0; length < 150; length++) {
    const person = { name: { type: 1, components: ['a'.repeat(1 + (length % 70))] }, realm }
    const data = Buffer.alloc(length * 3)
    const ticket = issueTicket({
      client: person,
      service,
      serviceKey,
      sessionKey,
      authorizationData: [{ type: 1, data }],
    })
    const clock = createAuthenticatorClock()
    const { value, instant } = createNegotiator({ ticket, sessionKey, client: person }, { clock }).next(now)
    const { request, fields, cipher } = opened(value, sessionKey)
    const whole = negotiationToken(apRequest(ticket, encodeEncryptedData(18, cipher.cipher), 0x20000000))
    if (value !== whole.toString('base64')) t.fail(`length ${length}`)
    if (!encodedOf(request.required(3)).equals(ticket)) t.fail('another ticket')
    if (readMicroseconds(fields.required(4)) !== instant.microseconds) t.fail('another instant')
  }
  t.pass()
})

t.test('what a backend reads in a token', async (t) => {
  const sessionKey = randomEncryptionKey(20)
  const ticket = issueTicket({ client, service, serviceKey, sessionKey })
  const clock = createAuthenticatorClock()
  const { value, instant, subkey } = createNegotiator(
    { ticket, sessionKey, client },
    { clock, channelBinding: binding },
  ).next(now)
  const { spnego, init, gss, request, fields } = opened(value, sessionKey)
  t.equal(spnego.mechanism, '2b0601050502')
  t.equal(encodedOf(init.required(0)).toString('hex'), '300b06092a864886f712010202', 'Kerberos alone is offered')
  t.equal(init.optional(3), undefined)
  t.equal(gss.mechanism, '2a864886f712010202')
  t.equal(gss.content.readUInt16BE(0), 0x0100)
  t.equal(readFlags(request.required(2)), 0x20000000, 'mutual authentication is asked for')
  t.same(encodedOf(request.required(3)), ticket)

  t.equal(readString(fields.required(1)), realm)
  t.same(readPrincipalName(fields.required(2)), client.name)
  const { type, octets } = readChecksum(fields.required(3))
  t.equal(type, 0x8003)
  t.equal(octets.length, 24)
  t.equal(octets.readUInt32LE(0), 16)
  t.same(octets.subarray(4, 20), channelBindingHash(binding))
  t.equal(octets.readUInt32LE(20), 2 | 4 | 8 | 16 | 32)
  t.equal(octets.readUInt32LE(20) & 1, 0, 'never a credential of ours to delegate on')
  t.equal(readMicroseconds(fields.required(4)), instant.microseconds)
  t.equal(readTime(fields.required(5)).getTime(), instant.seconds * 1000)
  t.same(readKey(fields.required(6)).secret.export(), subkey)
  const sequenceNumber = readInteger(fields.required(7))
  t.ok(sequenceNumber >= 0x20000000 && sequenceNumber < 0x40000000)
  const [relevant] = readAuthorizationData(fields.required(8))
  t.equal(relevant?.type, 1)
  t.same(readAuthorizationData(decode(relevant?.data ?? Buffer.alloc(0), 'x')), [
    { type: 143, data: Buffer.from('00400000', 'hex') },
  ])
})

t.test('no two tokens share instant, subkey, sequence number or ciphertext', async (t) => {
  const sessionKey = randomEncryptionKey(18)
  const ticket = issueTicket({ client, service, serviceKey, sessionKey })
  const clock = createAuthenticatorClock()
  // Two of one ticket, as a cache may make them after a restart of the entry: they share the clock.
  const negotiators = [1, 2].map(() => createNegotiator({ ticket, sessionKey, client }, { clock }))
  const seen = new Set<string>()
  for (let i = 0; i < 500; i++) {
    for (const negotiator of negotiators) {
      const { value, instant, subkey } = negotiator.next(now)
      const sequence = readInteger(opened(value, sessionKey).fields.required(7))
      seen
        .add(value.slice(-200))
        .add(`${instant.seconds}.${instant.microseconds}`)
        .add(subkey.toString('hex'))
        .add(`#${sequence}`)
    }
  }
  // Sequence numbers are random of 29 bits: two alike among a thousand is once in a thousand runs, so one is let pass.
  t.ok(seen.size >= 3999, `${seen.size} of 4000`)
})

t.test('without a channel binding its place is zero', async (t) => {
  const sessionKey = randomEncryptionKey(17)
  const ticket = issueTicket({ client, service, serviceKey, sessionKey })
  const negotiator = createNegotiator({ ticket, sessionKey, client }, { clock: createAuthenticatorClock() })
  const { fields } = opened(negotiator.next(now).value, sessionKey)
  t.same(readChecksum(fields.required(3)).octets.subarray(4, 20), Buffer.alloc(16))
  t.equal(fields.optional(8), undefined)
  t.equal(readObjectIdentifier(decode(Buffer.from('06092a864886f712010202', 'hex'), 'x')), '2a864886f712010202')
})
