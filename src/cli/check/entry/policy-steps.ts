import type { EntryView } from '../../administration/operations/entry.ts'
import type { Configuration } from '../../configuration/configuration.ts'
import { kerberosBackendOf, namesService } from '../../kerberos/kerberos-backend.ts'
import { type EntryStep, failed, ok, warning } from './entry-step.ts'

/**
 * What is kept about the way: the application, its trust, the person, and where the backend takes Kerberos whether the
 * person may be delegated to it. Nothing is sent anywhere.
 */
export function policySteps(entry: EntryView, upn: string, configuration: Configuration): EntryStep[] {
  const { application } = entry
  const backend = kerberosBackendOf(application)
  const how = backend === undefined ? '' : `, Kerberos as ${backend.spn}`
  const published = ok(
    'application',
    `${application.name}: ${application.externalUrl} → ${application.backendUrl}, ${application.preauthentication}${how}`,
  )
  if (application.preauthentication !== 'adfs') return [published, ok('trust', 'none: everybody is passed through')]
  const spn = backend?.spn
  return [
    published,
    ...trustSteps(entry, spn),
    ...personSteps(entry, upn),
    ...(spn === undefined ? [] : [...delegationSteps(entry, spn), ...serviceSteps(entry, spn, configuration)]),
  ]
}

function trustSteps({ application, foreign, trust }: EntryView, spn: string | undefined): EntryStep[] {
  const step = 'trust'
  if (trust === undefined) {
    return [
      failed(
        step,
        foreign
          ? `${application.trustId} is not among proxy.federationService.trusts; add it there`
          : `${application.trustId} is gone; gatehouse trust add, then gatehouse app update ${shell(application.name)} --trust NAME`,
      ),
    ]
  }
  const name = shell(trust.name)
  if (!trust.enabled) {
    const how = foreign ? 'enable it in proxy.federationService.trusts' : `gatehouse trust enable ${name}`
    return [failed(step, `${trust.name} is disabled; ${how}`)]
  }
  if (spn !== undefined && trust.claimsAware) {
    return [
      failed(
        step,
        `${trust.name} is claims-aware, and such a trust is not for Kerberos; make another one: gatehouse trust add NAME --delegate-to ${spn}`,
      ),
    ]
  }
  const { externalUrl } = application
  if (trust.publishedAddresses !== undefined && !trust.publishedAddresses.includes(externalUrl)) {
    return [
      failed(
        step,
        `${trust.name} does not know the address; gatehouse trust update ${name} --published-url ${externalUrl}`,
      ),
    ]
  }
  return [ok(step, `${trust.name}, enabled${foreign ? ' here; the federation server is another machine' : ''}`)]
}

function personSteps({ foreign, trust, person }: EntryView, upn: string): EntryStep[] {
  if (foreign)
    return [warning('person', `${upn}: known to the federation server alone; whether it permits them is not looked at`)]
  if (person === undefined) return [failed('person', `there is no ${upn}; gatehouse user add ${shell(upn)}`)]
  if (!person.enabled)
    return [failed('person', `${person.upn} is disabled; gatehouse user enable ${shell(person.upn)}`)]
  const known = ok('person', `${person.upn}, enabled`)
  if (trust === undefined || !trust.enabled) return [known]
  if (person.permitted) {
    const group = person.groups.find((name) =>
      trust.permit?.groups.some((other) => other.toLowerCase() === name.toLowerCase()),
    )
    return [known, ok('permission', group === undefined ? 'everyone may enter' : `as a member of ${group}`)]
  }
  const groups = trust.permit?.groups ?? []
  const mend =
    groups[0] === undefined
      ? `gatehouse trust update ${shell(trust.name)} --permit-group GROUP`
      : `gatehouse group add-member ${shell(groups[0])} ${shell(person.upn)}`
  const who = groups.length === 0 ? 'nobody' : `members of ${groups.join(', ')}`
  return [known, failed('permission', `${trust.name} permits ${who}, and not ${person.upn}; ${mend}`)]
}

function delegationSteps({ foreign, trust, person }: EntryView, spn: string): EntryStep[] {
  const steps: EntryStep[] = []
  if (person !== undefined) {
    steps.push(
      person.delegatable
        ? ok('delegatable', `${person.upn} may be delegated`)
        : failed(
            'delegatable',
            `${person.upn} is marked not delegatable here; gatehouse user enable-delegation ${shell(person.upn)}, if that is right`,
          ),
    )
  }
  if (foreign || trust?.delegateTo === undefined) return steps
  const named = namesService(trust.delegateTo, spn)
  steps.push(
    named
      ? ok('kcd claim', `edge tokens of ${trust.name} name ${spn}`)
      : failed(
          'kcd claim',
          `edge tokens of ${trust.name} do not name ${spn}; gatehouse trust update ${shell(trust.name)} --delegate-to ${spn}`,
        ),
  )
  return steps
}

function serviceSteps({ foreign }: EntryView, spn: string, { kerberos, file }: Configuration): EntryStep[] {
  const step = 'services'
  if (kerberos === undefined) {
    return [failed(step, `${file} has no \`kerberos\`: this proxy has no account to get tickets with`)]
  }
  const { services } = kerberos
  if (services === undefined) {
    return [
      foreign
        ? failed(
            step,
            `kerberos.services is missing in ${file}: a foreign federation server says nothing of delegation, so it has to name ${spn}`,
          )
        : ok(step, 'kerberos.services is not given: the services of the published applications'),
    ]
  }
  return [
    namesService(services, spn)
      ? ok(step, `kerberos.services names ${spn}`)
      : failed(step, `kerberos.services in ${file} does not name ${spn}; add it there and start the server anew`),
  ]
}

/** A word of a command line that can be copied. */
function shell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
