import { BlockList, isIP } from 'node:net'
import { ListenerError } from './listener-error.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach an address. */
export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && loopback.check(address, familyOf(address))
}

/**
 * A set of addresses: single ones and ranges (`10.1.0.0/16`, `fd00::/8`).
 * @returns whether an address, as a socket names it, is in the set; an IPv4 address in IPv6 clothes counts as itself.
 * @throws {ListenerError} `configuration` for an entry that is neither.
 */
export function addressList(entries: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits, ...more] = entry.split('/')
    const longest = isIP(address) === 4 ? 32 : 128
    const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (isIP(address) === 0 || more.length > 0 || !(prefix <= longest)) {
      throw new ListenerError('configuration', `${JSON.stringify(entry)} is neither an IP address nor a range of them`)
    }
    list.addSubnet(address, prefix, familyOf(address))
  }
  return (address) => {
    if (address === undefined || isIP(address) === 0) return false
    return list.check(address, familyOf(address))
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
