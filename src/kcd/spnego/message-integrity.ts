import { type EncryptionKey, verifyChecksum } from '../crypto/encryption-key.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import { KerberosError } from '../kerberos-error.ts'

const HEADER = 16
const SENT_BY_ACCEPTOR = 1
const SEALED = 2
const ACCEPTOR_SUBKEY = 4

/**
 * Checks a MIC token of the acceptor over a message.
 * @param key the acceptor's subkey where it asserted one, else ours.
 * @param acceptorSubkey whether it is the acceptor's.
 * @throws {KerberosError} `mutual-authentication`
 * @see RFC 4121 §4.2.6.1
 */
export function checkAcceptorMic(
  token: Uint8Array,
  message: Uint8Array,
  key: EncryptionKey,
  acceptorSubkey: boolean,
): void {
  const header = token.subarray(0, HEADER)
  const flags = header[2] ?? 0
  const wellFormed =
    token.length === HEADER + key.type.macLength &&
    header[0] === 0x04 &&
    header[1] === 0x04 &&
    header.subarray(3, 8).every((octet) => octet === 0xff) &&
    (flags & (SENT_BY_ACCEPTOR | SEALED)) === SENT_BY_ACCEPTOR &&
    ((flags & ACCEPTOR_SUBKEY) !== 0) === acceptorSubkey
  const covered = Buffer.concat([message, header])
  if (!wellFormed || !verifyChecksum(key, KeyUsage.GSS_ACCEPTOR_SIGN, covered, token.subarray(HEADER))) {
    throw new KerberosError(
      'mutual-authentication',
      'the MIC over the list of mechanisms is wrong: the negotiation was changed on the way',
    )
  }
}
