/**
 * Whether two addresses are one site to a browser, so that a SameSite=Lax cookie of one comes along on a POST from the
 * other: same scheme, same registrable domain. Without the public suffix list this is a judgement: two labels, or three
 * where the last two look like a country's second level (`co.uk`, `com.au`).
 */
export function sameSite(one: URL, other: URL): boolean {
  return one.protocol === other.protocol && registrableDomain(one.hostname) === registrableDomain(other.hostname)
}

/** Whether browsers keep `Secure` cookies of this address: TLS, or a name that never leaves the machine. */
export function keepsSecureCookies(url: URL): boolean {
  return url.protocol === 'https:' || url.hostname === 'localhost' || url.hostname.endsWith('.localhost')
}

function registrableDomain(hostname: string): string {
  const labels = hostname.replace(/\.$/, '').split('.')
  const [second = '', top = ''] = labels.slice(-2)
  const secondLevel = top.length === 2 && (second.length <= 3 || second === 'gouv')
  return labels.slice(secondLevel ? -3 : -2).join('.')
}
