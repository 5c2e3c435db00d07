import { createSecretKey, KeyObject } from 'node:crypto'
import { EdgeTokenError } from './edge-token-error.ts'
import { deriveKey, SEALING_OVERHEAD, seal, unseal } from './sealing.ts'
import { createVerifiedCache } from './verified-cache.ts'

/**
 * The access cookie: what a proxy remembers of a verified edge token, so that the token is looked at once.
 *
 *     1.<key id>.<base64url(nonce | AES-256-GCM(session) | tag)>
 *
 * One key per application, derived from the ring's secret; version, application and host are associated data, so a
 * cookie of one application or host opens for no other. It ends with the token that it was made from.
 */

/** A key of the ring that access cookies are sealed with. */
export interface AccessCookieKey {
  /** Stands in the cookie, so that every key of the ring is found at once: 1 to 32 of `A-Z a-z 0-9 _ -`. */
  id: string
  /** 32 random bytes; a KeyObject made once, or bytes that are not changed afterwards. */
  secret: KeyObject | Uint8Array
}

/** What an access cookie remembers. */
export interface AccessSession {
  upn?: string | undefined
  /** objectIdentifier of the trust that the token was issued for. */
  relyingPartyTrust: string
  /** Public id of the sign-in session (`sid`), by which sign-out reaches the cookie. */
  sessionId?: string | undefined
  issuedAt: Date
  expiresAt: Date
  authenticationMethod?: string | undefined
  authenticationInstant?: Date | undefined
  /** `kcd` of the token: digests of the services that the identity may be delegated to. Absent: a foreign token without it. */
  delegation?: readonly string[] | undefined
  /** Claims that this application's identity headers need, by claim name. */
  headers?: Readonly<Record<string, string>> | undefined
}

/** Where a cookie belongs. */
export interface AccessCookieContext {
  /** The first seals, all open. */
  keys: readonly AccessCookieKey[]
  /** Id of the published application. */
  application: string
  /** External host of the application, without regard to case and to a dot at its end. */
  host: string
}

/** What the synchronous opening answers: a refusal that is expected is a value. */
export type OpenedAccessCookie =
  | { kind: 'open'; session: AccessSession }
  | { kind: 'refused'; code: 'malformed' | 'signature' | 'expired'; message: string }

const LONGEST_VALUE = 3_500
const PURPOSE = 'gatehouse access cookie 1|'

/**
 * Seals a session into the value of an access cookie.
 * @returns the value: cookie-octets only, at most 3,500 of them.
 * @throws {EdgeTokenError} `malformed` where the session is too large for a cookie or its dates are none.
 * @throws {TypeError} for an empty key ring, a key id or a secret that is none.
 */
export function sealAccessCookie(session: AccessSession, context: AccessCookieContext): string {
  const key = context.keys[0]
  if (key === undefined) throw new TypeError('keys must hold at least one key')
  if (!/^[\w-]{1,32}$/.test(key.id)) throw new TypeError('the id of a key must be 1 to 32 of A-Z a-z 0-9 _ -')
  const { sealingKey, associatedData } = sealingParts(key, context)
  const sealed = seal(sealingKey, writeSession(session), associatedData)
  const value = `1.${key.id}.${sealed.toString('base64url')}`
  if (value.length > LONGEST_VALUE) {
    throw new EdgeTokenError(
      'malformed',
      `the session needs a cookie of ${value.length} bytes, ${LONGEST_VALUE} is the most`,
    )
  }
  return value
}

/**
 * Opens the value of an access cookie. Does NOT look at ended sessions; that is for whoever knows them.
 * @param context where the cookie arrived, and `currentDate` (the present unless told).
 * @throws {EdgeTokenError} `malformed` (not of this form), `signature` (not sealed by this ring, or for another application
 *   or host), `expired`
 * @throws {TypeError} for a secret that is none.
 */
export async function openAccessCookie(
  value: string,
  context: AccessCookieContext & { currentDate?: Date | undefined },
): Promise<AccessSession> {
  const { currentDate } = context
  const opened = openSealedSession(value, context, currentDate === undefined ? Date.now() : readTime(currentDate))
  if (opened.kind === 'open') return opened.session
  throw new EdgeTokenError(opened.code, opened.message)
}

/**
 * The synchronous core of `openAccessCookie`, for the path that every request takes.
 * @param now milliseconds since 1970; NaN finds every cookie expired.
 */
export function openSealedSession(value: string, context: AccessCookieContext, now: number): OpenedAccessCookie {
  if (typeof value !== 'string' || value.length > LONGEST_VALUE || !value.startsWith('1.')) return NOT_OURS
  const dot = value.indexOf('.', 2)
  if (dot === -1) return NOT_OURS
  const id = value.slice(2, dot)
  const key = context.keys.find((candidate) => candidate.id === id)
  if (key === undefined) return NOT_SEALED_HERE
  const parts = sealingParts(key, context)
  const seen = opened.find(value, now)
  if (seen?.parts === parts) return { kind: 'open', session: readSession(seen.text) }
  const length = scratch.write(value.slice(dot + 1), 'base64url')
  // Whole groups of three bytes alone: so every character counts, and a decoder that skips some is found out.
  if (length * 4 !== (value.length - dot - 1) * 3) return NOT_OURS
  const plaintext = unseal(parts.sealingKey, scratch.subarray(0, length), parts.associatedData)
  if (plaintext === undefined) return NOT_SEALED_HERE
  const text = plaintext.toString('utf8')
  const session = readSession(text)
  const end = session.expiresAt.getTime()
  if (!(now < end)) return EXPIRED
  opened.remember(value, { parts, text }, end)
  return { kind: 'open', session }
}

