import { z } from 'zod'
import { backendService, filePath, kdcAddress, principalName, realmName, seconds } from './value-kinds.ts'

/** The part `kerberos` of the configuration: whose name the proxy has in the directory, and where that is. */
export const kerberos = z
  .strictObject({
    realm: realmName.describe(
      'Realm of the account, in the letters the KDC has: the name of the Active Directory domain in capitals.',
    ),
    kdcs: z
      .array(kdcAddress)
      .describe(
        'KDCs (domain controllers) of the realm, asked in this order: `dc1.corp.test`, `10.0.0.5:88`. Default: those that the DNS names (`_kerberos._tcp` of the realm).',
      )
      .default([]),
    realms: z
      .record(realmName, z.array(kdcAddress).min(1))
      .describe('KDCs of other realms whose people are let in by a trust between the realms. Default: the DNS.')
      .default({}),
    principal: principalName.describe(
      'The account: `HTTP/gateway.corp.test`, `svc-gateway`. It is the one that may delegate.',
    ),
    keytab: filePath
      .describe('Keytab with the keys of the account, readable by its owner alone. Read anew when it changes.')
      .optional(),
    passwordFile: filePath
      .describe(
        'File whose first line is the password of the account, instead of `keytab`; readable by its owner alone.',
      )
      .optional(),
    allowGroupReadableKeytab: z.boolean().describe("Take files of keys that the file's group may read.").default(false),
    armourKeytab: filePath
      .describe(
        'Keytab of another account, usually that of the machine, whose ticket armours the authentication (FAST), where the KDC demands it.',
      )
      .optional(),
    armourPrincipal: principalName
      .describe('The account in `armourKeytab` to use. Default: that of its first entry.')
      .optional(),
    userName: z
      .enum(['principal', 'enterprise'])
      .describe(
        'How people are named to the KDC: `principal`, the part before the @ in the realm behind it; `enterprise`, the whole name, for the directory to find whose it is. Default: `principal` where the suffix is the realm, else `enterprise`.',
      )
      .optional(),
    resourceBased: z
      .boolean()
      .describe(
        'Delegation is granted on the accounts of the backends (resource-based): also ask with evidence that is not forwardable.',
      )
      .default(false),
    services: z
      .array(backendService)
      .describe(
        'Every service that this proxy may delegate to, whatever is published: `HTTP/app.corp.test`. Needed before a foreign federation server, which says nothing of delegation. Default: the services of the applications that are published.',
      )
      .optional(),
    timeout: seconds(1, 120).describe('Seconds until a request for a ticket is given up.').default(10),
    ticketLifetime: seconds(60, 86_400)
      .describe('Seconds that tickets are asked for and kept: so long does the directory not hear of a person again.')
      .default(3600),
  })
  .superRefine((value, context) => {
    if ((value.keytab === undefined) === (value.passwordFile === undefined)) {
      context.addIssue('must name either `keytab` or `passwordFile`')
    }
    if (value.armourPrincipal !== undefined && value.armourKeytab === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['armourPrincipal'],
        message: 'is the account in `armourKeytab`, which is missing',
      })
    }
    const [, realm] = /@(.*)$/.exec(value.principal) ?? []
    if (realm !== undefined && realm !== value.realm) {
      context.addIssue({ code: 'custom', path: ['principal'], message: 'must lie in `realm`' })
    }
  })
