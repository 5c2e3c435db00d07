/** slapd on a loopback port: the database of the MIT key distribution centres, the one kind that knows whom a service may delegate to. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { freePort } from '../free-port.ts'
import { type Outcome, runProgram, startProgram } from '../processes.ts'
import { accepting } from './accepting.ts'

export const directorySuffix = 'dc=example,dc=test'
export const directoryAdministrator = `cn=admin,${directorySuffix}`
export const directoryPassword = 'secret'

export interface DirectoryServer {
  readonly url: string
  /** Runs ldapmodify with this LDIF; rejects with what it said when it fails. */
  modify(ldif: string): Promise<void>
  /** The distinguished name of the entry below `base` that a Kerberos principal is kept in. */
  entryOf(base: string, principal: string): Promise<string>
  close(): Promise<void>
}

/** Starts slapd with the Kerberos schema; its state lies below `folder`. */
export async function startDirectoryServer(folder: string): Promise<DirectoryServer> {
  mkdirSync(join(folder, 'ldap'), { recursive: true })
  const schema = gunzipSync(readFileSync('/usr/share/doc/krb5-kdc-ldap/kerberos.schema.gz'))
  writeFileSync(join(folder, 'kerberos.schema'), schema)
  writeFileSync(
    join(folder, 'slapd.conf'),
    `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include ${folder}/kerberos.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/slapd.pid
database mdb
maxsize 104857600
dbnosync
suffix ${directorySuffix}
rootdn ${directoryAdministrator}
rootpw ${directoryPassword}
directory ${folder}/ldap
index krbPrincipalName eq
`,
  )
  const port = await freePort()
  const url = `ldap://127.0.0.1:${port}`
  const program = startProgram('/usr/sbin/slapd', ['-d', '0', '-f', join(folder, 'slapd.conf'), '-h', url])
  await accepting(port, program)
  const simple = ['-x', '-H', url, '-D', directoryAdministrator, '-w', directoryPassword]
  const server: DirectoryServer = {
    url,
    modify: async (ldif) => {
      succeeded('ldapmodify', await runProgram('/usr/bin/ldapmodify', simple, { input: ldif }))
    },
    entryOf: async (base, principal) => {
      const filter = `(krbPrincipalName=${principal.replaceAll('\\', '\\5c')})`
      const search = [...simple, '-LLL', '-o', 'ldif-wrap=no', '-b', base, filter, 'dn']
      const { stdout } = succeeded('ldapsearch', await runProgram('/usr/bin/ldapsearch', search))
      const entry = /^dn: (.*)$/m.exec(stdout)?.[1]
      if (entry === undefined) throw new Error(`no entry of ${principal}`)
      return entry
    },
    close: async () => {
      await program.stop()
    },
  }
  await server.modify(
    `dn: ${directorySuffix}\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n`,
  )
  return server
}

/** The outcome of a program that had to succeed. */
export function succeeded(name: string, outcome: Outcome): Outcome {
  if (outcome.code === 0) return outcome
  throw new Error(`${name} ended (${outcome.code ?? outcome.signal}): ${outcome.stdout}${outcome.stderr}`)
}
