/**
 * The account of the configuration's `kerberos`, made into a delegator. One process has one: its tickets are kept in its
 * memory alone.
 */
import type { KerberosDelegator, KerberosDelegatorOptions } from '../../kcd/index.ts'
import type { Keytab } from '../../kcd/keytab.ts'
import { CliError } from '../cli-error.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { readSecretFile } from '../secret-file.ts'

export type KerberosConfiguration = NonNullable<Configuration['kerberos']>

/**
 * Opens the delegator of a configuration; nothing is sent to a KDC before it is needed.
 * @throws {KerberosError} `keytab` for a keytab that cannot be read, that others may read, or without a key of the
 * account; `encryption-type` where its keys are RC4 alone. {CliError} `file`, `not-permitted` for the password file.
 */
export async function openDelegator(configuration: Configuration): Promise<KerberosDelegator> {
  const kerberos = kerberosOf(configuration)
  const { createKerberosDelegator } = await import('../../kcd/index.ts')
  const { allowGroupReadableKeytab, passwordFile } = kerberos
  await requireKeys(kerberos)
  const password =
    passwordFile === undefined
      ? undefined
      : await readSecretFile(passwordFile, 'the password file', { allowGroupReadable: allowGroupReadableKeytab })
  return createKerberosDelegator(delegatorOptions(kerberos, configuration.resolve, password))
}

function delegatorOptions(
  kerberos: KerberosConfiguration,
  resolve: Configuration['resolve'],
  password: string | undefined,
): KerberosDelegatorOptions {
  const { realm, kdcs, principal, keytab, armourKeytab, armourPrincipal, allowGroupReadableKeytab } = kerberos
  const { userName, resourceBased, timeout, ticketLifetime } = kerberos
  const realms = Object.fromEntries(Object.entries(kerberos.realms).map(([name, kdcs]) => [name, { kdcs }]))
  return {
    ...{ realm, realms, principal, keytab, password, armourKeytab, armourPrincipal, allowGroupReadableKeytab },
    ...{ userName, resourceBased, timeout, ticketLifetime, resolve },
    ...(kdcs.length === 0 ? {} : { kdcs }),
  }
}

/**
 * Reads the keytabs before anything starts, so that one that is missing or that others may read stops the start and not
 * the first person.
 * @throws {KerberosError} `keytab`, `encryption-type`
 */
export async function requireKeys(kerberos: KerberosConfiguration): Promise<void> {
  const { keytab, armourKeytab, allowGroupReadableKeytab: allowGroupReadable, principal, realm } = kerberos
  const [{ keysOf, readKeytabFile }, { parsePrincipal }] = await Promise.all([
    import('../../kcd/keytab.ts'),
    import('../../kcd/principal-name.ts'),
  ])
  if (keytab !== undefined)
    keysOf(await readKeytabFile(keytab, { allowGroupReadable }), parsePrincipal(principal, realm))
  if (armourKeytab !== undefined) await readKeytabFile(armourKeytab, { allowGroupReadable })
}

/** The configured keytab, or another one. @throws {KerberosError} `keytab`; {CliError} `usage` where none is named */
export async function readKeytab(file: string, allowGroupReadable: boolean): Promise<Keytab> {
  const { readKeytabFile } = await import('../../kcd/keytab.ts')
  return readKeytabFile(file, { allowGroupReadable })
}

/** @throws {CliError} `configuration` where there is no `kerberos` in it */
export function kerberosOf({ kerberos, file }: Configuration): KerberosConfiguration {
  if (kerberos !== undefined) return kerberos
  throw new CliError(
    'configuration',
    `${file} has no \`kerberos\`: realm, principal and keytab of the account that gets tickets for people`,
  )
}
