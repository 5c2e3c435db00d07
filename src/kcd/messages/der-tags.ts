/** Classes of tags as asn1js numbers them, and the universal types that Kerberos is made of. */
export const TagClass = { UNIVERSAL: 1, APPLICATION: 2, CONTEXT: 3 } as const

export const UniversalType = {
  INTEGER: 2,
  BIT_STRING: 3,
  OCTET_STRING: 4,
  OBJECT_IDENTIFIER: 6,
  ENUMERATED: 10,
  SEQUENCE: 16,
  GENERALIZED_TIME: 24,
  GENERAL_STRING: 27,
} as const
