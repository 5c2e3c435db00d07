import { seal, unseal } from '../../edge-token/sealing.ts'
import { type KeyRing, keysFor } from './derived-keys.ts'

/**
 * The twin of the access cookie for an application with a claims-aware trust. A Lax cookie stays at home when another
 * site posts, and that is how WS-Federation and SAML answers arrive; this one comes along, but is good for nothing
 * except a POST from the federation service to an address registered with that trust. It names no person.
 */
export interface ReplySession {
  readonly sid: string | undefined
  readonly expiresAt: Date
}

const sealingKey = keysFor('gatehouse reply cookie 1')

/** Seals the value of a reply cookie for one application on one host. */
export function sealReplyCookie(
  session: ReplySession,
  place: { keys: KeyRing; application: string; host: string },
): string {
  const { keys, application, host } = place
  const [key] = keys()
  if (key === undefined) throw new TypeError('the ring of cookie keys is empty')
  const plain = JSON.stringify({ s: session.sid, a: application, e: Math.floor(session.expiresAt.getTime() / 1000) })
  return `${key.id}.${seal(sealingKey(key), Buffer.from(plain), associatedData(application, host)).toString('base64url')}`
}

/** Opens a reply cookie; undefined for one that is not ours, not for this application and host, or at its end. */
export function openReplyCookie(
  value: string,
  place: { keys: KeyRing; application: string; host: string; now: Date },
): ReplySession | undefined {
  const { keys, application, host, now } = place
  if (!/^[\w-]{1,32}\.[\w-]{40,1024}$/.test(value)) return undefined
  const dot = value.indexOf('.')
  const key = keys().find(({ id }) => id === value.slice(0, dot))
  const plain =
    key && unseal(sealingKey(key), Buffer.from(value.slice(dot + 1), 'base64url'), associatedData(application, host))
  if (plain === undefined) return undefined
  const { s, a, e } = JSON.parse(plain.toString('utf8')) as { s?: string; a: string; e: number }
  const expiresAt = new Date(e * 1000)
  return a === application && expiresAt > now ? { sid: s, expiresAt } : undefined
}

function associatedData(application: string, host: string): string {
  return `1|${application}|${host}`
}
