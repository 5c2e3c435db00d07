import { isIP } from 'node:net'

/** Where a KDC listens. */
export interface KdcAddress {
  readonly host: string
  readonly port: number
}

/** RFC 4120 §7.2.1 */
const KERBEROS_PORT = 88

/**
 * Reads `host`, `host:port`, `192.0.2.1:port`, `[2001:db8::1]:port` or a bare IPv6 address.
 * @throws {TypeError} where it is none of them.
 */
export function parseKdcAddress(text: string): KdcAddress {
  if (isIP(text) === 6) return { host: text, port: KERBEROS_PORT }
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]{1,253}))(?::(\d{1,5}))?$/i.exec(text)
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3] ?? KERBEROS_PORT)
  if (host === '' || port < 1 || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6)) {
    throw new TypeError(`${JSON.stringify(text)} is no address of a KDC: expected host, host:port or [address]:port`)
  }
  return { host, port }
}

/** As `parseKdcAddress` takes it. */
export function kdcAddressText({ host, port }: KdcAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
