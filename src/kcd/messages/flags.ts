/** Bits of KDCOptions (RFC 4120 §5.4.1, RFC 6806 §3, [MS-SFU] 2.2.3). Bit 0 is the highest of 32. */
export const KdcOption = {
  FORWARDABLE: 1,
  FORWARDED: 2,
  PROXIABLE: 3,
  RENEWABLE: 8,
  CNAME_IN_ADDL_TKT: 14,
  CANONICALIZE: 15,
  RENEWABLE_OK: 27,
  RENEW: 30,
} as const

/** Bits of TicketFlags (RFC 4120 §5.3, RFC 6806 §11). */
export const TicketFlag = {
  FORWARDABLE: 1,
  FORWARDED: 2,
  PROXIABLE: 3,
  PROXY: 4,
  INVALID: 7,
  RENEWABLE: 8,
  INITIAL: 9,
  PRE_AUTHENT: 10,
  HW_AUTHENT: 11,
  TRANSITED_POLICY_CHECKED: 12,
  OK_AS_DELEGATE: 13,
  ENC_PA_REP: 15,
} as const

/** Bits of APOptions (RFC 4120 §5.5.1). */
export const ApOption = { USE_SESSION_KEY: 1, MUTUAL_REQUIRED: 2 } as const

/** The number with these bits set. */
export function flagsOf(...bits: readonly number[]): number {
  return bits.reduce((flags, bit) => (flags | (0x80000000 >>> bit)) >>> 0, 0)
}

export function hasFlag(flags: number, bit: number): boolean {
  return (flags & (0x80000000 >>> bit)) !== 0
}
