import type { EncryptionKey } from '../crypto/encryption-key.ts'
import { KeyUsage } from '../crypto/key-usage.ts'
import { type Authenticator, encodeAuthenticator } from './authenticator.ts'
import { application, type Encodable, encode, encoded, field, flagBits, integer, sequence } from './der-writer.ts'
import { encodeEncrypted, VERSION_FIRST } from './kerberos-types.ts'

export interface ApRequest {
  /** The ticket as the KDC made it. */
  readonly ticket: Uint8Array
  /** Session key of the ticket. */
  readonly sessionKey: EncryptionKey
  readonly authenticator: Authenticator
  /** APOptions, see `ApOption`. */
  readonly options?: number
  /** `AP_REQ_AUTHENTICATOR` for a service, `TGS_REQ_AUTHENTICATOR` for a KDC. */
  readonly usage?: number
}

/** AP-REQ of RFC 4120 §5.5.1. */
export function encodeApRequest({ usage = KeyUsage.AP_REQ_AUTHENTICATOR, ...request }: ApRequest): Buffer {
  const authenticator = encode(encodeAuthenticator(request.authenticator))
  return encode(
    apRequest(request.ticket, encodeEncrypted(request.sessionKey, usage, authenticator), request.options ?? 0),
  )
}

const MESSAGE_TYPE = field(1, integer(14))

/** AP-REQ around an authenticator that is encrypted already. */
export function apRequest(ticket: Uint8Array, authenticator: Encodable, options: number): Encodable {
  return application(
    14,
    sequence(
      VERSION_FIRST,
      MESSAGE_TYPE,
      field(2, flagBits(options)),
      field(3, encoded(ticket)),
      field(4, authenticator),
    ),
  )
}
