/**
 * What this machine is: roles, names, listeners, folders. The schema of `gatehouse.yaml`, each key with the text that
 * docs/configuration.md is made from. What an administrator manages (people, trusts, applications) is not here but in
 * the data folder. Paths are relative to the configuration file.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { isLoopback } from '../listeners/address-list.ts'
import { kerberos } from './kerberos.ts'
import { filePath, hostName, ipAddress, network, origin, port, seconds, webAddress } from './value-kinds.ts'

const certificate = z
  .strictObject({
    certificate: filePath
      .describe('PEM file: the certificate of this listener, the chain behind it in the same file. Needs `key`.')
      .optional(),
    key: filePath.describe('PEM file with the private key of `certificate`.').optional(),
    pkcs12: filePath
      .describe('PKCS#12 file with certificate, chain and key, instead of `certificate` and `key`.')
      .optional(),
    passphraseFile: filePath.describe('File whose first line opens the private key or the PKCS#12 file.').optional(),
  })
  .superRefine((value, context) => {
    const pem = value.certificate !== undefined || value.key !== undefined
    if (pem === (value.pkcs12 !== undefined)) {
      context.addIssue('must name either `certificate` and `key`, or `pkcs12`')
    } else if (pem && (value.certificate === undefined || value.key === undefined)) {
      context.addIssue(`must name ${value.key === undefined ? '`key`' : '`certificate`'} as well`)
    }
  })

const listener = z
  .strictObject({
    address: ipAddress.describe('IP address to listen on; `0.0.0.0` or `::` for all.').default('127.0.0.1'),
    port: port.describe('Port; 0 lets the system choose one.'),
    protocol: z.enum(['http', 'https']).describe('What is spoken on it.'),
    certificates: z
      .array(certificate)
      .describe(
        'One entry per certificate; the name that the client asks for (SNI) chooses. Replaced files are taken up without a restart.',
      )
      .default([]),
    trustedProxies: z
      .array(network)
      .describe('Addresses or networks of proxies in front, whose `X-Forwarded-*` headers are believed.')
      .default([]),
    redirectToHttps: z
      .boolean()
      .describe('For `http`: answer every request with a redirect to https, nothing else.')
      .default(false),
  })
  .superRefine((value, context) => {
    if (value.protocol === 'https' && value.certificates.length === 0) {
      context.addIssue({
        code: 'custom',
        path: ['certificates'],
        message: 'must hold a certificate: the listener speaks https',
      })
    }
    if (value.protocol === 'http' && value.certificates.length > 0) {
      context.addIssue({
        code: 'custom',
        path: ['certificates'],
        message: 'must be left out: the listener speaks http',
      })
    }
    if (value.protocol === 'https' && value.redirectToHttps) {
      context.addIssue({
        code: 'custom',
        path: ['redirectToHttps'],
        message: 'must be left out: the listener speaks https already',
      })
    }
    const plain = value.protocol === 'http' && !value.redirectToHttps
    if (plain && value.trustedProxies.length === 0 && isIP(value.address) !== 0 && !isLoopback(value.address)) {
      context.addIssue({
        code: 'custom',
        path: ['protocol'],
        message:
          'plain http is for loopback addresses, for `redirectToHttps`, or behind `trustedProxies` that are named',
      })
    }
  })

const sts = z.strictObject({
  url: origin.describe(
    'Base address of the federation server as browsers see it, without a path: `https://sts.contoso.test`.',
  ),
  issuer: z
    .string()
    .min(1)
    .max(1024)
    .refine((text) => URL.canParse(text), 'must be a URI')
    .describe('Federation service identifier, in every token. Default: `http://<host of url>/adfs/services/trust`.')
    .optional(),
  proxyIdentifier: z
    .string()
    .min(1)
    .max(1024)
    .describe("The proxy's own relying party identifier, the audience of edge tokens.")
    .default('urn:AppProxy:com'),
  keepMeSignedIn: z.boolean().describe('Offer *keep me signed in* on the sign-in page.').default(false),
  ssoLifetime: seconds(300, 86_400).describe('Seconds that a sign-in holds.').default(28_800),
  persistentLifetime: seconds(300, 7_776_000)
    .describe('Seconds that a sign-in holds with *keep me signed in*.')
    .default(604_800),
  languages: z
    .array(z.enum(['en', 'de']))
    .min(1)
    .describe('Languages of the pages; the first one is for browsers that ask for none of them.')
    .default(['en', 'de']),
  lockout: z
    .strictObject({
      threshold: z.int().min(1).max(1000).describe('Wrong passwords after which a place is locked out.').default(10),
      observationWindow: seconds(60, 86_400)
        .describe('Seconds after the last wrong password until it is let in again.')
        .default(1800),
      familiarFor: seconds(3600, 31_536_000)
        .describe('Seconds that a place stays familiar after a sign-in; familiar and unknown places are counted apart.')
        .default(2_592_000),
    })
    .describe('Lockout after wrong passwords.')
    .prefault({}),
  branding: z
    .strictObject({
      title: z.string().min(1).max(200).describe('Name of the organisation, on top of each page.').optional(),
      logo: filePath.describe('Picture file (SVG, PNG, JPEG, GIF or WebP) on top of each page.').optional(),
      accentColor: z
        .string()
        .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #1a5fb4')
        .describe('Colour of buttons and links.')
        .optional(),
      footer: z.string().max(1000).describe('Text at the foot of each page.').optional(),
    })
    .describe('What the pages look like.')
    .optional(),
  integratedSignIn: z
    .strictObject({
      keytab: filePath.describe(
        'Keytab with the keys of `principal`, readable by its owner alone. Read anew when it changes.',
      ),
      principal: z
        .string()
        .regex(/^[A-Za-z]+\/[A-Za-z0-9.-]+(@[A-Za-z0-9.-]+)?$/, 'must be a service principal name')
        .describe('The service that browsers ask tickets for, by the host of `url`: `HTTP/sts.contoso.test`.'),
      networks: z
        .array(network)
        .min(1)
        .describe('Networks inside, such as `10.0.0.0/8`. Everybody else gets the form, whatever they send.'),
      userAgents: z
        .array(z.string().min(1).max(256))
        .describe(
          'Browsers that are asked for a ticket: a text that the `User-Agent` holds, or `=~` and a regular expression, as in WIASupportedUserAgents of AD FS. Default: browsers of desktop computers, AD FS’s own clients, curl.',
        )
        .optional(),
      upnSuffixes: z
        .record(z.string().min(1), z.string().regex(/^[^@\s/\\]+$/, 'must be the part behind the @'))
        .describe(
          'By realm, in the letters the KDC has, what stands behind the @ in the user principal names of its people: `CORP.CONTOSO.TEST: contoso.test`. People of other realms are not let in. Default: the realm of `principal` is the suffix.',
        )
        .optional(),
      allowGroupReadableKeytab: z.boolean().describe("Take a keytab that the file's group may read.").default(false),
    })
    .describe('Sign people inside the network in by their Kerberos tickets (SPNEGO), without the form.')
    .optional(),
})

const trustByHand = z.strictObject({
  id: z
    .string()
    .regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'must be a GUID: the objectIdentifier of the trust')
    .describe('objectIdentifier of the relying party trust, a GUID.'),
  name: z.string().min(1).max(256).describe('Name by which applications refer to it.'),
  enabled: z.boolean().describe('Whether people are let in for it.').default(true),
  claimsAware: z.boolean().describe('Whether its application does its own claims sign-in.').default(false),
  identifiers: z.array(z.string().min(1).max(1024)).describe('Identifiers of the relying party.').default([]),
  replyAddresses: z
    .array(webAddress)
    .describe("Addresses that the federation server posts this trust's tokens to.")
    .default([]),
})

const proxy = z.strictObject({
  acceptanceWindow: seconds(10, 3600)
    .describe('Seconds after its issue that an edge token is still taken from an address.')
    .default(120),
  backendCa: z
    .array(filePath)
    .describe(
      "PEM files of certificate authorities that backends' certificates may come from, beside the system's own.",
    )
    .default([]),
  federationService: z
    .strictObject({
      metadataUrl: webAddress.describe('Address of the FederationMetadata.xml; https except on loopback.'),
      signInUrl: webAddress
        .describe('Address of the edge sign-in. Default: `/adfs/ls` on the host of `metadataUrl`.')
        .optional(),
      issuer: z
        .string()
        .min(1)
        .max(1024)
        .describe('Federation service identifier, where it is not the entityID of the metadata.')
        .optional(),
      proxyIdentifier: z
        .string()
        .min(1)
        .max(1024)
        .describe("The proxy's own relying party identifier there.")
        .default('urn:AppProxy:com'),
      trusts: z
        .array(trustByHand)
        .describe('Its relying party trusts that applications are published with.')
        .default([]),
    })
    .describe('The federation server, where it is not this process: a Gatehouse elsewhere, or an AD FS.')
    .optional(),
})

const administration = z
  .strictObject({
    socket: z
      .union([filePath, z.literal(false)])
      .describe(
        'Unix socket (mode 0600) that the command talks to; `false` for none. Default: `gatehouse.sock` in the data folder, or where that path is too long for a socket a file in a private folder under the system’s folder for such things.',
      )
      .optional(),
    address: ipAddress
      .refine(isLoopback, 'must be a loopback address')
      .describe('Loopback address to take administration on as well. Needs `port` and `tokenFile`.')
      .optional(),
    port: port.min(1).describe('Port beside `address`.').optional(),
    tokenFile: filePath
      .describe('File with the bearer token for `address`; made with a random one, mode 0600, where there is none.')
      .optional(),
  })
  .superRefine((value, context) => {
    const given = [value.address, value.port, value.tokenFile].filter((part) => part !== undefined).length
    if (given !== 0 && given !== 3) context.addIssue('`address`, `port` and `tokenFile` go together')
    if (given === 0 && value.socket === false) context.addIssue('must leave one way in: `socket`, or `address`')
  })

/** The whole of `gatehouse.yaml`, before paths are made absolute. */
export const configurationSchema = z.strictObject({
  roles: z
    .array(z.enum(['sts', 'proxy']))
    .min(1)
    .refine((roles) => new Set(roles).size === roles.length, 'must name each role once')
    .describe('What runs here: `sts` (the federation server), `proxy` (the web application proxy), or both.')
    .default(['sts', 'proxy']),
  data: filePath
    .describe(
      'Folder of everything that is kept: database, published applications. Made, mode 0700, where there is none.',
    )
    .default('data'),
  masterKeyFile: filePath
    .describe(
      'File with the key that private keys are sealed with; outside the data folder, readable by its owner alone.',
    )
    .default('master.key'),
  allowGroupReadableKey: z.boolean().describe("Take a master key that the file's group may read.").default(false),
  resolve: z
    .record(hostName, ipAddress)
    .describe(
      'Host names and the address each is to be found at, for every connection that goes out; `*.contoso.test` names all below it.',
    )
    .default({}),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .describe('The least that is logged.')
        .default('info'),
      destination: z.enum(['stderr', 'stdout']).describe('Where JSON lines go.').default('stderr'),
    })
    .describe('The log.')
    .prefault({}),
  shutdownTimeout: seconds(0, 3600)
    .describe('Seconds that requests in flight may take to finish once the server is told to end.')
    .default(30),
  listeners: z
    .array(listener)
    .min(1)
    .max(64)
    .describe('Where requests come in. Each listener serves every name of this machine.'),
  sts: sts.describe('The federation server; for the role `sts`.').optional(),
  proxy: proxy.describe('The web application proxy; for the role `proxy`.').optional(),
  kerberos: kerberos
    .describe(
      'The account by which the proxy gets Kerberos tickets on behalf of people, for applications with `--backend-authentication kerberos`. See [kerberos.md](kerberos.md).',
    )
    .optional(),
  administration: administration.describe('How the command reaches the running server.').prefault({}),
})

export type ConfigurationInput = z.input<typeof configurationSchema>

type Frozen<T> = T extends (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

/** A configuration that holds: complete, every path absolute, frozen. */
export type Configuration = Frozen<z.output<typeof configurationSchema>> & {
  /** The file that it came from, absolute. */
  readonly file: string
}

/** Keys whose value is a path; `[]` stands for each element. Relative ones are taken from the configuration file's folder. */
export const pathKeys: readonly (readonly string[])[] = [
  ['data'],
  ['masterKeyFile'],
  ['listeners', '[]', 'certificates', '[]', 'certificate'],
  ['listeners', '[]', 'certificates', '[]', 'key'],
  ['listeners', '[]', 'certificates', '[]', 'pkcs12'],
  ['listeners', '[]', 'certificates', '[]', 'passphraseFile'],
  ['sts', 'branding', 'logo'],
  ['sts', 'integratedSignIn', 'keytab'],
  ['proxy', 'backendCa', '[]'],
  ['kerberos', 'keytab'],
  ['kerberos', 'passwordFile'],
  ['kerberos', 'armourKeytab'],
  ['administration', 'socket'],
  ['administration', 'tokenFile'],
]
