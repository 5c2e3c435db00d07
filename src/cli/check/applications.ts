import { request } from 'undici'
import type { ApplicationView } from '../administration/operations/applications.ts'
import type { TrustView } from '../administration/operations/trusts.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { createDispatcher } from '../outgoing.ts'
import { type Finding, findingsOf, inParallel, reasonOf } from './finding.ts'

const { ok, warning, failed } = findingsOf('application')

/**
 * Whether each published application can be entered and reached: its trust, its listener, its backend.
 * @param trusts those of this machine's federation server; undefined where it is elsewhere.
 * @param ca certificate authorities for backends, in PEM.
 */
export async function checkApplications(
  configuration: Configuration,
  applications: readonly ApplicationView[],
  trusts: readonly TrustView[] | undefined,
  ca: readonly string[],
): Promise<Finding[]> {
  const { resolve } = configuration
  const [strict, lenient] = await Promise.all([
    createDispatcher({ resolve, ca, timeout: 5000 }),
    createDispatcher({ resolve, rejectUnauthorized: false, timeout: 5000 }),
  ])
  try {
    const findings = await inParallel(applications, 16, async (application) => {
      const dispatcher = application.backendServerCertificateValidation === 'None' ? lenient : strict
      return [
        ...checkTrust(application, trusts),
        ...checkListener(application, configuration),
        await checkBackend(application, dispatcher),
      ]
    })
    return findings.flat()
  } finally {
    await Promise.all([strict.destroy(), lenient.destroy()])
  }
}

function checkTrust(
  { name, preauthentication, trust, trustId, externalUrl }: ApplicationView,
  trusts: readonly TrustView[] | undefined,
): Finding[] {
  if (preauthentication !== 'adfs') return []
  if (trusts === undefined)
    return trust === undefined ? [failed(name, `its trust ${trustId} is not among proxy.federationService.trusts`)] : []
  const found = trusts.find(({ id }) => id === trustId)
  if (found === undefined) return [failed(name, `its relying party trust ${trustId} is gone`)]
  const findings: Finding[] = []
  if (!found.enabled) findings.push(failed(name, `its relying party trust ${found.name} is disabled`))
  if (!found.permit.everyone && found.permit.groups.length === 0) {
    findings.push(warning(name, `nobody may enter: its trust ${found.name} permits no group`))
  }
  if (!found.publishedAddresses.includes(externalUrl)) {
    findings.push(
      failed(
        name,
        `its trust ${found.name} does not know the address ${externalUrl}; gatehouse trust update ${found.name} --published-url ${externalUrl}`,
      ),
    )
  }
  return findings
}

function checkListener({ name, externalUrl }: ApplicationView, { listeners }: Configuration): Finding[] {
  const { protocol, port } = new URL(externalUrl)
  const wanted = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const there = listeners.some(
    (listener) =>
      listener.trustedProxies.length > 0 ||
      (`${listener.protocol}:` === protocol && [0, wanted].includes(listener.port)),
  )
  return there
    ? []
    : [
        warning(
          name,
          `no listener of this machine is at ${protocol}//…:${wanted}, where ${externalUrl} points; right only if something forwards to it`,
        ),
      ]
}

async function checkBackend(
  { name, backendUrl }: ApplicationView,
  dispatcher: Awaited<ReturnType<typeof createDispatcher>>,
): Promise<Finding> {
  try {
    const { statusCode, body } = await request(backendUrl, {
      method: 'HEAD',
      dispatcher,
      headers: { 'user-agent': 'gatehouse check' },
    })
    await body.dump()
    const said = `${backendUrl} answers ${statusCode}`
    return statusCode >= 500 && statusCode !== 501 ? warning(name, said) : ok(name, said)
  } catch (error) {
    return failed(name, `its backend ${backendUrl} cannot be reached: ${reasonOf(error)}`)
  }
}
