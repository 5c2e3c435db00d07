/**
 * A real MIT key distribution centre with its principals in a directory server, on loopback, all its state in a folder.
 * One directory server may serve several realms.
 */
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { type Program, runProgram, startProgram } from '../processes.ts'
import { accepting } from './accepting.ts'
import {
  type DirectoryServer,
  directoryAdministrator,
  directoryPassword,
  directorySuffix,
  succeeded,
} from './directory-server.ts'

export interface MitRealmOptions {
  readonly directory: DirectoryServer
  readonly folder: string
  readonly realm: string
  /** More lines of the realm in kdc.conf. */
  readonly settings?: readonly string[]
  /** More lines of [libdefaults] in the krb5.conf that the KDC and the client programs read. */
  readonly defaults?: readonly string[]
  /** More sections of that krb5.conf. */
  readonly sections?: string
  /** Other realms that the client programs shall find: realm → KDC address. */
  readonly others?: Readonly<Record<string, string>>
}

export interface MitRealm {
  readonly realm: string
  /** Address and port of the KDC; the same after a restart. */
  readonly kdc: string
  /** Environment for kinit, kvno, klist and other clients of this realm. */
  readonly environment: Readonly<Record<string, string>>
  /** The file behind `KRB5_CONFIG`. */
  readonly configuration: string
  /** Runs commands of kadmin.local, one per line; rejects when one fails. */
  administer(...commands: string[]): Promise<void>
  /** A new keytab with the present keys of the principals; the keys stay as they are. */
  keytab(name: string, ...principals: string[]): Promise<string>
  /** Lets a service delegate to others: the allow list. */
  allowDelegation(service: string, ...targets: string[]): Promise<void>
  /**
   * Another name that the KDC knows a principal by, `@` in it unescaped: `alice@alt.test`. `canonical` may name another
   * realm: the KDC then refers to it.
   */
  addAlias(principal: string, alias: string, canonical?: string): Promise<void>
  /** Starts the KDC, on request with a clock that is off by so many seconds. */
  start(clockOffset?: number): Promise<void>
  stop(): Promise<void>
  /** What the KDC has logged. */
  readonly log: string
}

/** Creates the realm and starts its KDC. */
export async function createMitRealm(options: MitRealmOptions): Promise<MitRealm> {
  const { directory, realm, settings = [], defaults = [], sections = '', others = {} } = options
  const folder = join(options.folder, realm)
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const kdc = `127.0.0.1:${port}`
  const file = (name: string) => join(folder, name)
  const environment = { KRB5_CONFIG: file('krb5.conf'), KRB5_KDC_PROFILE: file('kdc.conf'), KRB5RCACHEDIR: folder }
  writeFileSync(file('krb5.conf'), clientConfiguration(realm, { ...others, [realm]: kdc }, defaults) + sections)
  writeFileSync(
    file('kdc.conf'),
    `[kdcdefaults]
 kdc_listen = ${kdc}
 kdc_tcp_listen = ${kdc}
[realms]
 ${realm} = {
  database_module = ldap
  key_stash_file = ${file('stash')}
  acl_file = ${file('kadm5.acl')}
  max_life = 10h
  max_renewable_life = 7d
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
${settings.map((line) => `  ${line}\n`).join('')} }
[dbmodules]
 ldap = {
  db_library = kldap
  ldap_kerberos_container_dn = cn=krb,ou=${realm},${directorySuffix}
  ldap_kdc_dn = ${directoryAdministrator}
  ldap_kadmind_dn = ${directoryAdministrator}
  ldap_service_password_file = ${file('ldap.password')}
  ldap_servers = ${directory.url}
 }
[logging]
 kdc = FILE:${file('kdc.log')}
`,
  )
  const password = Buffer.from(directoryPassword).toString('hex')
  writeFileSync(file('ldap.password'), `${directoryAdministrator}#{HEX}${password}\n`, { mode: 0o600 })
  const database = ['-D', directoryAdministrator, '-w', directoryPassword, '-H', directory.url]
  // A part of the tree for each realm: their keys lie under different master keys.
  const tree = `ou=${realm},${directorySuffix}`
  await directory.modify(`dn: ${tree}\nchangetype: add\nobjectClass: organizationalUnit\nou: ${realm}\n`)
  const create = ['create', '-subtrees', tree, '-r', realm, '-s', '-P', 'master']
  succeeded(
    'kdb5_ldap_util',
    await runProgram('/usr/sbin/kdb5_ldap_util', [...database, ...create], { env: environment }),
  )

  let running: Program | undefined
  const made: MitRealm = {
    realm,
    kdc,
    environment,
    configuration: file('krb5.conf'),
    log: file('kdc.log'),
    administer: async (...commands) => {
      const input = `${commands.join('\n')}\n`
      const outcome = succeeded(
        'kadmin.local',
        await runProgram('/usr/sbin/kadmin.local', ['-r', realm], { env: environment, input }),
      )
      const complaint = outcome.stderr.split('\n').filter((line) => / while |error|usage|invalid/i.test(line))
      if (complaint.length > 0) throw new Error(`kadmin.local: ${complaint.join('; ')}`)
    },
    keytab: async (name, ...principals) => {
      await made.administer(...principals.map((principal) => `ktadd -norandkey -k ${file(name)} ${principal}`))
      return file(name)
    },
    allowDelegation: async (service, ...targets) => {
      const entry = await directory.entryOf(tree, `${service}@${realm}`)
      const lines = targets.map((target) => `krbAllowedToDelegateTo: ${target}@${realm}\n`)
      await directory.modify(`dn: ${entry}\nchangetype: modify\nadd: krbAllowedToDelegateTo\n${lines.join('')}`)
    },
    addAlias: async (principal, alias, canonical = `${principal}@${realm}`) => {
      const entry = await directory.entryOf(tree, `${principal}@${realm}`)
      await directory.modify(
        `dn: ${entry}\nchangetype: modify\nadd: krbPrincipalName\nkrbPrincipalName: ${alias}@${realm}\n-\n` +
          `replace: krbCanonicalName\nkrbCanonicalName: ${canonical}\n`,
      )
    },
    start: async (clockOffset = 0) => {
      // Preloaded here: the program of that name would stay between us and the KDC.
      const shifted = { LD_PRELOAD: fakeTimeLibrary(), FAKETIME: `${clockOffset > 0 ? '+' : ''}${clockOffset}s` }
      running = startProgram('/usr/sbin/krb5kdc', ['-n', '-r', realm, '-P', file('kdc.pid')], {
        env: { ...environment, ...(clockOffset === 0 ? {} : shifted) },
      })
      await accepting(port, running)
    },
    stop: async () => {
      await running?.stop()
      running = undefined
    },
  }
  await made.start()
  return made
}

function fakeTimeLibrary(): string {
  const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1')
  if (library === undefined) throw new Error('libfaketime is missing: apt-get install faketime')
  return library
}

/** A krb5.conf for programs that shall find these KDCs and no others. */
export function clientConfiguration(
  realm: string,
  kdcs: Readonly<Record<string, string>>,
  defaults: readonly string[] = [],
): string {
  const realms = Object.entries(kdcs).map(([name, kdc]) => ` ${name} = {\n  kdc = ${kdc}\n }\n`)
  return `[libdefaults]
 default_realm = ${realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 forwardable = true
${defaults.map((line) => ` ${line}\n`).join('')}[realms]
${realms.join('')}[domain_realm]
 .${realm.toLowerCase()} = ${realm}
`
}
