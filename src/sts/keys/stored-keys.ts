import { createHash, createPrivateKey, type KeyObject, randomUUID, X509Certificate } from 'node:crypto'
import { seal, unseal } from '../../edge-token/sealing.ts'
import type { Database, Run } from '../store/database.ts'
import type { SigningKeysTable } from '../store/schema.ts'
import { StsError } from '../sts-error.ts'
import { certificateLifetime, type RolloverStep, type SigningKeyState } from './rollover.ts'

// Signing keys as rows of the store: certificates in the open, private keys sealed.

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

/** A key as it is held in memory; `key` is there while it signs or is going to. */
export interface HeldKey extends PublishedKey {
  id: string
  key?: KeyObject
}

/** A new key as it is stored. */
export async function newKeyRow(
  step: Extract<RolloverStep, { kind: 'create' }>,
  host: string,
  sealing: KeyObject,
  now: Date,
): Promise<SigningKeysTable> {
  // Loaded when a key is due, about once a year: what it stands on is large.
  const { createCertificate } = await import('./certificate.ts')
  const { key, certificate } = await createCertificate({
    commonName: `ADFS Signing - ${host}`,
    purpose: 'signature',
    // Verifiers whose clocks are a little behind must not take it for one of the future.
    notBefore: new Date(now.getTime() - 300_000),
    notAfter: new Date(now.getTime() + certificateLifetime),
  })
  const id = randomUUID()
  const x5t = thumbprint(new X509Certificate(certificate))
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  const sealed = seal(sealing, plain, sealedFor(id, x5t))
  plain.fill(0)
  return {
    id,
    kid: x5t,
    x5t,
    certificate,
    sealed_key: sealed,
    state: step.state,
    created_at: now.getTime(),
    signs_from: step.signsFrom.getTime(),
    retired_at: null,
    not_after: new X509Certificate(certificate).validToDate.getTime(),
  }
}

/** Carries out one step inside a write; `made` is the row of a `create`. */
export function takeStep(
  step: RolloverStep,
  made: SigningKeysTable | undefined,
  now: Date,
  { query }: Database,
  run: Run,
): void {
  const retire = () =>
    run(
      query
        .updateTable('signing_keys')
        .set({ state: 'old', retired_at: now.getTime(), sealed_key: new Uint8Array() })
        .where('state', '=', 'current'),
    )
  switch (step.kind) {
    case 'create':
      if (step.state === 'current') retire()
      if (made !== undefined) run(query.insertInto('signing_keys').values(made))
      break
    case 'promote':
      retire()
      run(
        query
          .updateTable('signing_keys')
          .set({ state: 'current', signs_from: now.getTime() })
          .where('id', '=', step.id),
      )
      break
    case 'remove':
      run(query.deleteFrom('signing_keys').where('id', '=', step.id))
      break
  }
}

const places: Record<string, number> = { current: 0, next: 1, old: 2 } satisfies Record<SigningKeyState, number>

/**
 * Everything stored, the current key first, then the next, then the old ones.
 * @throws {StsError} `master-key`, `keys`
 */
export function loadKeys(database: Database, sealing: KeyObject): HeldKey[] {
  const rows: SigningKeysTable[] = database.read(database.query.selectFrom('signing_keys').selectAll())
  const keys = rows.map((row) => open(row, sealing))
  return keys.sort(
    (a, b) => (places[a.state] ?? 0) - (places[b.state] ?? 0) || b.notAfter.getTime() - a.notAfter.getTime(),
  )
}

function open(row: SigningKeysTable, sealing: KeyObject): HeldKey {
  const { id, kid, x5t, certificate, state } = row
  if (state !== 'current' && state !== 'next' && state !== 'old') {
    throw new StsError('keys', `The signing key ${kid} is in a state that is not known here: ${state}`)
  }
  return {
    id,
    kid,
    x5t,
    certificate,
    state,
    notAfter: new Date(row.not_after),
    signsFrom: new Date(row.signs_from ?? row.created_at),
    ...(row.retired_at === null ? {} : { retiredAt: new Date(row.retired_at) }),
    ...(state === 'old' ? {} : { key: privateKey(row, sealing) }),
  }
}

function privateKey({ id, kid, x5t, certificate, sealed_key }: SigningKeysTable, sealing: KeyObject): KeyObject {
  const plain = unseal(sealing, sealed_key, sealedFor(id, x5t))
  if (plain === undefined) {
    const message = `The signing key ${kid} was sealed under another master key: give the master key that this data folder was made with`
    throw new StsError('master-key', message)
  }
  const { key, document } = parsed(kid, plain, certificate)
  plain.fill(0)
  if (!document.checkPrivateKey(key) || thumbprint(document) !== x5t) {
    throw new StsError('keys', `The signing key ${kid} does not belong to the certificate stored with it`)
  }
  return key
}

function parsed(kid: string, pkcs8: Buffer, certificate: string): { key: KeyObject; document: X509Certificate } {
  try {
    return {
      key: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
      document: new X509Certificate(certificate),
    }
  } catch (cause) {
    throw new StsError('keys', `The signing key ${kid} or its certificate cannot be read`, { cause })
  }
}

/** Ties a sealed key to its row: a sealed key that was moved to another row does not open. */
function sealedFor(id: string, x5t: string): string {
  return `signing key|${id}|${x5t}`
}

/** The SHA-1 thumbprint of a certificate as `x5t` carries it, which AD FS uses as `kid` too (RFC 7515 §4.1.7). */
function thumbprint(certificate: X509Certificate): string {
  return createHash('sha1').update(certificate.raw).digest('base64url')
}
