import type { SigningKeys } from '../keys/signing-keys.ts'

export interface FederationMetadataOptions {
  /** The federation service identifier, which becomes the entityID. */
  issuer: string
  /** The public base address, without a path. */
  url: string
  keys: SigningKeys
}

export interface FederationMetadata {
  /** The signed document; made anew only after a key change. */
  document(): string
  close(): void
}

export declare function createFederationMetadata(options: FederationMetadataOptions): FederationMetadata
