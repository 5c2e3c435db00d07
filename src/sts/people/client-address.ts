import { isIPv4, isIPv6 } from 'node:net'

/**
 * The form in which client addresses are compared and counted: an IPv4 address by itself however it was written, an
 * IPv6 address by its network of 64 bits, because a host changes the rest at will.
 * @param address as the socket or a trusted proxy gave it; anything else is compared as it is.
 */
export function addressKey(address: string): string {
  const plain = address.trim().replace(/%.*$/, '')
  if (isIPv4(plain)) return plain
  if (!isIPv6(plain)) return address.slice(0, 64)
  // the URL parser writes every spelling of an address in the one of RFC 5952
  const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const before = groups(head)
  const after = groups(tail ?? '')
  const all = tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill('0'), ...after]
  const mapped = all.slice(0, 5).every((group) => group === '0') && all[5] === 'ffff'
  if (mapped) return all.slice(6).flatMap(octets).join('.')
  return `${all.slice(0, 4).join(':')}::/64`
}

function octets(group: string): number[] {
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 0xff]
}
