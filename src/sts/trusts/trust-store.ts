import type { Database } from '../store/database.ts'
import type { RelyingPartyTrust, RelyingPartyTrustInput } from './relying-party-trust.ts'

/** Reads are synchronous and from memory, changes are on disk when their promise resolves. */
export interface TrustStore {
  /** By GUID, without regard to case. */
  get(id: string): RelyingPartyTrust | undefined
  findByName(name: string): RelyingPartyTrust | undefined
  /** Sorted by name. */
  list(): readonly RelyingPartyTrust[]
  add(input: RelyingPartyTrustInput): Promise<RelyingPartyTrust>
  update(id: string, patch: Partial<Omit<RelyingPartyTrustInput, 'id'>>): Promise<RelyingPartyTrust>
  remove(id: string): Promise<void>
  addPublishedAddress(id: string, url: string): Promise<RelyingPartyTrust>
  removePublishedAddress(id: string, url: string): Promise<RelyingPartyTrust>
  addDelegation(id: string, spn: string): Promise<RelyingPartyTrust>
  /** @returns a function that ends the listening. */
  onChange(listener: (id: string) => void): () => void
}

export declare function openTrustStore(options: { database: Database }): TrustStore
