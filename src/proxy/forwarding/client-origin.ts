import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** Where a request came from, as far as it may be believed. */
export interface ClientOrigin {
  /** IP address of the client: the peer, or the last address that no trusted proxy vouches away. */
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** What X-Forwarded-For says towards the backend: the chain behind trusted proxies, else the client alone. */
  readonly forwardedFor: string
  /** The peer is a trusted proxy: what it says in X-Forwarded-* and Via is believed and continued. */
  readonly trusted: boolean
}

/**
 * Makes the function that tells where a request came from.
 * @param trustedProxies addresses and CIDR ranges of the reverse proxies in front of us; nobody else's X-Forwarded-* counts.
 * @throws {TypeError} for an entry that is neither.
 */
export function createClientOrigin(trustedProxies: readonly string[] = []): (request: IncomingMessage) => ClientOrigin {
  const trusted = trustedProxies.length === 0 ? undefined : addressSet(trustedProxies)
  return (request) => {
    const { socket } = request
    const peer = plainAddress(socket.remoteAddress ?? '')
    const scheme = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
    if (trusted === undefined || !trusted(peer)) return { address: peer, scheme, forwardedFor: peer, trusted: false }
    const chain = listOf(request.headers['x-forwarded-for'])
    let address = peer
    for (let at = chain.length - 1; at >= 0 && trusted(address); at--) {
      const before = plainAddress(withoutPort(chain[at] ?? ''))
      if (isIP(before) === 0) break
      address = before
    }
    const forwardedFor = chain.length === 0 ? peer : `${chain.join(', ')}, ${peer}`
    // the entry that the nearest proxy wrote is the last one: those before it came from further out
    const said = listOf(request.headers['x-forwarded-proto']).at(-1)?.toLowerCase()
    return { address, scheme: said === 'https' || said === 'http' ? said : scheme, forwardedFor, trusted: true }
  }
}

function addressSet(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits, ...rest] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const length = Number(bits)
    if (isIP(address) === 0 || rest.length > 0)
      throw new TypeError(`trustedProxies: ${entry} is no IP address or range`)
    if (bits === undefined) list.addAddress(address, family)
    else if (/^\d{1,3}$/.test(bits) && length <= (family === 'ipv6' ? 128 : 32)) list.addSubnet(address, length, family)
    else throw new TypeError(`trustedProxies: ${entry} is no IP address or range`)
  }
  return (address) => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** An IPv4 address that reached a dual-stack socket is that address. */
const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)

const withoutPort = (entry: string): string =>
  /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry

function listOf(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return []
  const text = typeof value === 'string' ? value : value.join(',')
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}
