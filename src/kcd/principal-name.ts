import { KerberosError } from './kerberos-error.ts'

/** Kinds of names (RFC 4120 §6.2, RFC 6806 §5). They are hints: two names with equal components are equal. */
export const NameType = { UNKNOWN: 0, PRINCIPAL: 1, SRV_INST: 2, SRV_HST: 3, ENTERPRISE: 10 } as const

/** PrincipalName of RFC 4120 §5.2.2: a name within a realm. */
export interface PrincipalName {
  readonly type: number
  readonly components: readonly string[]
}

/** A name with its realm. */
export interface Principal {
  readonly name: PrincipalName
  readonly realm: string
}

/** How a user principal name is put to the KDC: user part in the realm of its suffix, or whole, for the KDC to look up. */
export type UserNameForm = 'principal' | 'enterprise'

/** Of a user principal name, as everywhere in Gatehouse. */
const LONGEST_USER_PRINCIPAL_NAME = 1024
/** What a DNS name may have; a port and the service class come on top. */
const LONGEST_HOST = 253

/** Control and formatting characters, blanks of any kind, unpaired surrogates: no name of a person or host has them. */
const INVISIBLE = /[\p{C}\p{Z}]/u

/**
 * A realm name as a configuration or a peer gives it. Case is kept: realms are compared with regard to case, and by
 * custom upper case.
 * @throws {KerberosError} `principal`
 */
export function parseRealm(text: string): string {
  if (text.length === 0 || text.length > LONGEST_HOST || INVISIBLE.test(text) || /[/@:\\"*]/.test(text)) {
    throw new KerberosError('principal', `${quoted(text)} is no realm name: expected one such as EXAMPLE.TEST`)
  }
  return text
}

/** A person as a user principal name names them. */
export interface UserPrincipalName {
  readonly user: string
  /** Suffix behind the `@`: usually, but not always, the realm in other letters. */
  readonly suffix: string
}

/**
 * Takes a user principal name apart. What would be syntax to a KDC or stand for a machine account (`/`, `@`, `\`, `$`)
 * is refused, so that no name of a person can be read as another principal.
 * @throws {KerberosError} `principal`
 */
export function parseUserPrincipalName(upn: string): UserPrincipalName {
  const at = upn.indexOf('@')
  const user = upn.slice(0, Math.max(at, 0))
  const suffix = upn.slice(at + 1)
  const refused = (why: string) => new KerberosError('principal', `${quoted(upn)} is no user principal name: ${why}`)
  if (upn.length > LONGEST_USER_PRINCIPAL_NAME) throw refused(`longer than ${LONGEST_USER_PRINCIPAL_NAME} characters`)
  if (at < 1 || suffix.length === 0 || suffix.includes('@')) throw refused('one @ between user and suffix expected')
  if (INVISIBLE.test(upn)) throw refused('blanks and control characters are not allowed')
  if (/[/\\$:*"<>|,;=+?[\]]/.test(user)) throw refused('the user part has a character that no account name may have')
  if (!isHostName(suffix)) throw refused('the suffix is no DNS name')
  return { user, suffix }
}

/**
 * How a person is named to the KDC of a realm.
 * @param form default: `principal` where the suffix is the realm, else `enterprise`.
 * @returns for `principal` the user part in that realm (the suffix in upper case where it is another one); for
 * `enterprise` the whole name in `realm`, whose KDC finds the account or refers to the realm that has it.
 * @throws {KerberosError} `principal`
 * @see RFC 6806 §5, [MS-SFU] 2.2.1
 */
export function userPrincipal(upn: string, realm: string, form?: UserNameForm): Principal {
  const { user, suffix } = parseUserPrincipalName(upn)
  const own = suffix.toUpperCase() === realm.toUpperCase()
  if ((form ?? (own ? 'principal' : 'enterprise')) === 'enterprise') {
    return { name: { type: NameType.ENTERPRISE, components: [upn] }, realm }
  }
  return {
    name: { type: NameType.PRINCIPAL, components: [user] },
    realm: own ? realm : parseRealm(suffix.toUpperCase()),
  }
}

/**
 * The service principal name of a backend: `HTTP/host` or `HTTP/host:port`, nothing else. Tickets for files, directories
 * or the host itself (`cifs`, `ldap`, `HOST`), a realm, an instance or a wildcard are refused: the gateway speaks HTTP.
 * @throws {KerberosError} `principal`
 */
export function parseBackendService(spn: string): PrincipalName {
  const match = /^(http)\/([^/@:]*)(?::(\d{1,5}))?$/i.exec(spn)
  const host = match?.[2] ?? ''
  const port = Number(match?.[3] ?? 1)
  if (match === null || !isHostName(host) || port < 1 || port > 65_535) {
    throw new KerberosError(
      'principal',
      `${quoted(spn)} is no service of a web server: expected HTTP/host or HTTP/host:port`,
    )
  }
  return { type: NameType.SRV_INST, components: [match[1] as string, spn.slice(5)] }
}

/**
 * The principal of our own account, as a configuration gives it: `HTTP/gateway.example.test`, `svc-gateway`,
 * `gateway$`, each with or without `@REALM`.
 * @param realm where none is given.
 * @throws {KerberosError} `principal`
 */
export function parsePrincipal(text: string, realm: string): Principal {
  const at = text.indexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  const components = name.split('/')
  const wellFormed = components.length <= 3 && components.every((part) => part.length > 0)
  if (!wellFormed || text.length > LONGEST_USER_PRINCIPAL_NAME || INVISIBLE.test(text) || text.includes('\\')) {
    throw new KerberosError('principal', `${quoted(text)} is no principal: expected name@REALM or service/host@REALM`)
  }
  const type = components.length === 1 ? NameType.PRINCIPAL : NameType.SRV_INST
  return { name: { type, components }, realm: at < 0 ? parseRealm(realm) : parseRealm(text.slice(at + 1)) }
}

/** The ticket-granting service of a realm, as the KDC of this or another realm knows it. */
export function ticketGrantingService(realm: string): PrincipalName {
  return { type: NameType.SRV_INST, components: ['krbtgt', realm] }
}

/** Whether two names are the same; the type is a hint and not compared (RFC 4120 §6.2). */
export function sameName(a: PrincipalName, b: PrincipalName): boolean {
  return a.components.length === b.components.length && a.components.every((part, i) => part === b.components[i])
}

/** As `sameName`, without regard to case, as Active Directory compares names. */
export function sameNameIgnoringCase(a: PrincipalName, b: PrincipalName): boolean {
  const lower = (name: PrincipalName) => ({ ...name, components: name.components.map((part) => part.toLowerCase()) })
  return sameName(lower(a), lower(b))
}

/** A name as operators write it, `/`, `@` and `\` inside a component escaped by `\`: `HTTP/app.example.test@EXAMPLE.TEST`. */
export function principalText(name: PrincipalName, realm?: string): string {
  const text = name.components.map((part) => part.replace(/[\\/@]/g, '\\$&')).join('/')
  return realm === undefined ? text : `${text}@${realm}`
}

function isHostName(text: string): boolean {
  return text.length <= LONGEST_HOST && /^(?!-)[a-z0-9-_]{1,63}(?<!-)(\.(?!-)[a-z0-9-_]{1,63}(?<!-))*$/i.test(text)
}

/** A name that was refused, in a message: shortened, nothing in it that a terminal acts on. */
function quoted(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return JSON.stringify(shown).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}
