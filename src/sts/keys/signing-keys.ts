import { type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto'
import { deriveKey } from '../../edge-token/sealing.ts'
import type { Database } from '../store/database.ts'
import type { SigningKeysTable } from '../store/schema.ts'
import { StsError } from '../sts-error.ts'
import { type RolloverStep, rolloverSteps, signsFrom } from './rollover.ts'
import { type HeldKey, loadKeys, newKeyRow, type PublishedKey, takeStep } from './stored-keys.ts'

export type { SigningKeyState } from './rollover.ts'
export type { PublishedKey } from './stored-keys.ts'

// The keys that tokens are signed with: certificates of their own, as AD FS has them. When each of them is published,
// signs and goes is decided in rollover.ts; here that is carried out. Private keys lie in the store sealed under the
// master key, and a key that signs no more loses its private half for good.

/** The key that signs. */
export interface SigningKey {
  key: KeyObject
  /** PEM. */
  certificate: string
  kid: string
  x5t: string
}

export interface Rotation {
  published: PublishedKey[]
  /** `kid`s that are published no more: whoever keeps keys of its own must reload before it can verify again. */
  dropped: string[]
}

export interface SigningKeys {
  /** The same object until something changes. */
  current(): SigningKey
  /** The current one first, then the next one, then the old ones. */
  published(): PublishedKey[]
  /** RFC 7517: what is published, as JSON Web Keys with their certificates. The same object until something changes. */
  jwks(): { keys: JsonWebKey[] }
  /**
   * Publishes a next key now, which signs five days later (none is made when there is one already); `immediately`: a
   * new key signs at once and every other one is dropped at once, which is what a key that got out calls for.
   */
  rotate(options: { immediately?: boolean; now: Date }): Promise<Rotation>
  /** Does what is due by date. Cheap when nothing is; to be called now and then. */
  advance(now: Date): Promise<void>
  /** Calls `listener` after each change of what is published or what signs. @returns a function that ends that. */
  onChange(listener: () => void): () => void
}

export interface SigningKeysOptions {
  database: Database
  masterKey: KeyObject
  /** The public host name of the federation service, for the certificates' subject. */
  host: string
  now: Date
}

/**
 * Opens the signing keys of a store, makes the first one where there is none, and does what is due at `now`.
 * @throws {StsError} `master-key` when the keys were sealed under another master key, `keys` when what is stored does not
 * fit together; nothing has been changed then.
 */
export async function openSigningKeys({ database, masterKey, host, now }: SigningKeysOptions): Promise<SigningKeys> {
  const sealing = deriveKey(masterKey, 'gatehouse signing keys 1')
  const listeners = new Set<() => void>()
  let held = loadKeys(database, sealing)
  let signing: SigningKey | undefined
  let jwks: { keys: JsonWebKey[] } | undefined
  let queue: Promise<unknown> = Promise.resolve()

  /** One change at a time: each decides on what the one before left. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work)
    queue = turn.catch(() => undefined)
    return turn
  }

  const carryOut = async (steps: readonly RolloverStep[], at: Date) => {
    if (steps.length === 0) return
    const made = new Map<RolloverStep, SigningKeysTable>()
    for (const step of steps) if (step.kind === 'create') made.set(step, await newKeyRow(step, host, sealing, at))
    await database.write((run) => {
      for (const step of steps) takeStep(step, made.get(step), at, database, run)
    })
    held = loadKeys(database, sealing)
    signing = undefined
    jwks = undefined
    for (const listener of listeners) listener()
  }

  const advance = (at: Date) => inTurn(() => carryOut(rolloverSteps(held, at), at))

  const rotate: SigningKeys['rotate'] = ({ immediately = false, now: at }) =>
    inTurn(async () => {
      const before = held
      await carryOut(immediately ? replacementSteps(held, at) : additionSteps(held, at), at)
      const dropped = before.filter(({ id }) => !held.some((key) => key.id === id)).map(({ kid }) => kid)
      return { published: held.map(publicPart), dropped }
    })

  await advance(now)
  return {
    current: () => {
      signing ??= signingPart(held[0])
      return signing
    },
    published: () => held.map(publicPart),
    jwks: () => {
      jwks ??= { keys: held.map(jsonWebKey) }
      return jwks
    },
    rotate,
    advance,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function replacementSteps(keys: readonly HeldKey[], now: Date): RolloverStep[] {
  const removals = keys.map(({ id }): RolloverStep => ({ kind: 'remove', id }))
  return [...removals, { kind: 'create', state: 'current', signsFrom: now }]
}

function additionSteps(keys: readonly HeldKey[], now: Date): RolloverStep[] {
  const due = rolloverSteps(keys, now)
  const current = keys.find(({ state }) => state === 'current')
  const gone = new Set(due.map((step) => (step.kind === 'create' ? undefined : step.id)))
  const hasNext = keys.some(({ id, state }) => state === 'next' && !gone.has(id))
  // What was due by date anyway (a new key that signs, or the next one) is the rotation that was asked for.
  if (current === undefined || hasNext || due.some(({ kind }) => kind !== 'remove')) return due
  return [...due, { kind: 'create', state: 'next', signsFrom: signsFrom(current, now) }]
}

function signingPart(held: HeldKey | undefined): SigningKey {
  if (held?.state !== 'current' || held.key === undefined) throw new StsError('keys', 'There is no signing key')
  const { key, certificate, kid, x5t } = held
  return { key, certificate, kid, x5t }
}

function publicPart({ id: _id, key: _key, ...published }: HeldKey): PublishedKey {
  return published
}

function jsonWebKey({ certificate, kid, x5t }: HeldKey): JsonWebKey {
  const document = new X509Certificate(certificate)
  const publicKey = document.publicKey.export({ format: 'jwk' })
  return { ...publicKey, use: 'sig', alg: 'RS256', kid, x5t, x5c: [document.raw.toString('base64')] }
}
