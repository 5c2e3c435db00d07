import t from 'tap'
import { checksum, createEncryptionKey } from '../../../src/kcd/crypto/encryption-key.ts'
import { apRequest } from '../../../src/kcd/messages/ap-request.ts'
import { encodeAuthenticator } from '../../../src/kcd/messages/authenticator.ts'
import { decode } from '../../../src/kcd/messages/der-reader.ts'
import { type Encodable, encode } from '../../../src/kcd/messages/der-writer.ts'
import { decodeKdcAnswer } from '../../../src/kcd/messages/kdc-reply.ts'
import { encodeAsRequest, encodeKdcRequestBody, encodeTgsRequest } from '../../../src/kcd/messages/kdc-request.ts'
import {
  encodeAuthorizationData,
  encodeEncryptedData,
  readAuthorizationData,
  readEncryptedData,
} from '../../../src/kcd/messages/kerberos-types.ts'
import { decodeKrbError } from '../../../src/kcd/messages/krb-error.ts'
import { decodeMethodData, encodeMethodData } from '../../../src/kcd/messages/pa-data.ts'
import {
  decodeEncryptionTypeInfo,
  offeredEncryptionTypes,
  timestamp,
} from '../../../src/kcd/messages/preauthentication.ts'
import { openPaS4uX509User } from '../../../src/kcd/messages/s4u.ts'
import { decodeTicket } from '../../../src/kcd/messages/ticket.ts'
import { hex, readVectors } from '../vectors.ts'

/** The samples are of another implementation: one name, one realm, one time throughout. */
const { encodings } = readVectors<{ encodings: Record<string, string> }>('encodings.json')
const sample = (name: string): Buffer => hex(encodings[name] ?? '')
const name = { type: 1, components: ['hftsai', 'extra'] }
const realm = 'ATHENA.MIT.EDU'
const at = new Date('1994-06-10T06:03:17Z')
const instant = { seconds: 771_228_197, microseconds: 123_456 }
const cipher = Buffer.from('krbASN.1 test message')
const paData = { type: 13, value: Buffer.from('pa-data') }

const body = { options: 0xfedcba90, realm, service: name, till: at, nonce: 42, encryptionTypes: [0, 1] }

for (const [what, made, expected] of [
  ['Authenticator', () => encodeAuthenticator({ client: { name, realm }, instant }), 'authenticator(optionals NULL)'],
  ['AP-REQ', () => apRequest(sample('ticket'), encodeEncryptedData(0, cipher, 5), 0xfedcba98), 'ap_req'],
  ['KDC-REQ-BODY', () => encodeKdcRequestBody(body), 'kdc_req_body(optionals NULL except server)'],
  ['AS-REQ', () => encodeAsRequest(encodeKdcRequestBody(body)), 'as_req(optionals NULL except server)'],
  ['TGS-REQ', () => encodeTgsRequest(encodeKdcRequestBody(body), []), 'tgs_req(optionals NULL except server)'],
  ['EncryptedData', () => encodeEncryptedData(0, cipher, 5), 'enc_data'],
  ['EncryptedData of a key version below 0', () => encodeEncryptedData(0, cipher, -1), 'enc_data(kvno=-1)'],
  ['PA-ENC-TS-ENC', () => timestamp(instant), 'pa_enc_ts'],
  ['METHOD-DATA', () => encodeMethodData([paData, paData]), 'padata_sequence'],
  ['METHOD-DATA without elements', () => encodeMethodData([]), 'padata_sequence(empty)'],
  [
    'AuthorizationData',
    () => encodeAuthorizationData(Array(2).fill({ type: 1, data: Buffer.from('foobar') })),
    'authorization_data',
  ],
] as [string, () => Buffer | Encodable, string][]) {
  t.test(`${what} is encoded as MIT krb5 encodes it`, async (t) => {
    const element = made()
    t.equal((Buffer.isBuffer(element) ? element : encode(element)).toString('hex'), encodings[expected])
  })
}

