/**
 * The AS exchange of an account of our own: key in, ticket-granting ticket out (RFC 4120 §3.1). The first request goes
 * without proof, because only the KDC knows the salt and which key it has; then with an encrypted timestamp, or inside a
 * FAST tunnel with an encrypted challenge (RFC 6113 §5.4). The KDC's errors may send it round again, a few times.
 */
import { type EncryptionKey, randomEncryptionKey } from '../crypto/encryption-key.ts'
import { encryptionTypeName, PREFERRED_ENCRYPTION_TYPES } from '../crypto/encryption-type.ts'
import { KdcErrorCode } from '../kdc-error-facts.ts'
import { kerberosErrorFromKdc } from '../kdc-refusal.ts'
import { KerberosError } from '../kerberos-error.ts'
import { encodeApRequest } from '../messages/ap-request.ts'
import { randomNonce } from '../messages/authenticator.ts'
import {
  armorKey,
  checkFastFinished,
  checkKdcChallenge,
  encryptedChallenge,
  type FastReply,
  fastRequest,
  openFastReply,
  strengthenedKey,
} from '../messages/fast.ts'
import { flagsOf, KdcOption } from '../messages/flags.ts'
import { decodeKdcAnswer, type KdcReply, openAsReply } from '../messages/kdc-reply.ts'
import { encodeAsRequest, encodeKdcRequestBody } from '../messages/kdc-request.ts'
import { decodeKrbError, type KrbError, methodDataOf } from '../messages/krb-error.ts'
import { findPaData, type PaData, PaDataType } from '../messages/pa-data.ts'
import {
  decodeEncryptionTypeInfo,
  type EncryptionTypeInfo,
  encryptedTimestamp,
  offeredEncryptionTypes,
} from '../messages/preauthentication.ts'
import { sameName, sameNameIgnoringCase, ticketGrantingService } from '../principal-name.ts'
import { type ExchangeParts, nextInstant, tillOf } from './exchange-parts.ts'
import { type GrantedTicket, grantedTicket } from './granted-ticket.ts'
import { accountOf, type LongTermKeys } from './long-term-keys.ts'

/** Without proof, with it, with corrected clock, with an older key: more rounds make no sense. */
const MOST_ROUNDS = 5

/**
 * Gets a ticket-granting ticket of the account's realm.
 * @param armor ticket-granting ticket of the account that armours FAST; undefined: no FAST.
 * @throws {KerberosError} `preauthentication`, `armor-required`, `clock-skew`, `encryption-type`, `keytab`,
 * `user-unusable`, `kdc-unreachable`, `integrity`, `mismatch` …
 */
export async function requestTicketGrantingTicket(
  parts: ExchangeParts,
  keys: LongTermKeys,
  armor: GrantedTicket | undefined,
  signal: AbortSignal,
): Promise<GrantedTicket> {
  const { realm } = keys.principal
  const doing = `a ticket-granting ticket of ${accountOf(keys)}`
  const encryptionTypes = await keys.encryptionTypes()
  let proof: Proof | undefined
  let undoCorrection: (() => void) | undefined
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const asked = await ask(parts, keys, armor, encryptionTypes, proof, signal)
    const { answer } = asked
    if (answer.kind === 'reply') return accept(parts, keys, asked, answer, proof)
    const refused = (options: Parameters<typeof kerberosErrorFromKdc>[2] = {}) =>
      kerberosErrorFromKdc(answer, doing, options)
    switch (answer.errorCode) {
      case KdcErrorCode.KDC_ERR_PREAUTH_REQUIRED:
      case KdcErrorCode.KDC_ERR_PREAUTH_FAILED:
      case KdcErrorCode.KRB_AP_ERR_BAD_INTEGRITY:
        if (asked.tunnel !== undefined && asked.tunnel.reply === undefined) throw outsideTunnel(realm)
        if (proof === undefined && answer.errorCode === KdcErrorCode.KDC_ERR_PREAUTH_REQUIRED) {
          proof = await chooseProof(keys, asked, armor !== undefined)
          break
        }
        // While a password is being changed, the KDC that answers may not know the newest key yet.
        proof = olderProof(proof)
        if (proof === undefined) throw refused({ code: 'preauthentication' })
        break
      case KdcErrorCode.KRB_AP_ERR_SKEW:
        if (undoCorrection !== undefined) {
          undoCorrection()
          throw refused()
        }
        undoCorrection = parts.clocks.correct(realm, answer.serverTime)
        break
      case KdcErrorCode.KDC_ERR_C_PRINCIPAL_UNKNOWN:
        throw refused({ code: 'preauthentication', advice: OWN_NAME_ADVICE })
      default:
        throw refused(
          armor === undefined && isPolicyOnArmor(answer) ? { code: 'armor-required', advice: ARMOR_ADVICE } : {},
        )
    }
  }
  throw new KerberosError('preauthentication', `the KDC of ${realm} asks for ever more proof for ${doing}`, { realm })
}

