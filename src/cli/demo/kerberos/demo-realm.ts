/**
 * The demo's Kerberos realm: MIT's KDC, with its principals in slapd, because no other database of it knows whom a service
 * may delegate to. Made anew at each start, on loopback ports, all its state in one folder.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { kerberosSchema, programs } from './debian-packages.ts'
import { type DebianProgram, runProgram, startProgram } from './debian-program.ts'
import { freePort } from './free-port.ts'

export interface DemoRealmOptions {
  readonly folder: string
  readonly realm: string
  /** Where the KDC listens. */
  readonly port: number
  readonly people: readonly { readonly name: string; readonly password: string }[]
  /** The account that gets tickets for people. */
  readonly gateway: string
  /** The backend's service principal name, the one in the gateway's list. */
  readonly service: string
}

export interface DemoRealm {
  readonly gatewayKeytab: string
  readonly serviceKeytab: string
  /** krb5.conf for programs of this realm. */
  readonly configuration: string
  close(): Promise<void>
}

const suffix = 'dc=demo,dc=test'
const administrator = `cn=admin,${suffix}`
const password = 'demo'

/** Makes the realm and starts its KDC. @throws {CliError} `listen`, `file` */
export async function startDemoRealm(options: DemoRealmOptions): Promise<DemoRealm> {
  const { folder, realm, port } = options
  const file = (name: string) => join(folder, name)
  const started: DebianProgram[] = []
  const close = async () => {
    for (const program of started.toReversed()) await program.stop()
  }
  try {
    await rm(folder, { recursive: true, force: true })
    await mkdir(file('ldap'), { recursive: true, mode: 0o700 })
    const directory = await startDirectory(folder, started)
    const environment = { KRB5_CONFIG: file('krb5.conf'), KRB5_KDC_PROFILE: file('kdc.conf'), KRB5RCACHEDIR: folder }
    await writeFile(file('krb5.conf'), clientConfiguration(realm, port))
    await writeFile(file('kdc.conf'), kdcConfiguration(options, directory))
    await writeFile(file('ldap.password'), `${administrator}#{HEX}${Buffer.from(password).toString('hex')}\n`, {
      mode: 0o600,
    })
    const create = ['create', '-subtrees', suffix, '-r', realm, '-s', '-P', 'demo']
    await runProgram(programs.createRealm, ['-D', administrator, '-w', password, '-H', directory, ...create], {
      environment,
    })
    await addPrincipals(options, environment)
    await allowDelegation(options, directory)
    const kdc = startProgram(programs.kdc, ['-n', '-r', realm, '-P', file('kdc.pid')], { environment })
    started.push(kdc)
    await kdc.accepting(port)
    return {
      gatewayKeytab: file('gateway.keytab'),
      serviceKeytab: file('service.keytab'),
      configuration: file('krb5.conf'),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** @returns its LDAP address. */
async function startDirectory(folder: string, started: DebianProgram[]): Promise<string> {
  const file = (name: string) => join(folder, name)
  await writeFile(file('kerberos.schema'), gunzipSync(await readFile(kerberosSchema)))
  await writeFile(
    file('slapd.conf'),
    `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include ${file('kerberos.schema')}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${file('slapd.pid')}
database mdb
maxsize 104857600
dbnosync
suffix ${suffix}
rootdn ${administrator}
rootpw ${password}
directory ${file('ldap')}
index krbPrincipalName eq
`,
    { mode: 0o600 },
  )
  const port = await freePort()
  const url = `ldap://127.0.0.1:${port}`
  const program = startProgram(programs.slapd, ['-d', '0', '-f', file('slapd.conf'), '-h', url])
  started.push(program)
  await program.accepting(port)
  await modify(
    url,
    `dn: ${suffix}\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\ndc: demo\no: demo\n`,
  )
  return url
}

async function addPrincipals(
  { folder, realm, people, gateway, service }: DemoRealmOptions,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const commands = [
    ...people.map(({ name, password: own }) => `addprinc -pw ${own} ${name}`),
    `addprinc -randkey +ok_to_auth_as_delegate ${gateway}`,
    `addprinc -randkey ${service}`,
    `ktadd -k ${join(folder, 'gateway.keytab')} ${gateway}`,
    `ktadd -k ${join(folder, 'service.keytab')} ${service}`,
  ]
  await runProgram(programs.kadmin, ['-r', realm], { environment, input: `${commands.join('\n')}\n` })
}

async function allowDelegation({ realm, gateway, service }: DemoRealmOptions, url: string): Promise<void> {
  const search = ['-x', '-H', url, '-D', administrator, '-w', password, '-LLL', '-o', 'ldif-wrap=no', '-b', suffix]
  const { stdout } = await runProgram(programs.ldapsearch, [...search, `(krbPrincipalName=${gateway}@${realm})`, 'dn'])
  const entry = /^dn: (.*)$/m.exec(stdout)?.[1] ?? ''
  const change = `add: krbAllowedToDelegateTo\nkrbAllowedToDelegateTo: ${service}@${realm}\n`
  await modify(url, `dn: ${entry}\nchangetype: modify\n${change}`)
}

async function modify(url: string, ldif: string): Promise<void> {
  await runProgram(programs.ldapmodify, ['-x', '-H', url, '-D', administrator, '-w', password], { input: ldif })
}

function clientConfiguration(realm: string, port: number): string {
  return `[libdefaults]
 default_realm = ${realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 forwardable = true
[realms]
 ${realm} = {
  kdc = 127.0.0.1:${port}
 }
`
}

function kdcConfiguration({ folder, realm, port }: DemoRealmOptions, directory: string): string {
  return `[kdcdefaults]
 kdc_listen = 127.0.0.1:${port}
 kdc_tcp_listen = 127.0.0.1:${port}
[realms]
 ${realm} = {
  database_module = ldap
  key_stash_file = ${join(folder, 'stash')}
  acl_file = ${join(folder, 'kadm5.acl')}
  max_life = 10h
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
 }
[dbmodules]
 ldap = {
  db_library = kldap
  ldap_kerberos_container_dn = cn=krb,${suffix}
  ldap_kdc_dn = ${administrator}
  ldap_kadmind_dn = ${administrator}
  ldap_service_password_file = ${join(folder, 'ldap.password')}
  ldap_servers = ${directory}
 }
[logging]
 kdc = FILE:${join(folder, 'kdc.log')}
`
}