t.test('a request with additional tickets has them as they came', async (t) => {
  const tickets = [sample('ticket'), sample('ticket')]
  const octets = encodeKdcRequestBody({ ...body, options: 0xfedcba98, additionalTickets: tickets })
  // The sample has no service, which a request of ours always has.
  const withoutService = encodings['kdc_req_body(optionals NULL except second_ticket)'] ?? ''
  t.ok(octets.toString('hex').endsWith(withoutService.slice(withoutService.indexOf('ab81bf'))))
})

t.test('a ticket is read, and kept as it came', async (t) => {
  const ticket = decodeTicket(sample('ticket'))
  t.same(ticket.service, name)
  t.equal(ticket.realm, realm)
  t.same(ticket.encrypted, { encryptionType: 0, keyVersion: 5, cipher })
  t.same(ticket.encoded, sample('ticket'))
})

for (const exchange of ['AS', 'TGS'] as const) {
  const file = exchange === 'AS' ? 'as_rep' : 'tgs_rep'
  t.test(`${exchange}-REP is read`, async (t) => {
    const answer = decodeKdcAnswer(sample(file), exchange)
    t.match(answer, {
      kind: 'reply',
      clientRealm: realm,
      client: name,
      paData: [paData, paData],
      encrypted: { cipher },
    })
    t.match(decodeKdcAnswer(sample(`${file}(optionals NULL)`), exchange), { kind: 'reply', paData: [] })
    const other = exchange === 'AS' ? 'TGS' : 'AS'
    t.throws(
      () => decodeKdcAnswer(sample(file), other),
      { code: 'malformed' },
      'not as the answer of the other exchange',
    )
  })
}

t.test('KRB-ERROR is read', async (t) => {
  t.match(decodeKrbError(sample('error')), {
    kind: 'error',
    errorCode: 60,
    serverTime: new Date(at.getTime() + 123),
    clientRealm: realm,
    client: name,
    realm,
    service: name,
    text: 'krb5data',
    data: Buffer.from('krb5data'),
    ntStatus: undefined,
  })
  t.match(decodeKrbError(sample('error(optionals NULL)')), { errorCode: 60, text: undefined, data: undefined })
  t.match(decodeKdcAnswer(sample('error'), 'AS'), { kind: 'error' })
})

t.test('ETYPE-INFO2 is read', async (t) => {
  t.same(decodeEncryptionTypeInfo(sample('etype_info2')), [
    { encryptionType: 0, salt: Buffer.from("Morton's #0"), parameters: Buffer.from('s2k: 0') },
    { encryptionType: 1, salt: undefined, parameters: Buffer.from('s2k: 1') },
    { encryptionType: 2, salt: Buffer.from("Morton's #2"), parameters: Buffer.from('s2k: 2') },
  ])
})

t.test('the encryption types a KDC offers are told, whether they are supported or not', async (t) => {
  t.same(offeredEncryptionTypes([paData, { type: 19, value: sample('etype_info2') }]), [0, 1, 2])
  t.same(offeredEncryptionTypes([paData]), [])
})

t.test('METHOD-DATA, AuthorizationData and EncryptedData are read', async (t) => {
  t.same(decodeMethodData(sample('padata_sequence')), [paData, paData])
  t.same(decodeMethodData(sample('padata_sequence(empty)')), [])
  const element = { type: 1, data: Buffer.from('foobar') }
  t.same(readAuthorizationData(decode(sample('authorization_data'), 'x')), [element, element])
  t.equal(readEncryptedData(decode(sample('enc_data(MSB-set kvno)'), 'x')).keyVersion, -16_777_216)
})

t.test('PA-S4U-X509-USER with a checksum that is not the key’s is refused', async (t) => {
  const key = createEncryptionKey(18, Buffer.alloc(32, 1))
  t.equal(checksum(key, 26, Buffer.alloc(0)).length, 12)
  t.throws(() => openPaS4uX509User(sample('pa_s4u_x509_user'), 13_243_546, key), { code: 'integrity' })
})

t.test('every sample is DER to us', async (t) => {
  for (const [what, octets] of Object.entries(encodings)) t.ok(decode(hex(octets), what), what)
})
