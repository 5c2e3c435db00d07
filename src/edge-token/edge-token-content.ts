import { type Delegation, openDelegation } from './delegation.ts'
import { isUserPrincipalName } from './edge-token.ts'
import { EdgeTokenError } from './edge-token-error.ts'
import { openUrlPrefix, type UrlPrefix } from './published-url.ts'
import { isJsonObject, parseStrictJson } from './strict-json.ts'

/** The claims of an edge token after the signature was found good: typed, formed, not judged yet. Dates are seconds since 1970. */
export interface EdgeTokenContent {
  readonly issuer: unknown
  readonly audience: string
  /** Lower case; empty where the token names no trust. */
  readonly relyingPartyTrust: string
  readonly resource: UrlPrefix | undefined
  readonly issuedAt: number
  readonly notBefore: number | undefined
  readonly expiresAt: number
  readonly upn: string | undefined
  readonly authenticationMethod: string | undefined
  readonly authenticationInstant: number | undefined
  readonly deviceRegistrationId: string | undefined
  readonly sessionId: string | undefined
  readonly accessTokenHash: string | undefined
  readonly delegation: Delegation
  /** All claims, frozen. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** What of the verifier's options the form of the claims depends on. */
export interface ContentRules {
  /** Seconds that clocks may differ. */
  clockTolerance: number
  /** Lower-case service principal names that may be delegated to at all. */
  services: ReadonlySet<string> | undefined
}

/**
 * Reads the claims of an edge token from the bytes that were signed.
 * @throws {EdgeTokenError} `malformed` for a claims set or a claim that is not of its form.
 * @see [MS-ADFSPIP] 2.2.2.18
 */
export function readEdgeTokenContent(payload: Uint8Array, rules: ContentRules): EdgeTokenContent {
  const claims = parseStrictJson(payload)
  if (!isJsonObject(claims)) throw malformed('the claims are not a JSON object')
  const { ver, iss, aud, iat, nbf, exp, upn, relyingpartytrustid, kcd, authinstant, authmethod } = claims as EdgeClaims
  const { resource, deviceregid, sid, at_hash } = claims as EdgeClaims
  if (ver !== undefined && ver !== '1.0' && ver !== 1) throw malformed('ver must be 1.0')
  if (typeof aud !== 'string') throw malformed('aud must be one text')
  if (upn !== undefined && !isUserPrincipalName(upn)) throw malformed('upn is not a user principal name')
  const issuedAt = readDate(iat, 'iat')
  const authenticationInstant = readInstant(authinstant)
  if (authenticationInstant !== undefined && authenticationInstant > issuedAt + rules.clockTolerance) {
    throw malformed('authinstant is later than iat')
  }
  const relyingPartyTrust = typeof relyingpartytrustid === 'string' ? relyingpartytrustid.toLowerCase() : ''
  const digests = readDigests(kcd)
  return {
    issuer: iss,
    audience: aud,
    relyingPartyTrust,
    resource: readResource(resource),
    issuedAt,
    notBefore: nbf === undefined ? undefined : readDate(nbf, 'nbf'),
    expiresAt: readDate(exp, 'exp'),
    upn,
    // AD FS writes an array where a rule issued several values.
    authenticationMethod: readText(Array.isArray(authmethod) ? authmethod[0] : authmethod, 'authmethod'),
    authenticationInstant,
    deviceRegistrationId: readText(deviceregid, 'deviceregid'),
    sessionId: readText(sid, 'sid'),
    accessTokenHash: readBinding(at_hash),
    delegation: openDelegation({ trustId: relyingPartyTrust, upn, digests, services: rules.services }),
    claims: freeze(claims),
  }
}

type EdgeClaims = Record<
  'ver' | 'iss' | 'aud' | 'iat' | 'nbf' | 'exp' | 'upn' | 'relyingpartytrustid' | 'authinstant' | 'authmethod',
  unknown
> &
  Record<'resource' | 'deviceregid' | 'sid' | 'at_hash' | 'kcd', unknown>

/** A NumericDate as this product takes it: whole seconds, a number, within what a Date can hold. */
export function readDate(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || Math.abs(value) > 8.64e12) {
    throw malformed(`${name} must be whole seconds since 1970`)
  }
  return value
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/

/** [MS-ADFSPIP] says seconds, its test issuer writes ISO 8601; without a zone it means UTC. */
function readInstant(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') return readDate(value, 'authinstant')
  const form = INSTANT.exec(value)
  const milliseconds = form === null ? Number.NaN : Date.parse(form[1] === undefined ? `${value}Z` : value)
  if (Number.isNaN(milliseconds)) throw malformed('authinstant is neither seconds nor an ISO 8601 date with its time')
  return milliseconds / 1000
}

const MOST_RESOURCES = 256
/** The same few resources stand in every token. */
const resources = new Map<string, UrlPrefix>()

function readResource(value: unknown): UrlPrefix | undefined {
  if (value === undefined) return undefined
  const known = resources.get(value as string)
  if (known !== undefined) return known
  const prefix = typeof value === 'string' ? openUrlPrefix(value) : undefined
  if (prefix === undefined) throw malformed('resource is not an http(s) address')
  if (resources.size >= MOST_RESOURCES) resources.clear()
  resources.set(prefix.text, prefix)
  return prefix
}

function readDigests(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((digest) => typeof digest === 'string')) {
    throw malformed('kcd must be an array of texts')
  }
  return value
}

function readBinding(value: unknown): string | undefined {
  if (value !== undefined && (typeof value !== 'string' || value === '')) throw malformed('at_hash must be a text')
  return value
}

/** A text; an empty one says as much as an absent one. */
function readText(value: unknown, name: string): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw malformed(`${name} must be a text`)
  return value === '' ? undefined : value
}

/** The same claims are handed out for a token again and again: nobody may change them for the next one. */
function freeze<Value extends object>(value: Value): Value {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) freeze(member)
  return Object.freeze(value)
}

function malformed(message: string): EdgeTokenError {
  return new EdgeTokenError('malformed', message)
}
