import { createEncryptionKey, type EncryptionKey } from '../crypto/encryption-key.ts'
import { kerberosErrorFromKdc } from '../kdc-refusal.ts'
import { KerberosError } from '../kerberos-error.ts'
import { type ApReply, openApReply } from '../messages/ap-reply.ts'
import {
  type DerElement,
  decode,
  readContext,
  readEnumerated,
  readFields,
  readObjectIdentifier,
  readOctets,
} from '../messages/der-reader.ts'
import { malformed } from '../messages/der-structure.ts'
import { decodeKrbError } from '../messages/krb-error.ts'
import { unframe } from './gss-token.ts'
import { MECHANISM_LIST } from './initial-token.ts'
import { KERBEROS_MECHANISM_OCTETS, TokenId, WINDOWS_KERBEROS_MECHANISM_OCTETS } from './mechanism.ts'
import { checkAcceptorMic } from './message-integrity.ts'
import type { Negotiation } from './negotiator.ts'

/** `proved`: the backend showed that it has the service's key. `silent`: it accepted without showing anything. */
export type BackendProof = 'proved' | 'silent'

/** Text of an answer, base64. An honest one has some 200 characters, one with a KRB-ERROR and its data a little more. */
const LONGEST_ANSWER = 16_384

const ACCEPT_COMPLETED = 0
const REJECT = 2

/**
 * Judges what a backend sent behind `Negotiate ` in WWW-Authenticate.
 * @param answer the text after `Negotiate `, or undefined or empty where it sent none.
 * @param negotiation the token that it answers.
 * @param sessionKey of the service ticket.
 * @returns `proved` or `silent`; whether `silent` is enough is the caller's to say.
 * @throws {KerberosError} `mutual-authentication` for an answer that proves the wrong thing; the code of the backend's
 * KRB-ERROR (`ticket-expired`, `clock-skew`, `integrity` …, with `kdcCode`) where it refused the ticket with one;
 * `malformed` and `integrity` for anything forged.
 * @see RFC 4559 §4.2, RFC 4178 §4.2.2, RFC 4121 §4.1
 */
export function checkBackendAnswer(
  answer: string | undefined,
  negotiation: Negotiation,
  sessionKey: EncryptionKey,
): BackendProof {
  if (answer === undefined || answer === '') return 'silent'
  const octets = decodeBase64(answer)
  // A backend that was spoken to in SPNEGO may answer in Kerberos itself.
  const { state, mechanism, token, mic } = octets[0] === 0x60 ? { token: octets } : readAnswer(octets)
  const reply = token === undefined ? undefined : openResponse(token, negotiation, sessionKey)
  if (state === REJECT) throw refused('the backend rejected the negotiation')
  if (mechanism !== undefined && !isKerberos(mechanism)) throw refused(`the backend chose ${NOT_KERBEROS}`)
  if (state !== undefined && state !== ACCEPT_COMPLETED) throw refused('the backend asks for a further step')
  if (mic !== undefined) {
    const key = reply?.subkey ?? createEncryptionKey(sessionKey.type.number, negotiation.subkey)
    checkAcceptorMic(mic, MECHANISM_LIST, key, reply?.subkey !== undefined)
  }
  return reply === undefined && mic === undefined ? 'silent' : 'proved'
}

interface Answer {
  readonly state?: number | undefined
  readonly mechanism?: string | undefined
  readonly token?: Buffer | undefined
  readonly mic?: Buffer | undefined
}

/** NegTokenResp of RFC 4178 §4.2.2. */
function readAnswer(octets: Buffer): Answer {
  const fields = readFields(readContext(decode(octets, WHAT), 1))
  const read = <T>(tag: number, reader: (element: DerElement) => T): T | undefined => {
    const found = fields.optional(tag)
    return found && reader(found)
  }
  return {
    state: read(0, readEnumerated),
    mechanism: read(1, readObjectIdentifier),
    token: read(2, readOctets),
    mic: read(3, readOctets),
  }
}

/** The mechanism's own answer: AP-REP, or the KRB-ERROR that says why not. */
function openResponse(octets: Buffer, negotiation: Negotiation, sessionKey: EncryptionKey): ApReply {
  const { mechanism, content } = unframe(octets, WHAT)
  if (!isKerberos(mechanism)) throw refused(`the backend answers by ${NOT_KERBEROS}`)
  if (content.length < 2) throw malformed(WHAT, 'cut off')
  const message = content.subarray(2)
  switch (content.readUInt16BE(0)) {
    case TokenId.AP_REP:
      return openApReply(message, sessionKey, negotiation.instant)
    case TokenId.ERROR:
      throw kerberosErrorFromKdc(decodeKrbError(message), 'the ticket', { by: 'the backend' })
    default:
      throw malformed(WHAT, 'neither AP-REP nor KRB-ERROR')
  }
}

function isKerberos(mechanism: string): boolean {
  return mechanism === KERBEROS_MECHANISM_OCTETS || mechanism === WINDOWS_KERBEROS_MECHANISM_OCTETS
}

function decodeBase64(text: string): Buffer {
  if (text.length > LONGEST_ANSWER)
    throw malformed(WHAT, `${text.length} characters, at most ${LONGEST_ANSWER} are taken`)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) throw malformed(WHAT, 'not base64')
  return Buffer.from(text, 'base64')
}

function refused(why: string): KerberosError {
  return new KerberosError('mutual-authentication', why)
}

const WHAT = 'the answer of the backend'
const NOT_KERBEROS =
  'another mechanism than Kerberos (NTLM?): check that it runs as the account that has the SPN, and that Negotiate is among its providers'
