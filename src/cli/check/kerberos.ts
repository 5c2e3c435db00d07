import type { ApplicationView } from '../administration/operations/applications.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { kerberosBackendOf, requireKerberosFor } from '../kerberos/kerberos-backend.ts'
import { type Finding, findingsOf, reasonOf } from './finding.ts'

const { ok, failed } = findingsOf('kerberos')

/**
 * Whether there is an account to get tickets with, and for which applications. No KDC is asked: that needs a person, and
 * is what `gatehouse app check` does.
 */
export async function checkKerberos(
  configuration: Configuration,
  applications: readonly ApplicationView[],
): Promise<Finding[]> {
  const { kerberos } = configuration
  const findings: Finding[] = []
  if (kerberos !== undefined) {
    const keys = kerberos.keytab ?? kerberos.passwordFile ?? ''
    const { openDelegator } = await import('../kerberos/delegation-account.ts')
    try {
      await (await openDelegator(configuration)).close()
      findings.push(ok(kerberos.principal, `its keys are in ${keys}; gatehouse app check NAME --as USER tries them`))
    } catch (error) {
      findings.push(failed(kerberos.principal, reasonOf(error)))
    }
  }
  for (const application of applications) {
    if (kerberosBackendOf(application) === undefined) continue
    try {
      requireKerberosFor(application, configuration)
    } catch (error) {
      findings.push(failed(application.name, reasonOf(error)))
    }
  }
  return findings
}