const OWN_NAME_ADVICE =
  'That is the account of this gateway: check the principal in the configuration against the keytab and the directory ' +
  '(on AD it must be the sAMAccountName or the userPrincipalName, which ktpass /princ sets).'
const ARMOR_ADVICE =
  'Configure an armour keytab of an account of this realm, such as the machine account, or exempt the account of this ' +
  'gateway from FAST.'

/** How we prove that we have the key: keys from newest to oldest, and which of them is next. */
interface Proof {
  readonly info: EncryptionTypeInfo
  readonly keys: readonly EncryptionKey[]
  readonly index: number
  readonly kind: 'timestamp' | 'challenge'
  readonly cookie: PaData | undefined
}

interface Asked {
  readonly answer: KdcReply | KrbError
  readonly nonce: number
  /** What the KDC said about preauthentication. */
  readonly paData: readonly PaData[]
  readonly tunnel: { readonly key: EncryptionKey; readonly reply: FastReply | undefined } | undefined
}

async function ask(
  parts: ExchangeParts,
  keys: LongTermKeys,
  armor: GrantedTicket | undefined,
  encryptionTypes: readonly number[],
  proof: Proof | undefined,
  signal: AbortSignal,
): Promise<Asked> {
  const { realm, name } = keys.principal
  const nonce = randomNonce()
  const body = encodeKdcRequestBody({
    options: flagsOf(KdcOption.FORWARDABLE),
    client: name,
    realm,
    service: ticketGrantingService(realm),
    till: tillOf({ ...parts, ticketLifetime: TGT_LIFETIME }, realm),
    nonce,
    // Those that we have keys of first, because the KDC takes the first it can; the others for the session key.
    encryptionTypes: [...new Set([...encryptionTypes, ...PREFERRED_ENCRYPTION_TYPES])],
  })
  if (armor === undefined) {
    const request = encodeAsRequest(body, proof === undefined ? [] : proofData(parts, realm, proof, undefined))
    const answer = decodeKdcAnswer(await parts.kdc.ask(realm, request, signal), 'AS')
    return { answer, nonce, paData: paDataOf(answer), tunnel: undefined }
  }
  const subkey = randomEncryptionKey(armor.sessionKey.type.number)
  const key = armorKey(subkey, armor.sessionKey)
  const armorApRequest = encodeApRequest({
    ticket: armor.ticket.encoded,
    sessionKey: armor.sessionKey,
    authenticator: { client: armor.client, instant: nextInstant(parts, realm), subkey },
  })
  const paData = proof === undefined ? [] : proofData(parts, realm, proof, key)
  const request = encodeAsRequest(body, [fastRequest({ armorKey: key, armorApRequest, covered: body, paData, body })])
  const answer = decodeKdcAnswer(await parts.kdc.ask(realm, request, signal), 'AS')
  const reply = openFastReply(paDataOf(answer), key, nonce)
  const tunnel = { key, reply }
  if (reply === undefined) return { answer, nonce, paData: [], tunnel }
  const inner = findPaData(reply.paData, PaDataType.FX_ERROR)
  const error = answer.kind === 'error' && inner !== undefined ? decodeKrbError(inner) : undefined
  return { answer: error ?? answer, nonce, paData: reply.paData, tunnel }
}

/** A ticket-granting ticket is used by us alone: as long as the KDC gives. */
const TGT_LIFETIME = 86_400

function paDataOf(answer: KdcReply | KrbError): readonly PaData[] {
  return answer.kind === 'reply' ? answer.paData : methodDataOf(answer)
}

function proofData(parts: ExchangeParts, realm: string, proof: Proof, tunnel: EncryptionKey | undefined): PaData[] {
  const key = proof.keys[proof.index] as EncryptionKey
  const instant = nextInstant(parts, realm)
  const proved =
    proof.kind === 'challenge' && tunnel !== undefined
      ? encryptedChallenge(tunnel, key, instant)
      : encryptedTimestamp(key, instant)
  return proof.cookie === undefined ? [proved] : [proof.cookie, proved]
}

