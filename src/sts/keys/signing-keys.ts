import type { JsonWebKey, KeyObject } from 'node:crypto'

export type SigningKeyState = 'current' | 'next' | 'old'

/** The key that signs. */
export interface SigningKey {
  key: KeyObject
  /** PEM. */
  certificate: string
  kid: string
  x5t: string
}

/** What everybody may see of a key. */
export interface PublishedKey {
  /** PEM. */
  certificate: string
  kid: string
  x5t: string
  state: SigningKeyState
  notAfter: Date
  /** When it began, or will begin, to sign. */
  signsFrom: Date
  /** When it stopped signing, for an old one. */
  retiredAt?: Date
}

export interface Rotation {
  published: PublishedKey[]
  /** `kid`s that are published no more: whoever keeps keys of its own must reload before it can verify again. */
  dropped: string[]
}

export interface SigningKeys {
  current(): SigningKey
  /** The current one first, then the next one, then the old ones. */
  published(): PublishedKey[]
  jwks(): { keys: JsonWebKey[] }
  rotate(options: { immediately?: boolean; now: Date }): Promise<Rotation>
  advance(now: Date): Promise<void>
  onChange(listener: () => void): () => void
}
