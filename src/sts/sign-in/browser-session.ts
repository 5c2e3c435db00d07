import type { CookieFormat } from '../http/cookies.ts'
import type { StsRequest } from '../http/sts-request.ts'
import type { PeopleStore } from '../people/people-store.ts'
import type { Person } from '../people/person.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { SsoSession } from '../sessions/sso-session.ts'

/** Somebody who is signed in at this browser. */
export interface SignedIn {
  readonly person: Person
  readonly session: SsoSession
}

/**
 * Who is signed in at the browser that sent this request. A session whose person is disabled or gone by now counts as
 * none. Synchronous: each request of a signed-in person comes through here.
 */
export function whoIsSignedIn(
  { cookies, now }: Pick<StsRequest, 'cookies' | 'now'>,
  parts: { cookieFormat: CookieFormat; sessions: Pick<SessionStore, 'find'>; people: Pick<PeopleStore, 'get'> },
): SignedIn | undefined {
  for (const secret of parts.cookieFormat.valuesOf(cookies, 'SsoSession')) {
    const session = parts.sessions.find(secret, now)
    const person = session && parts.people.get(session.personId)
    if (session !== undefined && person?.enabled) return { person, session }
  }
  return undefined
}
