import { BlockList, isIP } from 'node:net'

/** What integrated sign-in is set up with. */
export interface IntegratedSignInOptions {
  /** Keytab with the keys of `principal`. One per process: libkrb5 takes it from the environment. */
  readonly keytab: string
  /** The service that browsers ask tickets for: `HTTP/sts.contoso.test`, on request with `@REALM` behind it. */
  readonly principal: string
  /** Addresses and networks (CIDR) of people inside; nobody else is offered it, and nobody else's ticket is looked at. */
  readonly networks: readonly string[]
  /**
   * Browsers that are offered it: a text that the `User-Agent` holds, in any case of letters, or `=~` and a regular
   * expression; default {@link standardUserAgents}.
   */
  readonly userAgents?: readonly string[] | undefined
  /** The suffix that user principal names have, by realm; for the service's own realm the realm itself unless said. */
  readonly upnSuffixes?: Readonly<Record<string, string>> | undefined
  /** Take a keytab that its group may read; default only from the credentials folder of the service manager. */
  readonly allowGroupReadableKeytab?: boolean | undefined
}

/** The options, checked. */
export interface IntegratedSignInSettings {
  readonly keytab: string
  readonly service: string
  readonly host: string
  /** Undefined: whichever the keytab names. */
  readonly realm: string | undefined
  readonly networks: BlockList
  readonly userAgents: readonly ((userAgent: string) => boolean)[]
  readonly upnSuffixes: ReadonlyMap<string, string>
  readonly allowGroupReadableKeytab: boolean
}

/**
 * Browsers of desktop computers, which show the form where they have no ticket; clients that AD FS counts in as well;
 * and curl, by which an administrator sees whether it works.
 */
export const standardUserAgents: readonly string[] = [
  '=~^Mozilla/5\\.0 \\((Windows NT|Macintosh|X11)[;) ]',
  'MSAuthHost/1.0/In-Domain',
  'MSIPC',
  'Windows Rights Management Client',
  'MS_WorkFoldersClient',
  'curl/',
]

/** @throws {TypeError} naming the option that is wrong. */
export function readIntegratedSignIn(options: IntegratedSignInOptions): IntegratedSignInSettings {
  const { keytab, principal, networks, userAgents = standardUserAgents, upnSuffixes = {} } = options
  if (keytab === '') throw wrong('keytab', 'must name a file')
  const [, service, host, realm] = /^([A-Za-z]+)\/([A-Za-z0-9.-]+)(?:@([A-Za-z0-9.-]+))?$/.exec(principal) ?? []
  if (service === undefined || host === undefined) {
    throw wrong('principal', 'must be a service principal name such as HTTP/sts.contoso.test')
  }
  return {
    keytab,
    service,
    host,
    realm,
    networks: readNetworks(networks),
    userAgents: userAgents.map(readPattern),
    upnSuffixes: new Map(Object.entries(upnSuffixes).map(readSuffix)),
    allowGroupReadableKeytab: options.allowGroupReadableKeytab ?? false,
  }
}

/** Networks as a list that answers whether an address lies in one of them. */
function readNetworks(networks: readonly string[]): BlockList {
  if (networks.length === 0) throw wrong('networks', 'must name the networks inside, such as 10.0.0.0/8')
  const list = new BlockList()
  for (const text of networks) {
    const [address = '', prefix, more] = text.split('/')
    const family = isIP(address)
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : 999
    if (family === 0 || more !== undefined || bits > (family === 4 ? 32 : 128)) {
      throw wrong('networks', `must be addresses and networks such as 10.0.0.0/8, not ${text}`)
    }
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

function readPattern(pattern: string): (userAgent: string) => boolean {
  if (!pattern.startsWith('=~')) {
    const text = pattern.toLowerCase()
    if (text.trim() === '') throw wrong('userAgents', 'must not hold an empty text: it would be every browser')
    return (userAgent) => userAgent.toLowerCase().includes(text)
  }
  try {
    const expression = new RegExp(pattern.slice(2), 'u')
    return (userAgent) => expression.test(userAgent)
  } catch (cause) {
    throw new TypeError(`integratedSignIn.userAgents: ${pattern} is no regular expression`, { cause })
  }
}

function readSuffix([realm, suffix]: [string, string]): [string, string] {
  if (realm === '' || realm.includes('@')) throw wrong('upnSuffixes', 'must be names of realms, with a suffix each')
  if (!/^[^@\s/\\]+$/.test(suffix)) throw wrong('upnSuffixes', `must be the part behind the @, not ${suffix}`)
  return [realm, suffix]
}

const wrong = (name: string, must: string) => new TypeError(`integratedSignIn.${name} ${must}`)
