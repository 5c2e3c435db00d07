/**
 * Proves the chain from a browser to a backend, link by link: names, certificates, keys, metadata, trusts, backends.
 * What is kept is asked of the administration, so it holds for the running server; what the network says is tried here.
 */
import { type Administration, isServing } from '../administration/administration.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { readCertificateAuthorities } from '../gatehouse.ts'
import { createFetch } from '../outgoing.ts'
import { checkApplications } from './applications.ts'
import { checkCertificates, checkHandshakes } from './certificates.ts'
import { daysUntil, type Finding, findingsOf } from './finding.ts'
import { checkKerberos } from './kerberos.ts'
import { checkMetadata } from './metadata.ts'
import { checkNames } from './names.ts'

/** Looks at everything; a link that is broken does not keep the next from being looked at. */
export async function checkGatehouse(configuration: Configuration, administration: Administration): Promise<Finding[]> {
  const now = new Date()
  const { sts, proxy, roles, resolve, file } = configuration
  const serving = await isServing(configuration)
  const findings: Finding[] = [findingsOf('configuration').ok(file, `roles: ${roles.join(', ')}`)]
  findings.push(
    serving
      ? findingsOf('server').ok(configuration.data, 'a server is at work on it')
      : findingsOf('server').warning(configuration.data, 'no server is at work on it; gatehouse serve starts one'),
  )
  const applications = roles.includes('proxy') ? await administration.call('app.list', {}) : []
  const trusts = sts === undefined ? undefined : await administration.call('trust.list', {})
  const urls = [...(sts === undefined ? [] : [sts.url]), ...applications.map(({ externalUrl }) => externalUrl)]
  const foreign = proxy?.federationService?.metadataUrl
  const hosts = [...urls, ...(foreign === undefined ? [] : [foreign])].map((url) => new URL(url).hostname)
  const secureHosts = urls
    .map((url) => new URL(url))
    .filter(({ protocol }) => protocol === 'https:')
    .map(({ hostname }) => hostname)

  const ca = await readCertificateAuthorities(configuration)
  const groups = await Promise.all([
    checkNames(hosts, resolve),
    checkCertificates(configuration, secureHosts, now),
    serving ? checkHandshakes(urls, resolve) : [],
    sts === undefined ? [] : checkKeys(administration, now),
    checkFederation(configuration, administration, { serving, ca }),
    checkApplications(configuration, applications, trusts, ca),
    checkKerberos(configuration, applications),
  ])
  return [...findings, ...groups.flat()]
}

async function checkKeys(administration: Administration, now: Date): Promise<Finding[]> {
  const { ok, warning, failed } = findingsOf('keys')
  const keys = await administration.call('keys.list', {})
  const current = keys.find(({ state }) => state === 'current')
  if (current === undefined) return [failed('signing key', 'there is none')]
  const days = daysUntil(new Date(current.notAfter), now)
  const said = `signs until ${current.notAfter} (${days} days)`
  const followed = keys.some(({ state }) => state === 'next')
  return [days < 15 && !followed ? warning(current.kid, `${said} and no next one is published`) : ok(current.kid, said)]
}

async function checkFederation(
  configuration: Configuration,
  administration: Administration,
  { serving, ca }: { serving: boolean; ca: readonly string[] },
): Promise<Finding[]> {
  const { issuer, metadataUrl, certificates } = await administration.call('federation.show', {})
  if (metadataUrl === undefined) return []
  if (configuration.sts !== undefined && !serving) {
    return [findingsOf('metadata').warning(metadataUrl, 'not fetched: no server is at work')]
  }
  // Our own server's certificate was judged as a browser would; here its keys are compared with what it says itself.
  const own = configuration.sts !== undefined
  const fetch = await createFetch({ resolve: configuration.resolve, ca, rejectUnauthorized: !own, timeout: 5000 })
  return checkMetadata(metadataUrl, { issuer: issuer === '' ? undefined : issuer, certificates }, fetch)
}
