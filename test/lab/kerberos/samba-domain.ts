/** A real Active Directory domain controller (Samba) on loopback: its KDC alone, all state in a folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { type Program, runProgram, startProgram } from '../processes.ts'
import { accepting } from './accepting.ts'
import { succeeded } from './directory-server.ts'
import { clientConfiguration } from './mit-realm.ts'

/** Bits of userAccountControl ([MS-ADTS] 2.2.16). */
export const AccountControl = {
  DISABLED: 0x2,
  NORMAL: 0x200,
  PASSWORD_NEVER_EXPIRES: 0x10000,
  /** Sensitive: may not be delegated. */
  NOT_DELEGATED: 0x100000,
  /** Protocol transition: may act for people who signed in by other means. */
  TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION: 0x1000000,
} as const

export interface DomainAccount {
  /** sAMAccountName. */
  readonly name: string
  readonly password: string
  readonly upn?: string
  readonly spns?: readonly string[]
  /** Bits beside `NORMAL`. */
  readonly control?: number
  /** msDS-AllowedToDelegateTo. */
  readonly delegateTo?: readonly string[]
  /** msDS-SupportedEncryptionTypes: 4 RC4, 8 AES-128, 16 AES-256. */
  readonly encryptionTypes?: number
}

export interface SambaDomain {
  readonly realm: string
  readonly kdc: string
  readonly environment: Readonly<Record<string, string>>
  /** A keytab with every key of an account, as the directory has them. */
  keytab(name: string, principal: string): Promise<string>
  /** Changes entries, by LDIF. */
  modify(ldif: string): Promise<void>
  /** The distinguished name of an account. */
  entryOf(name: string): string
  stop(): Promise<void>
}

export interface SambaDomainOptions {
  readonly folder: string
  readonly realm: string
  readonly accounts: readonly DomainAccount[]
}

/** Applies LDIF to the database of the domain controller; ldbmodify of Debian does not know Samba's schema. */
const APPLY_LDIF = `
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
configuration = LoadParm()
configuration.load(sys.argv[1])
database = SamDB(url=sys.argv[2], session_info=system_session(configuration), lp=configuration)
database.modify_ldif(sys.stdin.read())
`

/** Provisions the domain with its accounts and starts its KDC; takes some seconds. */
export async function startSambaDomain({ folder, realm, accounts }: SambaDomainOptions): Promise<SambaDomain> {
  const root = join(folder, 'samba')
  mkdirSync(root, { recursive: true })
  const suffix = realm
    .toLowerCase()
    .split('.')
    .map((label) => `DC=${label}`)
    .join(',')
  const provision = [
    'domain',
    'provision',
    `--realm=${realm}`,
    '--domain=LAB',
    '--server-role=dc',
    '--dns-backend=NONE',
    '--adminpass=Passw0rd!x',
    `--targetdir=${join(root, 'dc')}`,
    '--host-ip=127.0.0.1',
    '--option=interfaces=lo',
    '--option=bind interfaces only=yes',
  ]
  succeeded('samba-tool', await runProgram('/usr/bin/samba-tool', provision))
  const port = await freePort()
  const configuration = join(root, 'dc/etc/smb.conf')
  const settings = `[global]
\tserver services = kdc
\tkrb5 port = ${port}
\tkpasswd port = ${await freePort()}
\tlog file = ${root}/samba.log
`
  const provisioned = readFileSync(configuration, 'utf8').replace(/^\t(server services|log file) = .*\n/gm, '')
  writeFileSync(configuration, provisioned.replace('[global]\n', settings))
  const kdc = `127.0.0.1:${port}`
  writeFileSync(join(root, 'krb5.conf'), clientConfiguration(realm, { [realm]: kdc }))
  const environment = { KRB5_CONFIG: join(root, 'krb5.conf') }
  const database = join(root, 'dc/private/sam.ldb')
  const entryOf = (name: string) => `CN=${name},CN=Users,${suffix}`
  const change = async (ldif: string) => {
    const parameters = ['-c', APPLY_LDIF, configuration, database]
    succeeded('python3', await runProgram('/usr/bin/python3', parameters, { input: ldif }))
  }
  await change(accounts.map((account) => accountEntry(entryOf(account.name), account)).join('\n'))
  const program: Program = startProgram('/usr/sbin/samba', ['-F', '-s', configuration, '--no-process-group'])
  await accepting(port, program)
  return {
    realm,
    kdc,
    environment,
    entryOf,
    modify: change,
    keytab: async (name, principal) => {
      const file = join(root, name)
      const exported = ['domain', 'exportkeytab', file, `--principal=${principal}`, '-s', configuration]
      succeeded('samba-tool', await runProgram('/usr/bin/samba-tool', exported))
      return file
    },
    stop: async () => {
      await program.stop()
    },
  }
}

function accountEntry(entry: string, account: DomainAccount): string {
  const password = Buffer.from(`"${account.password}"`, 'utf16le').toString('base64')
  const control = AccountControl.NORMAL | AccountControl.PASSWORD_NEVER_EXPIRES | (account.control ?? 0)
  const lines = [
    `dn: ${entry}`,
    'changetype: add',
    'objectClass: user',
    `sAMAccountName: ${account.name}`,
    `unicodePwd:: ${password}`,
    `userAccountControl: ${control}`,
    ...(account.upn === undefined ? [] : [`userPrincipalName: ${account.upn}`]),
    ...(account.spns ?? []).map((spn) => `servicePrincipalName: ${spn}`),
    ...(account.delegateTo ?? []).map((spn) => `msDS-AllowedToDelegateTo: ${spn}`),
    ...(account.encryptionTypes === undefined ? [] : [`msDS-SupportedEncryptionTypes: ${account.encryptionTypes}`]),
  ]
  return `${lines.join('\n')}\n`
}