/** Which of the KDC's offers is taken up, and with which keys. */
async function chooseProof(keys: LongTermKeys, { paData }: Asked, armored: boolean): Promise<Proof> {
  const offers = (type: number) => findPaData(paData, type) !== undefined
  const challenge = armored && offers(PaDataType.ENCRYPTED_CHALLENGE)
  if (!challenge && !offers(PaDataType.ENC_TIMESTAMP)) {
    const { realm } = keys.principal
    if (!armored && offers(PaDataType.FX_FAST)) {
      throw new KerberosError(
        'armor-required',
        `the KDC of ${realm} takes ${accountOf(keys)} by FAST alone. ${ARMOR_ADVICE}`,
        {
          kdcCode: KdcErrorCode.KDC_ERR_PREAUTH_REQUIRED,
          realm,
        },
      )
    }
    const message =
      `the KDC of ${realm} offers ${accountOf(keys)} no preauthentication by key or password. ` +
      'The account must be able to log on by password or keytab (on AD: no "smart card is required").'
    throw new KerberosError('preauthentication', message, { kdcCode: KdcErrorCode.KDC_ERR_PREAUTH_REQUIRED, realm })
  }
  const octets = findPaData(paData, PaDataType.ETYPE_INFO2)
  const cookie = paData.find((one) => one.type === PaDataType.FX_COOKIE)
  for (const info of octets === undefined ? [] : decodeEncryptionTypeInfo(octets)) {
    const usable = await keys.keys(info)
    if (usable.length > 0) return { info, keys: usable, index: 0, kind: challenge ? 'challenge' : 'timestamp', cookie }
  }
  const offered = offeredEncryptionTypes(paData).map(encryptionTypeName).join(', ') || 'none'
  const ours = (await keys.encryptionTypes()).map(encryptionTypeName).join(', ')
  throw new KerberosError(
    'encryption-type',
    `the KDC of ${keys.principal.realm} has keys of ${accountOf(keys)} for ${offered}, we for ${ours}. RC4 and DES are ` +
      'not supported: turn AES on for the account (Set-ADUser NAME -KerberosEncryptionType AES128,AES256), set its ' +
      'password anew so that AES keys exist, and make a new keytab.',
    { realm: keys.principal.realm },
  )
}

/** The next older key, once: each wrong one counts as a failed logon. */
function olderProof(proof: Proof | undefined): Proof | undefined {
  return proof !== undefined && proof.index === 0 && proof.keys.length > 1 ? { ...proof, index: 1 } : undefined
}

async function accept(
  parts: ExchangeParts,
  keys: LongTermKeys,
  { nonce, paData, tunnel }: Asked,
  reply: KdcReply,
  proof: Proof | undefined,
): Promise<GrantedTicket> {
  const { realm, name } = keys.principal
  if (tunnel !== undefined && tunnel.reply === undefined) {
    throw outsideTunnel(realm)
  }
  const told = proof?.info ?? infoOf(tunnel === undefined ? reply.paData : paData, reply.encrypted.encryptionType)
  const candidates = proof === undefined ? await keys.keys(told) : [proof.keys[proof.index] as EncryptionKey]
  if (candidates.length === 0) {
    const type = encryptionTypeName(reply.encrypted.encryptionType)
    throw new KerberosError(
      'encryption-type',
      `the KDC answers ${accountOf(keys)} in ${type}, which there is no key for`,
    )
  }
  const { content, key } = firstThatOpens(candidates, (candidate) =>
    openAsReply(reply, tunnel?.reply === undefined ? candidate : strengthenedKey(tunnel.reply, candidate)),
  )
  const ticket = grantedTicket(reply, content, { nonce, now: parts.clocks.now(realm) })
  if (tunnel?.reply !== undefined) {
    checkFastFinished(tunnel.reply, reply.ticket, tunnel.key)
    checkKdcChallenge(tunnel.reply, tunnel.key, key)
  }
  const { service, client } = ticket
  if (service.realm !== realm || !sameName(service.name, ticketGrantingService(realm))) {
    throw new KerberosError('mismatch', `the KDC of ${realm} gave another ticket than a ticket-granting one`, { realm })
  }
  if (client.realm !== realm || !sameNameIgnoringCase(client.name, name)) {
    throw new KerberosError('mismatch', `the KDC of ${realm} gave a ticket for another account than ours`, { realm })
  }
  return ticket
}

/** What a KDC that wants no preauthentication says about the key of its reply. */
function infoOf(paData: readonly PaData[], encryptionType: number): EncryptionTypeInfo {
  const octets = findPaData(paData, PaDataType.ETYPE_INFO2)
  const told = octets === undefined ? [] : decodeEncryptionTypeInfo(octets)
  return (
    told.find((info) => info.encryptionType === encryptionType) ?? {
      encryptionType,
      salt: findPaData(paData, PaDataType.PW_SALT),
    }
  )
}

/** @throws what the last key failed with; that is the error of the newest one where there is one alone. */
function firstThatOpens<T>(
  keys: readonly EncryptionKey[],
  open: (key: EncryptionKey) => T,
): { content: T; key: EncryptionKey } {
  let failure: unknown
  for (const key of keys) {
    try {
      return { content: open(key), key }
    } catch (error) {
      if (!(error instanceof KerberosError) || error.code !== 'integrity') throw error
      failure ??= error
    }
  }
  throw failure
}

function outsideTunnel(realm: string): KerberosError {
  const message =
    `the KDC of ${realm} answers outside the FAST tunnel: it does not support FAST, or someone on the way took it off. ` +
    'Leave the armour keytab out where no KDC of the realm supports it.'
  return new KerberosError('armor-required', message, { realm })
}

/** A domain that is set to fail unarmoured requests says so by KDC_ERR_POLICY. */
function isPolicyOnArmor(error: KrbError): boolean {
  return (
    error.errorCode === KdcErrorCode.KDC_ERR_POLICY && findPaData(methodDataOf(error), PaDataType.FX_FAST) !== undefined
  )
}
