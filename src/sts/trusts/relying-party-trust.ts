/**
 * A relying party trust: an application as the federation server knows it. What an administrator writes is read once,
 * here, and refused with every reason at once; what comes out is complete, in one spelling, and never changed in place.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Person } from '../people/person.ts'
import { StsError } from '../sts-error.ts'
import { servicePrincipalName } from './service-principal-name.ts'
import { publishedAddress, replyAddress } from './trust-address.ts'

export interface RelyingPartyTrust {
  /** objectIdentifier: a GUID in lower case. */
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly claimsAware: boolean
  readonly identifiers: readonly string[]
  /** Who may enter; nobody unless said. */
  readonly permit: { readonly everyone: boolean; readonly groups: readonly string[] }
  /** proxyTrustedEndpoints: the external URL prefixes that proxies publish it under, each with a trailing slash. */
  readonly publishedAddresses: readonly string[]
  /** Where answers of a protocol may be sent. */
  readonly replyAddresses: readonly string[]
  /** Service principal names that a person's identity may be delegated to. */
  readonly delegateTo: readonly string[]
  /** Seconds, 300 to 86400; default 3600. */
  readonly edgeTokenLifetime: number
  /** Whether an application alone, without a person, may enter. */
  readonly allowAppOnly: boolean
}

/** What an administrator writes; everything but the name has a default. */
export interface RelyingPartyTrustInput extends RelyingPartyTrustPatch {
  id?: string | undefined
  name: string
}

/** All but the id may be changed; what is not named stays. */
export interface RelyingPartyTrustPatch {
  name?: string | undefined
  enabled?: boolean | undefined
  claimsAware?: boolean | undefined
  identifiers?: readonly string[] | undefined
  permit?: { everyone?: boolean | undefined; groups?: readonly string[] | undefined } | undefined
  publishedAddresses?: readonly string[] | undefined
  replyAddresses?: readonly string[] | undefined
  delegateTo?: readonly string[] | undefined
  edgeTokenLifetime?: number | undefined
  allowAppOnly?: boolean | undefined
}

const defaults = {
  enabled: true,
  claimsAware: false,
  identifiers: [],
  permit: { everyone: false, groups: [] },
  publishedAddresses: [],
  replyAddresses: [],
  delegateTo: [],
  edgeTokenLifetime: 3600,
  allowAppOnly: false,
} satisfies Omit<RelyingPartyTrust, 'id' | 'name'>

const line = (what: string, longest: number) =>
  z.string().refine((text) => isLine(text, longest), {
    error: `${what} has 1 to ${longest} characters, no control characters and no blanks at its ends`,
  })

/** Applies a reader that answers the canonical spelling or says what is wrong. */
const readBy = (read: (text: string) => { value: string } | { problem: string }) =>
  z.string().transform((text, context) => {
    const result = read(text)
    if ('value' in result) return result.value
    context.addIssue({ code: 'custom', message: result.problem })
    return z.NEVER
  })

const listOf = <T extends z.ZodType<string, string>>(item: T) =>
  z
    .array(item)
    .max(1000)
    .transform((items) => distinct(items))

/** The schema of what an administrator writes; unknown members are errors. */
export const relyingPartyTrustSchema = z.strictObject({
  id: z
    .guid({ error: 'an id is a GUID' })
    .transform((id) => id.toLowerCase())
    .optional(),
  name: line('a name', 256),
  enabled: z.boolean().optional(),
  claimsAware: z.boolean().optional(),
  identifiers: listOf(readBy(identifier)).optional(),
  permit: z
    .strictObject({ everyone: z.boolean().optional(), groups: listOf(line('a group', 256)).optional() })
    .optional(),
  publishedAddresses: listOf(readBy(publishedAddress)).optional(),
  replyAddresses: listOf(readBy(replyAddress)).optional(),
  delegateTo: listOf(readBy(servicePrincipalName)).optional(),
  edgeTokenLifetime: z.int().min(300).max(86_400).optional(),
  allowAppOnly: z.boolean().optional(),
})

/**
 * Reads a new trust.
 * @throws {StsError} `invalid-trust` with every reason, each beside the member that it is about.
 */
export function parseTrust(input: unknown): RelyingPartyTrust {
  const { id = randomUUID(), name, ...given } = read(relyingPartyTrustSchema, input)
  return withMembers({ ...defaults, id, name }, given)
}

/**
 * The trust with some members changed.
 * @throws {StsError} `invalid-trust`
 */
export function changeTrust(trust: RelyingPartyTrust, patch: unknown): RelyingPartyTrust {
  return withMembers(trust, read(relyingPartyTrustSchema.omit({ id: true }).partial(), patch))
}

/** The trust of a definition that was written by this or an older version: what it lacks has its default. */
export function storedTrust(definition: string): RelyingPartyTrust {
  return { ...defaults, ...(JSON.parse(definition) as RelyingPartyTrust) }
}

/**
 * Tells whether a person may enter an application. The one place where that is decided: nobody unless the trust permits
 * everyone or one of the person's groups, and never a person or through a trust that is disabled.
 */
export function permits(trust: RelyingPartyTrust, person: Person): boolean {
  if (!(trust.enabled && person.enabled)) return false
  if (trust.permit.everyone) return true
  const permitted = keysOf(trust.permit.groups)
  return [...keysOf(person.groups)].some((group) => permitted.has(group))
}

/** The names of a trust and of a person are never changed in place, so the form that is compared is made once. */
const groupKeys = new WeakMap<readonly string[], ReadonlySet<string>>()

function keysOf(groups: readonly string[]): ReadonlySet<string> {
  let keys = groupKeys.get(groups)
  if (keys === undefined) {
    keys = new Set(groups.map(nameKey))
    groupKeys.set(groups, keys)
  }
  return keys
}

/** The form in which names and identifiers are compared: without regard to case. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC')
}

function read<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const reasons = result.error.issues.map(({ path, message }) => `${path.join('.') || 'trust'}: ${message}`)
  throw new StsError('invalid-trust', reasons.join('; '), { cause: result.error })
}

function withMembers(trust: RelyingPartyTrust, given: Omit<RelyingPartyTrustPatch, 'id'>): RelyingPartyTrust {
  const { permit, ...members } = given
  const changed: RelyingPartyTrust = {
    ...trust,
    ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)),
    permit: { everyone: permit?.everyone ?? trust.permit.everyone, groups: permit?.groups ?? trust.permit.groups },
  }
  if (changed.claimsAware && changed.delegateTo.length > 0) {
    throw new StsError('invalid-trust', 'delegateTo: only a trust that is not claims-aware delegates by Kerberos')
  }
  return changed
}

function identifier(text: string): { value: string } | { problem: string } {
  const problem = 'an identifier is an absolute URI of at most 1024 characters without blanks'
  if (text.length > 1024 || !/^[a-z][a-z0-9+.-]*:[^\s\p{Cc}\p{Cf}\p{Cs}]+$/iu.test(text)) return { problem }
  return { value: text }
}

function isLine(text: string, longest: number): boolean {
  if (text.length === 0 || text.length > longest || text.trim() !== text || !text.isWellFormed()) return false
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)
}

function distinct(items: readonly string[]): string[] {
  return [...new Map(items.map((item) => [nameKey(item), item])).values()]
}
