/** Names, or beginnings of names, of the proxy's own cookies: no backend may set or clear one. */
const RESERVED = ['edgeaccesscookie', 'edgesignin', 'edgereply']

/**
 * Whether a backend's Set-Cookie line would make a browser send a cookie of ours. A cookie without a name is sent as its
 * value alone, so `=EdgeAccessCookie=x` and `EdgeAccessCookie` count as well.
 */
export function setsReservedCookie(line: string): boolean {
  const end = line.indexOf(';')
  const pair = (end === -1 ? line : line.slice(0, end)).trim()
  const first = pair.startsWith('=') ? pair.slice(1).trimStart() : pair
  // all of ours begin alike: most lines are told apart by one letter
  if ((first.charCodeAt(0) | 0x20) !== 0x65) return false
  const lower = first.toLowerCase()
  return RESERVED.some((name) => lower.startsWith(name))
}
