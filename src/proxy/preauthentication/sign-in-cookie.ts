import { createHash } from 'node:crypto'
import { seal, unseal } from '../../edge-token/sealing.ts'
import { deleteCookie, type RequestCookies, setCookie } from './cookie-header.ts'
import { type KeyRing, keysFor } from './derived-keys.ts'
import { type RequestId, readRequestId } from './request-id.ts'

/**
 * The sign-in cookie: what a browser keeps while it is away at the federation service, one for each round trip, so that
 * a token is taken only by the browser that asked for it, for the application and the address that it asked for.
 *
 *     EdgeSignIn_<first 8 hex of the request id> = <key id>.<base64url(sealed request id | application | SHA-256 of the address)>
 */
export interface RoundTrip {
  readonly requestId: RequestId
  /** Id of the published application, a GUID. */
  readonly application: string
  /** The absolute address to come back to, without what the federation service adds. */
  readonly returnAddress: string
}

/** Seconds that a person may take to sign in. */
export const SIGN_IN_LIFETIME = 600
/** Abandoned sign-ins pile up; so many are kept on one host, the oldest go. */
const MOST_COOKIES = 8
const PREFIX = 'EdgeSignIn_'

const sealingKey = keysFor('gatehouse sign-in cookie 1')

/** The Set-Cookie lines that begin a round trip: the new cookie, and the end of those that are too many. */
export function beginSignIn(
  roundTrip: RoundTrip,
  place: { keys: KeyRing; host: string; secure: boolean; cookies: RequestCookies },
): string[] {
  const { keys, host, secure, cookies } = place
  const [key] = keys()
  if (key === undefined) throw new TypeError('the ring of cookie keys is empty')
  const name = cookieName(roundTrip.requestId)
  const sealed = seal(sealingKey(key), plainForm(roundTrip), associatedData(name, host))
  return [
    setCookie(name, `${key.id}.${sealed.toString('base64url')}`, {
      secure,
      httpOnly: true,
      sameSite: 'Lax',
      maxAge: SIGN_IN_LIFETIME,
    }),
    ...surplus(cookies, keys, host).map((old) => deleteCookie(old, secure)),
  ]
}

/**
 * Finds the sign-in cookie of a round trip that came back.
 * @returns the name of the cookie where it is there, in time, and for this very round trip.
 */
export function findSignIn(
  roundTrip: RoundTrip,
  place: { keys: KeyRing; host: string; cookies: RequestCookies; now: Date },
): string | undefined {
  const { keys, host, cookies, now } = place
  const name = cookieName(roundTrip.requestId)
  const age = now.getTime() - roundTrip.requestId.issuedAt.getTime()
  if (age > SIGN_IN_LIFETIME * 1000) return undefined
  const expected = plainForm(roundTrip)
  const found = (cookies.ours.get(name) ?? []).some((value) => open(value, name, keys, host)?.equals(expected) === true)
  return found ? name : undefined
}

/** Whether the browser sent any sign-in cookie at all, so keeps our cookies. */
export function keepsCookies(cookies: RequestCookies): boolean {
  for (const name of cookies.ours.keys()) if (name.startsWith(PREFIX)) return true
  return false
}

function cookieName({ text }: RequestId): string {
  return PREFIX + text.slice(0, 8).toLowerCase()
}

function plainForm({ requestId, application, returnAddress }: RoundTrip): Buffer {
  const guids = Buffer.from((requestId.text + application).replaceAll('-', ''), 'hex')
  // A browser may drop the mark of an empty query.
  const digest = createHash('sha256').update(returnAddress.replace(/\?$/, '')).digest()
  return Buffer.concat([guids, digest])
}

function associatedData(name: string, host: string): string {
  return `1|${host}|${name}`
}

function open(value: string, name: string, keys: KeyRing, host: string): Buffer | undefined {
  if (!/^[\w-]{1,32}\.[\w-]{40,300}$/.test(value)) return undefined
  const dot = value.indexOf('.')
  const key = keys().find(({ id }) => id === value.slice(0, dot))
  return key && unseal(sealingKey(key), Buffer.from(value.slice(dot + 1), 'base64url'), associatedData(name, host))
}

/** The names that have to go so that, with one more, no more than eight are left. What we cannot open goes first. */
function surplus(cookies: RequestCookies, keys: KeyRing, host: string): string[] {
  const names = [...cookies.ours.keys()].filter((name) => /^EdgeSignIn_[0-9a-f]{8}$/.test(name))
  if (names.length < MOST_COOKIES) return []
  const begun = (name: string): number => {
    for (const value of cookies.ours.get(name) ?? []) {
      const hex = open(value, name, keys, host)?.subarray(0, 16).toString('hex') ?? ''
      const id = readRequestId(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'), keys, host)
      if (id !== undefined) return id.issuedAt.getTime()
    }
    return 0
  }
  const oldestFirst = names.map((name) => ({ name, at: begun(name) })).sort((one, other) => one.at - other.at)
  return oldestFirst.slice(0, names.length - MOST_COOKIES + 1).map(({ name }) => name)
}
