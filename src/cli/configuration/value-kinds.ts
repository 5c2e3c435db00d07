/** Kinds of values that keys of the configuration have. Messages complete the sentence that begins with the key. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { parseKdcAddress } from '../../kcd/kdc/kdc-address.ts'
import { parseBackendService, parsePrincipal, parseRealm } from '../../kcd/principal-name.ts'

/** Path of a file or folder. */
export const filePath = z
  .string()
  .min(1, 'must name a file')
  .max(4096)
  .refine((text) => !text.includes('\0'), 'must not hold a NUL character')

/** A whole number of seconds between two bounds. */
export const seconds = (least: number, most: number) => z.int('must be a whole number of seconds').min(least).max(most)

/** Scheme, host and port: a base address without path, query or user. */
export const origin = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    context.addIssue('must be an address such as https://sts.contoso.test')
  } else if (
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== '' ||
    url.password !== ''
  ) {
    context.addIssue('must be a base address: scheme, host and port, nothing behind it')
  }
})

/** An http or https address of anything. */
export const webAddress = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    context.addIssue('must be an http or https address')
  } else if (url.username !== '' || url.password !== '' || url.hash !== '') {
    context.addIssue('must be without user name, password and fragment')
  }
})

/** An IPv4 or IPv6 address. */
export const ipAddress = z.string().refine((text) => isIP(text) !== 0, 'must be an IP address')

/** An IP address, or a network in CIDR notation. */
export const network = z.string().refine((text) => {
  const [address = '', prefix, more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more !== undefined) return false
  if (prefix === undefined) return true
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128)
}, 'must be an IP address or a network such as 10.0.0.0/8')

/** A port; 0 for one that the system chooses. */
export const port = z.int('must be a port number').min(0).max(65_535)

/** A DNS name, or `*.` and the parent of all that are meant. */
export const hostName = z
  .string()
  .max(253)
  .regex(
    /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i,
    'must be a host name, or one below `*.`',
  )

const readableBy = (read: (text: string) => unknown, expected: string) =>
  z.string().refine((text) => {
    try {
      read(text)
      return true
    } catch {
      return false
    }
  }, expected)

/** A Kerberos realm, in the letters the KDC has. */
export const realmName = readableBy(parseRealm, 'must be a realm such as CORP.TEST')

/** Where a KDC listens. */
export const kdcAddress = readableBy(parseKdcAddress, 'must be the address of a KDC: host, host:port or [address]:port')

/** A Kerberos principal, with or without its realm. */
export const principalName = readableBy(
  (text) => parsePrincipal(text, 'REALM'),
  'must be a principal such as HTTP/gateway.corp.test or svc-gateway',
)

/** The service principal name of a web server. */
export const backendService = readableBy(parseBackendService, 'must be a service such as HTTP/app.corp.test')
