import type { PublishedApplication } from '../../proxy/published-application.ts'
import { CliError } from '../cli-error.ts'
import type { Configuration } from '../configuration/configuration.ts'

/** How an application's backend takes Kerberos. */
export interface KerberosBackend {
  readonly spn: string
  /** Which of a person's names the KDC is asked for. */
  readonly name: string
}

/** Undefined where the application's backend takes no Kerberos. */
export function kerberosBackendOf(application: PublishedApplication): KerberosBackend | undefined {
  const { backendAuthentication, backendServerAuthenticationSPN: spn, kerberosName: name = 'upn' } = application
  return backendAuthentication === 'kerberos' && spn !== undefined ? { spn, name } : undefined
}

/**
 * Refuses an application whose backend this machine could not get a ticket to.
 * @throws {CliError} `kerberos-unconfigured`
 */
export function requireKerberosFor(application: PublishedApplication, { kerberos, file }: Configuration): void {
  const backend = kerberosBackendOf(application)
  if (backend === undefined) return
  if (kerberos === undefined) {
    throw new CliError(
      'kerberos-unconfigured',
      `${file} has no \`kerberos\`: realm, principal and keytab of the account that gets tickets for people; add it first`,
    )
  }
  if (kerberos.services !== undefined && !namesService(kerberos.services, backend.spn)) {
    throw new CliError(
      'kerberos-unconfigured',
      `kerberos.services in ${file} does not name ${backend.spn}; add it there first`,
    )
  }
}

/** Whether a list names a service; service principal names are compared without regard to case. */
export function namesService(services: readonly string[], spn: string): boolean {
  return services.some((other) => other.toLowerCase() === spn.toLowerCase())
}
