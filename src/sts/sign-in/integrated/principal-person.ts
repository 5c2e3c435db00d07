import type { PeopleStore } from '../../people/people-store.ts'
import type { Person } from '../../people/person.ts'
import { parseUpn } from '../../people/user-principal-name.ts'

/** Whom a principal stands for, or why for nobody. */
export type PersonOfPrincipal =
  | { kind: 'person'; person: Person }
  | { kind: 'nobody'; code: 'negotiate-principal' | 'negotiate-realm' | 'person-unknown' | 'person-disabled' }

/**
 * Finds the person of a Kerberos principal, `alice@REALM`: the one whose user principal name is the principal's name
 * and the suffix of its realm, without regard to case. Realms count letter by letter, and only those that a suffix is
 * known of: a realm that is trusted by the directory is not thereby one whose people may come in here.
 * @param principal as gss_display_name writes it: with `\` before what is no plain character of a name.
 */
export function personOfPrincipal(
  principal: string,
  { people, suffixes }: { people: Pick<PeopleStore, 'find'>; suffixes: ReadonlyMap<string, string> },
): PersonOfPrincipal {
  const [name = '', realm, more] = principal.split('@')
  // A name of several parts is a service's (HTTP/host) or somebody's second account (alice/admin), nobody's own. And
  // a name that Unicode would compose into another one is not that other one.
  if (
    name === '' ||
    realm === undefined ||
    more !== undefined ||
    /[/\\]/.test(name) ||
    name !== name.normalize('NFC')
  ) {
    return { kind: 'nobody', code: 'negotiate-principal' }
  }
  const suffix = suffixes.get(realm)
  if (suffix === undefined) return { kind: 'nobody', code: 'negotiate-realm' }
  const upn = parseUpn(`${name}@${suffix}`)
  const person = upn === undefined ? undefined : people.find(upn)
  if (person === undefined) return { kind: 'nobody', code: 'person-unknown' }
  return person.enabled ? { kind: 'person', person } : { kind: 'nobody', code: 'person-disabled' }
}
