import { createSecretKey, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { KerberosError } from '../kerberos-error.ts'
import { createEncryptionKey, type EncryptionKey } from './encryption-key.ts'
import { type EncryptionType, encryptionType } from './encryption-type.ts'
import { dr, kdfHmacSha2 } from './key-derivation.ts'

const pbkdf2Async = promisify(pbkdf2)
const KERBEROS = Buffer.from('kerberos')

/** A KDC's answer to a request without preauthentication is not authentic: what it may ask for is bounded. */
const FEWEST_ITERATIONS = 4096
const MOST_ITERATIONS = 1_000_000

/**
 * The key of a password. Runs in the thread pool.
 * @param salt as the KDC names it in ETYPE-INFO2, or `defaultSalt`.
 * @param iterations PBKDF2 iterations; `iterationsOf` reads the KDC's parameters. Default: the encryption type's.
 * @throws {KerberosError} `encryption-type` for a type that is not supported.
 * @see RFC 3962 §4, RFC 8009 §4
 */
export async function stringToKey(
  number: number,
  password: string | Uint8Array,
  salt: string | Uint8Array,
  iterations?: number,
): Promise<EncryptionKey> {
  const type = encryptionType(number, 'the key of a password')
  const rounds = iterations ?? type.defaultIterations
  const seasoning = type.profile === 'rfc3961' ? Buffer.from(salt) : saltWithName(type, salt)
  const intermediate = createSecretKey(await pbkdf2Async(password, seasoning, rounds, type.keyLength, type.hash))
  const octets =
    type.profile === 'rfc3961'
      ? dr(type, intermediate, KERBEROS)
      : kdfHmacSha2(type, intermediate, KERBEROS, type.keyLength)
  return createEncryptionKey(number, octets)
}

/**
 * PBKDF2 iterations from the s2kparams of ETYPE-INFO2 (four octets, big-endian), within bounds.
 * @throws {KerberosError} `malformed` where they are no number or out of bounds: fewer would ease guessing the password
 * from our request, more would keep the processor busy for whoever answers in the KDC's place.
 */
export function iterationsOf(number: number, parameters: Uint8Array | undefined): number {
  if (parameters === undefined || parameters.length === 0) return encryptionType(number).defaultIterations
  if (parameters.length !== 4) {
    throw new KerberosError('malformed', `string-to-key parameters of ${parameters.length} octets, 4 expected`)
  }
  const iterations = Buffer.from(parameters).readUInt32BE()
  if (iterations < FEWEST_ITERATIONS || iterations > MOST_ITERATIONS) {
    throw new KerberosError(
      'malformed',
      `the KDC asks for ${iterations} iterations of string-to-key, ${FEWEST_ITERATIONS} to ${MOST_ITERATIONS} are allowed`,
    )
  }
  return iterations
}

/** The salt of an account where the KDC names none: realm and the name's components without separators (RFC 4120 §4). */
export function defaultSalt(realm: string, components: readonly string[]): string {
  return realm + components.join('')
}

/** RFC 8009 §4: the encryption type's name and a zero octet go before the salt. */
function saltWithName(type: EncryptionType, salt: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${type.name}\0`), Buffer.from(salt)])
}
