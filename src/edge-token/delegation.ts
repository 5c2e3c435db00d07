import { createHash } from 'node:crypto'

/**
 * The digest by which an edge token's `kcd` claim names a service, so that no inner host name appears in an address:
 * base64url of the first 16 bytes of SHA-256(lower-case trust id, line feed, lower-case service principal name).
 * @param trustId objectIdentifier of the relying party trust that the token is issued for.
 * @param spn service principal name, such as `HTTP/app.corp.test`.
 */
export function delegationDigest(trustId: string, spn: string): string {
  const digest = createHash('sha256').update(`${trustId.toLowerCase()}\n${spn.toLowerCase()}`, 'utf8').digest()
  return digest.toString('base64url', 0, 16)
}

/** Which services a person's identity may be delegated to. */
export interface Delegation {
  /** Whether the identity may be delegated to this service principal name. Never throws. */
  permits(spn: string): boolean
}

/**
 * Joins what the token says (`kcd`) with what this proxy may do at all. Both, where there, must name the service; where
 * neither is there, and for an identity without a user principal name, nothing is permitted.
 */
export function openDelegation(parts: {
  trustId: string
  upn: string | undefined
  digests: readonly string[] | undefined
  services: ReadonlySet<string> | undefined
}): Delegation {
  const { trustId, upn, digests, services } = parts
  return {
    permits(spn) {
      if (upn === undefined || typeof spn !== 'string' || spn === '') return false
      if (digests === undefined && services === undefined) return false
      if (services !== undefined && !services.has(spn.toLowerCase())) return false
      return digests === undefined || digests.includes(delegationDigest(trustId, spn))
    },
  }
}