/**
 * A browser sends the same cookie with every request. What is found here was opened with the key of this ring, application
 * and host (`parts` is one object for them), so a key that left the ring opens nothing any more. The text is read anew each
 * time: nobody is handed an object that somebody else holds.
 */
const opened = createVerifiedCache<{ parts: SealingParts; text: string }>()

/** Sealed bytes on their way through the synchronous opening: every request needs room for some, and none outlives it. */
const scratch = Buffer.alloc(LONGEST_VALUE)

const NOT_OURS: OpenedAccessCookie = { kind: 'refused', code: 'malformed', message: 'is not an access cookie' }
const NOT_SEALED_HERE: OpenedAccessCookie = {
  kind: 'refused',
  code: 'signature',
  message: 'was not sealed with a key of this ring for this application and host',
}
const EXPIRED: OpenedAccessCookie = { kind: 'refused', code: 'expired', message: 'has ended with its token' }

/**
 * A session as it is sealed. Every byte is sent with every request, and every request parses it: an array is shorter than
 * an object and read in half the time. Dates are whole seconds, as in the token; null stands for what is absent.
 */
type WrittenSession = [
  upn: string | null,
  relyingPartyTrust: string,
  sessionId: string | null,
  issuedAt: number,
  expiresAt: number,
  authenticationMethod: string | null,
  authenticationInstant: number | null,
  delegation: readonly string[] | null,
  headers: Readonly<Record<string, string>> | null,
]

function writeSession(session: AccessSession): Buffer {
  const { authenticationInstant } = session
  const written: WrittenSession = [
    session.upn ?? null,
    session.relyingPartyTrust,
    session.sessionId ?? null,
    writeDate(session.issuedAt),
    writeDate(session.expiresAt),
    session.authenticationMethod ?? null,
    authenticationInstant === undefined ? null : writeDate(authenticationInstant),
    session.delegation ?? null,
    session.headers ?? null,
  ]
  const text = Buffer.from(JSON.stringify(written), 'utf8')
  // Blanks behind the array, until nonce, text and tag together are whole groups of three bytes.
  return Buffer.concat([text, Buffer.alloc((3 - ((text.length + SEALING_OVERHEAD) % 3)) % 3, ' ')])
}

/** @param text what was sealed by this ring for this version, so it has the form that writeSession gave it. */
function readSession(text: string): AccessSession {
  const written: WrittenSession = JSON.parse(text)
  const authenticationInstant = written[6]
  return {
    upn: written[0] ?? undefined,
    relyingPartyTrust: written[1],
    sessionId: written[2] ?? undefined,
    issuedAt: new Date(written[3] * 1000),
    expiresAt: new Date(written[4] * 1000),
    authenticationMethod: written[5] ?? undefined,
    authenticationInstant: authenticationInstant === null ? undefined : new Date(authenticationInstant * 1000),
    delegation: written[7] ?? undefined,
    headers: written[8] ?? undefined,
  }
}

function writeDate(date: Date): number {
  const seconds = Math.floor(readTime(date) / 1000)
  if (Number.isNaN(seconds)) throw new EdgeTokenError('malformed', 'a date of the session is not a valid Date')
  return seconds
}

function readTime(date: unknown): number {
  return date instanceof Date ? date.getTime() : Number.NaN
}

/** The derived key of one application, with the associated data of the host that was last seen (it rarely changes). */
interface SealingParts {
  sealingKey: KeyObject
  host: string
  associatedData: Uint8Array
}

const MOST_APPLICATIONS = 32_768
/** By secret, then by application. Secrets that are gone take their derived keys with them. */
const derived = new WeakMap<object, Map<string, SealingParts>>()

function sealingParts(key: AccessCookieKey, { application, host }: AccessCookieContext): SealingParts {
  let applications = derived.get(key.secret)
  if (applications === undefined) {
    applications = new Map()
    derived.set(key.secret, applications)
  }
  let parts = applications.get(application)
  if (parts === undefined) {
    const sealingKey = deriveKey(secretOf(key), PURPOSE + application)
    parts = { sealingKey, host, associatedData: associate(application, host) }
    if (applications.size >= MOST_APPLICATIONS) applications.clear()
    applications.set(application, parts)
  } else if (parts.host !== host) {
    parts = { sealingKey: parts.sealingKey, host, associatedData: associate(application, host) }
    applications.set(application, parts)
  }
  return parts
}

function associate(application: string, host: string): Uint8Array {
  return Buffer.from(`1|${application}|${host.toLowerCase().replace(/\.$/, '')}`, 'utf8')
}

function secretOf({ secret }: AccessCookieKey): KeyObject {
  const key = secret instanceof KeyObject ? secret : createSecretKey(secret)
  if (key.type !== 'secret' || key.symmetricKeySize !== 32) throw new TypeError('the secret of a key must be 32 bytes')
  return key
}
