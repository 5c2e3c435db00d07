import { asksForConnectionBound } from './connection-bound.ts'
import type { ParsedHeaders, RawHeaders } from './response-headers.ts'

/** What a backend's answer says about the authentication of its connection. */
export interface KerberosAnswer {
  /** WWW-Authenticate names Negotiate or a relative of it. */
  readonly asks: boolean
  /** What stands behind `Negotiate ` there. */
  readonly token: string | undefined
  /** What `Persistent-Auth` says: whether later requests on the connection are taken for the same person's. */
  readonly keepsPerson: boolean | undefined
}

/** Names and values in turn, as node:http leaves them. */
export function readRawAnswer(headers: RawHeaders): KerberosAnswer {
  const challenges: string[] = []
  let persistent: string | undefined
  for (let at = 0; at < headers.length; at += 2) {
    const name = String(headers[at]).toLowerCase()
    if (name === 'www-authenticate') challenges.push(String(headers[at + 1]))
    else if (name === 'persistent-auth') persistent = String(headers[at + 1])
  }
  return judge(challenges, persistent)
}

/** Values by lower-case name, as undici leaves them. */
export function readParsedAnswer(headers: ParsedHeaders): KerberosAnswer {
  const persistent = headers['persistent-auth']
  return judge(
    [headers['www-authenticate'] ?? []].flat(),
    typeof persistent === 'string' ? persistent : persistent?.join(', '),
  )
}

/** The same without what is between the proxy and the backend: a browser would answer such a challenge itself. */
export function withoutKerberos(headers: RawHeaders): string[] {
  const kept: string[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const name = String(headers[at])
    const value = String(headers[at + 1])
    if (!isBetweenUs(name.toLowerCase(), value)) kept.push(name, value)
  }
  return kept
}

/** As {@link withoutKerberos}, for headers that were parsed. */
export function withoutParsedKerberos(headers: ParsedHeaders): ParsedHeaders {
  if (headers['www-authenticate'] === undefined && headers['persistent-auth'] === undefined) return headers
  const challenges = [headers['www-authenticate'] ?? []].flat().filter((value) => !asksForConnectionBound(value))
  return {
    ...headers,
    'persistent-auth': undefined,
    'www-authenticate': challenges.length === 0 ? undefined : challenges,
  }
}

const isBetweenUs = (lower: string, value: string): boolean =>
  lower === 'persistent-auth' || (lower === 'www-authenticate' && asksForConnectionBound(value))

const NOTHING: KerberosAnswer = { asks: false, token: undefined, keepsPerson: undefined }

function judge(challenges: readonly string[], persistent: string | undefined): KerberosAnswer {
  if (challenges.length === 0 && persistent === undefined) return NOTHING
  const asking = challenges.filter(asksForConnectionBound)
  const keeps = persistent?.trim().toLowerCase()
  return {
    asks: asking.length > 0,
    token: asking.map((value) => /(?:^|,)[ \t]*negotiate[ \t]+([^\s,]+)/i.exec(value)?.[1]).find((text) => text),
    keepsPerson: keeps === undefined ? undefined : keeps === 'true',
  }
}
