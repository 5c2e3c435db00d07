/**
 * A KDC in the hands of an attacker who has every key, or of nobody who knows what he does: each stage of a delegation is
 * answered correctly in form, and as a test wants it in content.
 */
import { randomBytes } from 'node:crypto'
import { type EncryptionKey, randomEncryptionKey } from '../../../src/kcd/crypto/encryption-key.ts'
import { KeyUsage } from '../../../src/kcd/crypto/key-usage.ts'
import { encodeKeytab } from '../../../src/kcd/keytab.ts'
import { decode, readApplication, readFields, readInteger } from '../../../src/kcd/messages/der-reader.ts'
import { openEncryptedData, readEncryptedData, readKey } from '../../../src/kcd/messages/kerberos-types.ts'
import { findPaData, PaDataType, readPaDataList } from '../../../src/kcd/messages/pa-data.ts'
import { type Principal, parsePrincipal } from '../../../src/kcd/principal-name.ts'
import { type KdcRelay, type RelayedAnswer, startKdcRelay } from '../../lab/kerberos/kdc-relay.ts'
import { issueTicket, type KdcReplyToSend, kdcReply, type TicketToIssue } from '../peer-messages.ts'

export const realm = 'EXAMPLE.TEST'
export const principalOf = (name: string): Principal => parsePrincipal(name, realm)
export const gateway = principalOf('HTTP/gateway.example.test')
export const backend = principalOf('HTTP/backend.example.test')

/** Which question is being answered. */
export type Stage = 'AS' | 'S4U2Self' | 'S4U2Proxy'

/** What of an answer may be forged. */
export interface Forgery {
  readonly reply?: Partial<KdcReplyToSend>
  readonly ticket?: Partial<TicketToIssue>
  /** What is done to the octets of the answer. */
  readonly change?: (answer: Buffer) => Buffer
  /** Instead of the answer. */
  readonly instead?: RelayedAnswer
}

export interface ForgingKdc extends KdcRelay {
  readonly keytab: Buffer
  /** Answers a stage with this forgery from now on; without one everything is honest. */
  forge(stage?: Stage, forgery?: Forgery): void
  /** How often each stage was asked. */
  readonly asked: Readonly<Record<Stage, number>>
}

const NOW = new Date('2026-11-23T12:00:00Z')

/** @param person whom an honest answer speaks for. */
export async function startForgingKdc(person: Principal = principalOf('alice')): Promise<ForgingKdc> {
  const gatewayKey = randomEncryptionKey(18)
  const sessionKey = randomEncryptionKey(18)
  const asked = { AS: 0, S4U2Self: 0, S4U2Proxy: 0 }
  let forged: { stage: Stage; forgery: Forgery } | undefined
  const relay = await startKdcRelay()

  const answer = (stage: Stage, honest: KdcReplyToSend, ticket: TicketToIssue): RelayedAnswer => {
    asked[stage]++
    const forgery = forged?.stage === stage ? forged.forgery : {}
    if (forgery.instead !== undefined) return forgery.instead
    const message = kdcReply({ ...honest, ticket: issueTicket({ ...ticket, ...forgery.ticket }), ...forgery.reply })
    return forgery.change === undefined ? message : forgery.change(message)
  }
  relay.answer(({ kind, request }) => {
    const fields = readFields(readApplication(decode(request, 'the request'), kind === 'AS-REQ' ? 10 : 12))
    const body = readFields(fields.required(4))
    const nonce = readInteger(body.required(7))
    const ticketKey = randomEncryptionKey(18)
    if (kind === 'AS-REQ') {
      const service = principalOf(`krbtgt/${realm}`)
      const ticket = { client: gateway, service, serviceKey: ticketKey, sessionKey }
      const secret = { sessionKey, replyKey: gatewayKey, usage: KeyUsage.AS_REP }
      return answer(
        'AS',
        { exchange: 'AS', client: gateway, service, ticket: randomBytes(1), nonce, ...secret },
        ticket,
      )
    }
    const replyKey = subkeyOf(findPaData(readPaDataList(fields.required(3)), PaDataType.TGS_REQ), sessionKey)
    const stage = body.optional(11) === undefined ? 'S4U2Self' : 'S4U2Proxy'
    const service = stage === 'S4U2Self' ? gateway : backend
    const serviceKey = stage === 'S4U2Self' ? gatewayKey : ticketKey
    const ticketSession = randomEncryptionKey(18)
    const ticket = { client: person, service, serviceKey, sessionKey: ticketSession }
    const secret = { sessionKey: ticketSession, replyKey, usage: KeyUsage.TGS_REP_SUBKEY }
    return answer(stage, { exchange: 'TGS', client: person, service, ticket: randomBytes(1), nonce, ...secret }, ticket)
  })
  return {
    ...relay,
    asked,
    keytab: encodeKeytab([{ ...gateway, keyVersion: 2, writtenAt: NOW, encryptionType: 18, key: gatewayKey }]),
    forge: (stage, forgery = {}) => {
      forged = stage === undefined ? undefined : { stage, forgery }
    },
  }
}

/** The subkey in the authenticator of PA-TGS-REQ. */
function subkeyOf(apRequest: Buffer | undefined, sessionKey: EncryptionKey): EncryptionKey {
  const fields = readFields(readApplication(decode(apRequest ?? Buffer.alloc(0), 'PA-TGS-REQ'), 14))
  const encrypted = readEncryptedData(fields.required(4))
  const octets = openEncryptedData(sessionKey, KeyUsage.TGS_REQ_AUTHENTICATOR, encrypted, 'the authenticator')
  return readKey(readFields(readApplication(decode(octets, 'Authenticator'), 2)).required(6))
}
