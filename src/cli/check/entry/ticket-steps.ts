import type { DelegationStep } from '../../../kcd/delegated-tickets.ts'
import type { BackendNegotiation, DelegationRequest, KerberosDelegator } from '../../../kcd/index.ts'
import { KerberosError } from '../../../kcd/index.ts'
import { principalText } from '../../../kcd/principal-name.ts'
import { CliError } from '../../cli-error.ts'
import type { Configuration } from '../../configuration/configuration.ts'
import { openDelegator } from '../../kerberos/delegation-account.ts'
import type { KerberosBackend } from '../../kerberos/kerberos-backend.ts'
import { type EntryStep, failed, ok, skipped, warning } from './entry-step.ts'

const steps: readonly { readonly name: string; readonly ticket: DelegationStep }[] = [
  { name: 'KDC and account', ticket: 'ticket-granting-ticket' },
  { name: 'S4U2Self', ticket: 'evidence' },
  { name: 'S4U2Proxy', ticket: 'service-ticket' },
]

/** What the walk over the tickets led to. */
export interface TicketWalk {
  readonly steps: EntryStep[]
  /** Undefined where a step failed. */
  readonly begin: ((channelBinding: Uint8Array | undefined) => Promise<BackendNegotiation>) | undefined
  close(): Promise<void>
}

/**
 * Gets the tickets as the proxy would: with the configured account, for that person and service alone.
 * @param allowed whether the steps before would let the person be delegated; otherwise nothing is asked in their name.
 */
export async function walkTickets(
  configuration: Configuration,
  { upn, spn, name }: KerberosBackend & { readonly upn: string },
  allowed: boolean,
): Promise<TicketWalk> {
  const { kerberos } = configuration
  const none = (made: EntryStep[]): TicketWalk => ({ steps: made, begin: undefined, close: async () => {} })
  const later = steps.map(({ name }) => skipped(name, 'not tried'))
  if (kerberos === undefined) return none([skipped('keytab', 'not tried'), ...later])
  let delegator: KerberosDelegator
  try {
    delegator = await openDelegator(configuration)
  } catch (error) {
    return none([failed('keytab', reasonIn(error)), ...later])
  }
  const keys = kerberos.keytab ?? kerberos.passwordFile ?? ''
  const made = [ok('keytab', `${keys} has the keys of ${kerberos.principal}`)]
  if (!allowed) {
    await delegator.close()
    const why = 'not tried: by the steps above nothing may be asked in their name'
    return none([...made, ...steps.map(({ name }) => skipped(name, why))])
  }
  const request = { spn, ...nameAtKdc(upn, name, kerberos.realm) }
  if (name !== 'upn' && name !== 'userPart') {
    made.push(warning('name', `the KDC will be asked for ${name} of the edge token; tried with ${upn} instead`))
  }
  const done = new Map<DelegationStep, string>()
  const whole: DelegationRequest = {
    ...request,
    onTicket: (step, { client, service, endsAt }) => {
      const from = principalText(client.name, client.realm)
      const to = principalText(service.name, service.realm)
      done.set(step, `${from} to ${to}, until ${endsAt.toISOString()}`)
    },
  }
  let error: unknown
  try {
    await delegator.negotiate(whole)
  } catch (cause) {
    error = cause
  }
  let broken = false
  for (const { name, ticket } of steps) {
    const said = done.get(ticket)
    if (said !== undefined) made.push(ok(name, said))
    else if (broken) made.push(skipped(name, 'not tried'))
    else {
      made.push(failed(name, reasonIn(error)))
      broken = true
    }
  }
  return {
    steps: made,
    begin: broken ? undefined : (channelBinding) => delegator.begin({ ...request, channelBinding }),
    close: () => delegator.close(),
  }
}

// As the proxy names a person: a user part alone means an account of the realm itself.
function nameAtKdc(upn: string, name: string, realm: string): Pick<DelegationRequest, 'upn' | 'userName'> {
  return name === 'userPart' ? { upn: `${upn.split('@', 1)[0]}@${realm}`, userName: 'principal' } : { upn }
}

function reasonIn(error: unknown): string {
  if (error instanceof KerberosError) return `${error.code}: ${error.message}`
  return error instanceof CliError || error instanceof Error ? error.message : String(error)
}
