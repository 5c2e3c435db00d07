import { globSync } from 'node:fs'
import { CliError } from '../../cli-error.ts'

/** Where Debian has what the demo starts. */
export const programs = {
  slapd: '/usr/sbin/slapd',
  ldapmodify: '/usr/bin/ldapmodify',
  ldapsearch: '/usr/bin/ldapsearch',
  createRealm: '/usr/sbin/kdb5_ldap_util',
  kdc: '/usr/sbin/krb5kdc',
  kadmin: '/usr/sbin/kadmin.local',
  apache: '/usr/sbin/apache2',
} as const

export const apacheModules = '/usr/lib/apache2/modules'
export const kerberosSchema = '/usr/share/doc/krb5-kdc-ldap/kerberos.schema.gz'

const packages: readonly (readonly [file: string, name: string])[] = [
  [programs.slapd, 'slapd'],
  [programs.ldapmodify, 'ldap-utils'],
  [programs.kdc, 'krb5-kdc'],
  [programs.kadmin, 'krb5-admin-server'],
  [programs.createRealm, 'krb5-kdc-ldap'],
  ['/usr/lib/*/krb5/plugins/kdb/kldap.so', 'krb5-kdc-ldap'],
  [kerberosSchema, 'krb5-kdc-ldap'],
  [programs.apache, 'apache2'],
  [`${apacheModules}/mod_auth_gssapi.so`, 'libapache2-mod-auth-gssapi'],
]

/**
 * Whether everything is there that a Kerberos demo is made of.
 * @throws {CliError} `file` with the one line that says what to install.
 */
export function requireDebianPackages(find: (pattern: string) => readonly string[] = globSync): void {
  const missing = new Set(packages.filter(([file]) => find(file).length === 0).map(([, name]) => name))
  if (missing.size === 0) return
  throw new CliError(
    'file',
    `--kerberos needs a KDC and a web server of Debian's packages: apt-get install ${[...missing].join(' ')}`,
  )
}
