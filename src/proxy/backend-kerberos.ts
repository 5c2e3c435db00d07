import type { KerberosDelegator } from '../kcd/kerberos-delegator.ts'
import { KerberosError } from '../kcd/kerberos-error.ts'
import { parseBackendService } from '../kcd/principal-name.ts'

/**
 * What an application says about a backend that takes nobody but by Kerberos: the service, how its people are named to
 * the KDC, and how often it wants to be told who asks.
 */

/** What the proxy needs of a Kerberos delegator; `createKerberosDelegator` of `gatehouse/kcd` makes one. */
export type BackendDelegator = Pick<KerberosDelegator, 'realm' | 'begin' | 'forget'>

/**
 * From which of a person's names the KDC's is made: the user principal name, the one of the directory on the premises,
 * the account name, the part before the `@`, or a claim by its name. An account name and a user part are looked up in the
 * realm of the proxy's own account: only for applications all of whose people are in that realm.
 */
export type KerberosName = 'upn' | 'onPremisesUpn' | 'sAMAccountName' | 'userPart' | (string & {})

/** `auto`: per request, until the backend says that a connection keeps its person (`Persistent-Auth: true`). */
export type KerberosMode = 'auto' | 'per-connection' | 'per-request'

export const kerberosModes = ['auto', 'per-connection', 'per-request'] as const

/** Names of ours for a person's names, without regard to case. */
const kerberosNames = ['upn', 'onPremisesUpn', 'sAMAccountName', 'userPart'] as const

/** Claims, in lower case, that the directory's names come in: of AD FS rules, of Entra ID, of our own rules. */
const claimsOf: Readonly<Record<string, readonly string[]>> = {
  onPremisesUpn: ['onpremisesuserprincipalname', 'onpremisesupn', 'onprem_user_principal_name'],
  sAMAccountName: ['samaccountname', 'onpremisessamaccountname', 'onprem_sam_account_name'],
}

/** Spells one of our names as we do; other text is the name of a claim and stays as it is. */
export function readKerberosName(text: string): KerberosName {
  const plain = text.replaceAll(/[-_]/g, '').toLowerCase()
  return kerberosNames.find((name) => name.toLowerCase() === plain) ?? text
}

/** Whether a name comes from a claim of the token, and from which: the first that is there, without regard to case. */
export function kerberosClaim(name: KerberosName, claims: Readonly<Record<string, unknown>>): string | undefined {
  if (name === 'upn' || name === 'userPart') return undefined
  const wanted = Object.hasOwn(claimsOf, name) ? (claimsOf[name] as readonly string[]) : undefined
  if (wanted === undefined) return Object.hasOwn(claims, name) ? name : undefined
  const present = Object.keys(claims)
  for (const candidate of wanted) {
    const found = present.find((claim) => claim.toLowerCase() === candidate)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * What is wrong with a service principal name for a backend: only the services of web servers, without realm, instance
 * or wildcard.
 * @returns undefined where nothing is.
 */
export function serviceProblem(spn: string): string | undefined {
  try {
    parseBackendService(spn)
    return undefined
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error
    return error.message
  }
}
