import t from 'tap'
import { decrypt, randomEncryptionKey, sameKey, verifyChecksum } from '../../../src/kcd/crypto/encryption-key.ts'
import { PREFERRED_ENCRYPTION_TYPES } from '../../../src/kcd/crypto/encryption-type.ts'
import { combineKeys } from '../../../src/kcd/crypto/key-combination.ts'
import { KeyUsage } from '../../../src/kcd/crypto/key-usage.ts'
import {
  decode,
  encodedOf,
  readContext,
  readFields,
  readFlags,
  readInteger,
  readOctets,
} from '../../../src/kcd/messages/der-reader.ts'
import { encode } from '../../../src/kcd/messages/der-writer.ts'
import {
  armorKey,
  checkFastFinished,
  checkKdcChallenge,
  encryptedChallenge,
  fastRequest,
  openFastReply,
  strengthenedKey,
} from '../../../src/kcd/messages/fast.ts'
import { encodeEncrypted, readChecksum, readEncryptedData } from '../../../src/kcd/messages/kerberos-types.ts'
import { PaDataType, readPaDataList } from '../../../src/kcd/messages/pa-data.ts'
import { timestamp } from '../../../src/kcd/messages/preauthentication.ts'
import { decodeTicket } from '../../../src/kcd/messages/ticket.ts'
import { tryHostileOctets } from '../hostile-octets.ts'
import { fastReply, issueTicket } from '../peer-messages.ts'

const realm = 'EXAMPLE.TEST'
const client = { name: { type: 2, components: ['HTTP', 'gateway.example.test'] }, realm }
const service = { name: { type: 2, components: ['krbtgt', realm] }, realm }
const instant = { seconds: 1_795_435_200, microseconds: 250_000 }

for (const number of PREFERRED_ENCRYPTION_TYPES) {
  t.test(`FAST with encryption type ${number}`, async (t) => {
    const subkey = randomEncryptionKey(number)
    const sessionKey = randomEncryptionKey(number)
    const armor = armorKey(subkey, sessionKey)
    t.ok(sameKey(armor, combineKeys(subkey, sessionKey, 'subkeyarmor', 'ticketarmor')))

    t.test('a request has the armour, the checksum of what it is bound to, and the real request inside', async (t) => {
      const outer = Buffer.from('outer body')
      const inner = Buffer.from('3000', 'hex')
      const padata = [{ type: 138, value: Buffer.from('challenge') }]
      const { type, value } = fastRequest({
        armorKey: armor,
        armorApRequest: Buffer.from('ap-req'),
        covered: outer,
        paData: padata,
        body: inner,
      })
      t.equal(type, PaDataType.FX_FAST)
      const fields = readFields(readContext(decode(value, 'x'), 0))
      const carried = readFields(fields.required(0))
      t.equal(readInteger(carried.required(0)), 1)
      t.equal(readOctets(carried.required(1)).toString(), 'ap-req')
      const bound = readChecksum(fields.required(1))
      t.equal(bound.type, armor.type.checksumType)
      t.ok(verifyChecksum(armor, KeyUsage.FAST_REQ_CHECKSUM, outer, bound.octets))
      const content = decrypt(armor, KeyUsage.FAST_ENC, readEncryptedData(fields.required(2)).cipher)
      const request = readFields(decode(content, 'x'))
      t.equal(readFlags(request.required(0)), 0)
      t.same(readPaDataList(request.required(1)), padata)
      t.same(encodedOf(request.required(2)), inner)
    })

    t.test('a TGS request needs no armour of its own', async (t) => {
      const inner = Buffer.from('3000', 'hex')
      const { value } = fastRequest({ armorKey: armor, covered: Buffer.from('ap-req'), paData: [], body: inner })
      t.equal(readFields(readContext(decode(value, 'x'), 0)).optional(0), undefined)
    })

    t.test('a reply is opened, bound to request and ticket, and strengthens the reply key', async (t) => {
      const ticket = decodeTicket(issueTicket({ client, service, serviceKey: randomEncryptionKey(number), sessionKey }))
      const strengthenKey = randomEncryptionKey(number)
      const answer = fastReply({ armorKey: armor, nonce: 5, strengthenKey, client, ticket: ticket.encoded })
      const reply = openFastReply([answer], armor, 5)
      if (reply === undefined) throw new Error('no reply')
      t.same(checkFastFinished(reply, ticket, armor).client, client.name)
      const key = randomEncryptionKey(number)
      t.ok(sameKey(strengthenedKey(reply, key), combineKeys(strengthenKey, key, 'strengthenkey', 'replykey')))

      t.throws(() => openFastReply([answer], armor, 6), { code: 'mismatch' }, 'the nonce of another request')
      t.throws(() => openFastReply([answer], subkey, 5), { code: 'integrity' }, 'another armour')
      const other = decodeTicket(issueTicket({ client, service, serviceKey: randomEncryptionKey(number), sessionKey }))
      t.throws(() => checkFastFinished(reply, other, armor), { code: 'integrity' }, 'another ticket')
      const unfinished = openFastReply([fastReply({ armorKey: armor, nonce: 5 })], armor, 5)
      if (unfinished === undefined) throw new Error('no reply')
      t.throws(() => checkFastFinished(unfinished, ticket, armor), { code: 'integrity' }, 'no word on the ticket')
      t.equal(strengthenedKey(unfinished, key), key)
    })

    t.test('the challenge is the time under armour and client key; the KDC’s is checked where it comes', async (t) => {
      const clientKey = randomEncryptionKey(number)
      const { type, value } = encryptedChallenge(armor, clientKey, instant)
      t.equal(type, 138)
      const key = combineKeys(armor, clientKey, 'clientchallengearmor', 'challengelongterm')
      t.same(decrypt(key, 54, readEncryptedData(decode(value, 'x')).cipher), timestamp(instant))

      const kdcKey = combineKeys(armor, clientKey, 'kdcchallengearmor', 'challengelongterm')
      const challenge = { type: 138, value: encode(encodeEncrypted(kdcKey, 55, timestamp(instant))) }
      const reply = openFastReply([fastReply({ armorKey: armor, nonce: 1, paData: [challenge] })], armor, 1)
      if (reply === undefined) throw new Error('no reply')
      t.doesNotThrow(() => checkKdcChallenge(reply, armor, clientKey))
      t.throws(() => checkKdcChallenge(reply, armor, randomEncryptionKey(number)), { code: 'integrity' })
      t.doesNotThrow(() => checkKdcChallenge({ ...reply, paData: [] }, armor, clientKey))
    })
  })
}

t.test('an answer outside the tunnel is told from one inside', async (t) => {
  t.equal(openFastReply([], randomEncryptionKey(18), 1), undefined)
})

t.test('whatever is done to a FAST reply, nothing but a KerberosError comes of it', async (t) => {
  const armor = randomEncryptionKey(18)
  const { value } = fastReply({ armorKey: armor, nonce: 5 })
  const { tried, failures } = tryHostileOctets(value, (octets) =>
    openFastReply([{ type: PaDataType.FX_FAST, value: octets }], armor, 5),
  )
  t.ok(tried > 500)
  t.same(failures, [])
})
