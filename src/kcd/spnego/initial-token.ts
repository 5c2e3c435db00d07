import {
  type Encodable,
  encode,
  encoded,
  field,
  framing,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from '../messages/der-writer.ts'
import { KERBEROS_MECHANISM, SPNEGO_MECHANISM, TokenId } from './mechanism.ts'

/** MechTypeList as NegTokenInit has it: what a mechListMIC covers. */
export const MECHANISM_LIST = encode(sequence(objectIdentifier(KERBEROS_MECHANISM)))

/** GSS flags that the checksum announces (RFC 4121 §4.1.1.1). */
export const GssFlag = { MUTUAL: 2, REPLAY: 4, SEQUENCE: 8, CONFIDENTIALITY: 16, INTEGRITY: 32 } as const

const AD_IF_RELEVANT = 1
const AD_AP_OPTIONS = 143

/** Number of the checksum type of GSS authenticators. */
export const GSS_CHECKSUM = 0x8003

/**
 * What stands as the checksum in the authenticator: channel binding and flags.
 * @param bindingHash of `channelBindingHash`; zeros where there is no binding.
 * @see RFC 4121 §4.1.1
 */
export function gssChecksum(flags: number, bindingHash?: Uint8Array): Buffer {
  const octets = Buffer.alloc(24)
  octets.writeUInt32LE(16)
  if (bindingHash !== undefined) octets.set(bindingHash, 4)
  octets.writeUInt32LE(flags, 20)
  return octets
}

/**
 * KERB_AP_OPTIONS_CBT in AD-IF-RELEVANT: says that the channel binding is meant, so that a service may refuse a missing
 * or wrong one even where it does not insist on one from everybody.
 * @see [MS-KILE] 3.2.5.8
 */
export function channelBindingIsMeant(): { type: number; data: Buffer } {
  const option = Buffer.from([0x00, 0x40, 0x00, 0x00])
  return {
    type: AD_IF_RELEVANT,
    data: encode(sequence(sequence(field(0, integer(AD_AP_OPTIONS)), field(1, octetString(option))))),
  }
}

/**
 * The GSS token around an AP-REQ, in a NegTokenInit that offers Kerberos alone.
 * @see RFC 2743 §3.1, RFC 4121 §4.1, RFC 4178 §4.2.1
 */
export function negotiationToken(apRequest: Encodable): Buffer {
  const tokenId = Buffer.alloc(2)
  tokenId.writeUInt16BE(TokenId.AP_REQ)
  const gssToken = framed(KERBEROS_MECHANISM, Buffer.concat([tokenId, encode(apRequest)]))
  const init = sequence(field(0, encoded(MECHANISM_LIST)), field(2, octetString(encode(gssToken))))
  return encode(framed(SPNEGO_MECHANISM, encode(field(0, init))))
}

/** `[APPLICATION 0]` with the mechanism before its token; what is inside is not one element but two behind each other. */
function framed(mechanism: string, token: Uint8Array): Encodable {
  return framing(0, Buffer.concat([encode(objectIdentifier(mechanism)), token]))
}
