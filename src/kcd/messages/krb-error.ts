import type { PrincipalName } from '../principal-name.ts'
import {
  type DerElement,
  decode,
  expectInteger,
  readApplication,
  readFields,
  readInteger,
  readMicroseconds,
  readOctets,
  readString,
  readText,
  readTime,
} from './der-reader.ts'
import { KERBEROS_VERSION, readPrincipalName } from './kerberos-types.ts'
import { decodeMethodData, type PaData } from './pa-data.ts'

/** KRB-ERROR of RFC 4120 §5.9.1. Nothing in it is authentic: anyone on the way can have made it. */
export interface KrbError {
  readonly kind: 'error'
  readonly errorCode: number
  /** The KDC's clock. */
  readonly serverTime: Date
  readonly clientRealm?: string | undefined
  readonly client?: PrincipalName | undefined
  readonly realm: string
  readonly service: PrincipalName
  /** The KDC's own words, as they came: `oneLine` before they are shown. */
  readonly text?: string | undefined
  readonly data?: Buffer | undefined
  /** NTSTATUS in the data that an Active Directory adds. */
  readonly ntStatus?: number | undefined
}

/** @throws {KerberosError} `malformed` */
export function decodeKrbError(octets: Uint8Array): KrbError {
  return readKrbError(decode(octets, 'KRB-ERROR'))
}

export function readKrbError(element: DerElement): KrbError {
  const fields = readFields(readApplication(element, 30))
  expectInteger(fields.required(0), KERBEROS_VERSION)
  expectInteger(fields.required(1), 30)
  const clientRealm = fields.optional(7)
  const client = fields.optional(8)
  const text = fields.optional(11)
  const dataElement = fields.optional(12)
  const data = dataElement && Buffer.from(readOctets(dataElement))
  const serverTime = readTime(fields.required(4)).getTime() + readMicroseconds(fields.required(5)) / 1000
  return {
    kind: 'error',
    serverTime: new Date(serverTime),
    errorCode: readInteger(fields.required(6)),
    clientRealm: clientRealm && readString(clientRealm),
    client: client && readPrincipalName(client),
    realm: readString(fields.required(9)),
    service: readPrincipalName(fields.required(10)),
    text: text && readText(text),
    data,
    ntStatus: data && ntStatusOf(data),
  }
}

/** The preauthentication data in the e-data of an error, or none where it holds something else. */
export function methodDataOf(error: KrbError): PaData[] {
  if (error.data === undefined) return []
  try {
    return decodeMethodData(error.data)
  } catch {
    return []
  }
}

/**
 * KERB-ERROR-DATA with KERB_EXT_ERROR: data-type 3, status and two more words, little-endian.
 * @see [MS-KILE] 2.2.1, 2.2.2
 */
function ntStatusOf(data: Buffer): number | undefined {
  try {
    const fields = readFields(decode(data, 'KERB-ERROR-DATA'))
    const value = fields.optional(2)
    if (value === undefined || readInteger(fields.required(1)) !== 3) return undefined
    const octets = readOctets(value)
    return octets.length < 4 ? undefined : octets.readUInt32LE(0)
  } catch {
    // METHOD-DATA, TYPED-DATA or nothing known.
    return undefined
  }
}
