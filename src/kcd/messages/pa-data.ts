import { type DerElement, decode, readFields, readInteger, readList, readOctets } from './der-reader.ts'
import { type Encodable, encode, field, integer, octetString, sequence } from './der-writer.ts'

/** Numbers of preauthentication data (RFC 4120 §7.5.2, RFC 6113 §7.1, RFC 6806 §11, [MS-SFU] 2.2, [MS-KILE] 2.2). */
export const PaDataType = {
  TGS_REQ: 1,
  ENC_TIMESTAMP: 2,
  PW_SALT: 3,
  ETYPE_INFO: 11,
  ETYPE_INFO2: 19,
  PAC_REQUEST: 128,
  FOR_USER: 129,
  S4U_X509_USER: 130,
  FX_COOKIE: 133,
  FX_FAST: 136,
  FX_ERROR: 137,
  ENCRYPTED_CHALLENGE: 138,
  REQ_ENC_PA_REP: 149,
  SUPPORTED_ENCTYPES: 165,
  PAC_OPTIONS: 167,
} as const

/** PA-DATA of RFC 4120 §5.2.7. */
export interface PaData {
  readonly type: number
  readonly value: Buffer
}

export function encodePaDataList(list: readonly PaData[]): Encodable {
  // RFC 4120 §5.2.7: the first tag is [1], not [0].
  return sequence(...list.map(({ type, value }) => sequence(field(1, integer(type)), field(2, octetString(value)))))
}

export function readPaDataList(element: DerElement): PaData[] {
  return readList(element).map((one) => {
    const fields = readFields(one)
    return { type: readInteger(fields.required(1)), value: readOctets(fields.required(2)) }
  })
}

/** METHOD-DATA: what e-data of KDC_ERR_PREAUTH_REQUIRED holds. */
export function decodeMethodData(octets: Uint8Array): PaData[] {
  return readPaDataList(decode(octets, 'METHOD-DATA'))
}

export function encodeMethodData(list: readonly PaData[]): Buffer {
  return encode(encodePaDataList(list))
}

/** The value of the first element of a type. */
export function findPaData(list: readonly PaData[], type: number): Buffer | undefined {
  return list.find((one) => one.type === type)?.value
}
