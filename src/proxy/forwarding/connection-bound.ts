/**
 * Authentication that binds to a connection (NTLM, Negotiate) makes every later request on that connection speak for the
 * person, so such a connection must never be shared. Schemes that authenticate each request by itself are listed; any
 * scheme not known to do so counts as bound, because a connection of its own is cheap and a shared one is not safe.
 */
const PER_REQUEST = new Set([
  'basic',
  'bearer',
  'digest',
  'dpop',
  'gnap',
  'hoba',
  'hawk',
  'mutual',
  'oauth',
  'privatetoken',
  'scram-sha-1',
  'scram-sha-256',
  'vapid',
  'token',
  'apikey',
  'aws4-hmac-sha256',
  'sharedkey',
  'signature',
])

/** @param authorization the value of an Authorization field. */
export function isConnectionBound(authorization: string): boolean {
  return !PER_REQUEST.has(schemeOf(authorization))
}

const CONNECTION_SCHEMES = /(?:^|,)[ \t]*(?:ntlm|negotiate|nego2|kerberos)(?:[ \t,]|$)/i

/** @param challenge the value of a WWW-Authenticate field. */
export const asksForConnectionBound = (challenge: string): boolean => CONNECTION_SCHEMES.test(challenge)

const schemeOf = (value: string): string => /^[ \t]*([^ \t,]*)/.exec(value)?.[1]?.toLowerCase() ?? ''
