/**
 * Walks the whole way of one person into one application and says at which step it ends. What is kept is asked of the
 * administration; keys, KDC and backend are tried here, with the configuration that the command reads.
 *
 *     application ─ trust ─ person ─ permission ─ delegatable ─ kcd claim ─ services      kept
 *     keytab ─ KDC and account ─ S4U2Self ─ S4U2Proxy ─ backend ─ ticket at the backend   tried
 */
import type { Administration } from '../../administration/administration.ts'
import type { Configuration } from '../../configuration/configuration.ts'
import { readCertificateAuthorities } from '../../gatehouse.ts'
import { kerberosBackendOf } from '../../kerberos/kerberos-backend.ts'
import { backendSteps } from './backend-steps.ts'
import { type EntryStep, hasFailed } from './entry-step.ts'
import { policySteps } from './policy-steps.ts'

/**
 * Looks at every step; one that failed does not keep the others from being looked at, unless they would act in the
 * person's name.
 * @throws {RemoteError} `application-unknown`, `role-missing`
 */
export async function checkEntry(
  configuration: Configuration,
  administration: Administration,
  { application: reference, upn }: { application: string; upn: string },
): Promise<EntryStep[]> {
  const entry = await administration.call('app.entry', { application: reference, upn })
  const { application } = entry
  const kept = policySteps(entry, upn, configuration)
  const options = { resolve: configuration.resolve, ca: await readCertificateAuthorities(configuration) }
  const backend = kerberosBackendOf(application)
  if (backend === undefined) {
    return [...kept, ...(await backendSteps(application, { ...options, spn: undefined, begin: undefined }))]
  }
  const { walkTickets } = await import('./ticket-steps.ts')
  const walk = await walkTickets(configuration, { ...backend, upn: entry.person?.upn ?? upn }, !hasFailed(kept))
  try {
    const { begin } = walk
    return [...kept, ...walk.steps, ...(await backendSteps(application, { ...options, spn: backend.spn, begin }))]
  } finally {
    await walk.close()
  }
}
