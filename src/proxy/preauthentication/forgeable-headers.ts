/**
 * Headers that a backend believes because a proxy set them, and that any client could therefore send itself: none of
 * them passes. What reads headers by CGI's rules takes every character that is no letter or digit for `_`, so names are
 * compared with all of those alike (`Remote_User`, `Remote.User`).
 */

/** Whole names, and the beginnings of names (ending in `*`). */
const forgeable: readonly string[] = [
  // addresses and hops
  'forwarded',
  'x-forwarded',
  'x-forwarded-*',
  'x-real-ip',
  'x-real-port',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'x-remote-ip',
  'x-remote-addr',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-envoy-*',
  'via',
  // the federation service's own
  'x-ms-*',
  'x-gatehouse-*',
  // people
  'remote-user',
  'remote-name',
  'remote-email',
  'remote-groups',
  'remote-ident',
  'logon-user',
  'auth-user',
  'auth-type',
  'x-remote-*',
  'x-user',
  'x-user-*',
  'x-username',
  'x-userid',
  'x-upn',
  'x-email',
  'x-groups',
  'x-roles',
  'x-login',
  'x-auth-request-*',
  'x-auth-user',
  'x-auth-username',
  'x-auth-email',
  'x-auth-groups',
  'x-authenticated-*',
  'x-authenticated',
  'x-webauth-*',
  'x-authentik-*',
  'x-pomerium-*',
  'x-vouch-*',
  'x-goog-authenticated-user-*',
  'x-goog-iap-*',
  'x-amzn-oidc-*',
  'cf-access-*',
  'oidc-claim-*',
  'x-iisnode-*',
  // client certificates and token binding
  'client-cert',
  'client-cert-*',
  'x-client-cert',
  'x-client-cert-*',
  'x-clientcert',
  'x-clientcert-*',
  'x-arr-*',
  'x-ssl-*',
  'ssl-client-*',
  'x-tls-*',
  'sec-token-binding',
  'sec-provided-token-binding-id',
  'sec-referred-token-binding-id',
  // orders to a web server
  'proxy',
  'proxy-*',
  'x-accel-*',
  'x-sendfile',
  'x-sendfile-type',
  'x-lighttpd-send-file',
  'x-original-url',
  'x-rewrite-url',
  'x-original-uri',
  'x-original-method',
  'x-original-host',
  'x-host',
  'x-http-host-override',
]

const whole = new Set(forgeable.filter((name) => !name.endsWith('*')))
const beginnings = forgeable.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))

/** A header's name as CGI would see it: every character that is no letter or digit is the same. */
export function plainHeaderName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

function isForgeable(plain: string): boolean {
  return whole.has(plain) || beginnings.some((beginning) => plain.startsWith(beginning))
}

/**
 * Which headers of a client must not reach the backend: the forgeable ones, those the proxy sets itself, and Cookie,
 * which is sent as the preauthentication left it. Hop-by-hop headers are the forwarder's affair.
 * @param own names of the headers that the proxy sets for this application.
 * @returns a test on lower-case names that remembers its answers, at most 512 of them.
 */
export function headersToRemove(own: Iterable<string>): (lowerName: string) => boolean {
  const ours = new Set([...own].map(plainHeaderName))
  ours.add('cookie')
  const known = new Map<string, boolean>()
  return (lowerName) => {
    const before = known.get(lowerName)
    if (before !== undefined) return before
    const plain = plainHeaderName(lowerName)
    const answer = ours.has(plain) || isForgeable(plain) || (plain === METHOD_OVERRIDE && lowerName !== plain)
    if (known.size < 512 && lowerName.length <= 64) known.set(lowerName, answer)
    return answer
  }
}

/**
 * X-HTTP-Method-Override goes on to the backend where it names a method: some clients can say PUT in no other way, and no
 * decision of ours looks at it. Anything else in it, and any other spelling of the name, does not.
 * @param removal of the application.
 */
export function removalFor(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  removal: (lowerName: string) => boolean,
): (lowerName: string) => boolean {
  const override = headers[METHOD_OVERRIDE]
  if (override === undefined || (typeof override === 'string' && /^[a-z]{3,20}$/i.test(override))) return removal
  return (lowerName) => lowerName === METHOD_OVERRIDE || removal(lowerName)
}

const METHOD_OVERRIDE = 'x-http-method-override'

/** Names that carry something else than a person: an identity header may not take them. */
const taken = new Set([
  'authorization',
  'connection',
  'cookie',
  'cookie2',
  'date',
  'expect',
  'forwarded',
  'from',
  'host',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'origin',
  'range',
  'referer',
  'set-cookie',
  'set-cookie2',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
  'x-sendfile',
  'x-real-ip',
  'alt-svc',
  'pragma',
  'cache-control',
  'warning',
  'x-requested-with',
])
const takenBeginnings = ['accept', 'access-control-', 'content-', 'if-', 'proxy', 'sec-', 'www-', 'x-accel-', 'x-ms-']

/**
 * Whether a header can carry a person's identity to a backend.
 * @param seen the names checked before, for the same application; this one is added.
 * @returns what is wrong with it, or undefined.
 */
export function checkIdentityHeaderName(name: string, seen: Set<string>): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/i.test(name)) return 'is no header name (RFC 9110 §5.6.2)'
  const plain = plainHeaderName(name)
  if (plain === '--proto--') return 'is no header name to use'
  if (taken.has(plain) || takenBeginnings.some((beginning) => plain.startsWith(beginning)))
    return 'has another meaning and cannot carry an identity'
  if (seen.has(plain)) return 'is the same header as another one to a backend that reads names by CGI’s rules'
  seen.add(plain)
  return undefined
}
