import { constants, type KeyObject } from 'node:crypto'

/** The signature algorithms an edge token may be signed with (RFC 7518 §3.1, RFC 8037 §3.1). */
export type JwsAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

interface AlgorithmParameters {
  /** Digest for node:crypto; null where the algorithm has its own. */
  hash: string | null
  /** What `sign` and `verify` of node:crypto need besides the key; undefined where they need nothing: a bare key costs a third less. */
  options: { padding?: number; saltLength?: number; dsaEncoding?: 'ieee-p1363' } | undefined
}

/** How node:crypto is asked for each. Nothing symmetric, nothing that is not listed. */
export const jwsAlgorithms: Readonly<Record<JwsAlgorithm, AlgorithmParameters>> = {
  // PKCS #1 v1.5 is what node:crypto does with a key of type `rsa`, the only one that RS256 suits.
  RS256: { hash: 'sha256', options: undefined },
  PS256: { hash: 'sha256', options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  ES256: { hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { hash: null, options: undefined },
}

/** Whether a key is of the kind that an algorithm is for (RFC 8725 §3.1: one algorithm, one kind of key). */
export function suits(key: KeyObject, algorithm: JwsAlgorithm): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  switch (algorithm) {
    case 'RS256':
      return type === 'rsa'
    case 'PS256':
      return type === 'rsa' || type === 'rsa-pss'
    case 'ES256':
      return type === 'ec' && details?.namedCurve === 'prime256v1'
    case 'EdDSA':
      return type === 'ed25519'
  }
}
