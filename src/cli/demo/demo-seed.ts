/**
 * Brings a demo's stores to what `demo-plan.ts` says, through the same operations that an administrator has. What a
 * person changed since the first start is theirs: after that only the demo's own addresses are kept right.
 */
import { permits } from '../../sts/trusts/relying-party-trust.ts'
import type { Operator } from '../administration/operation.ts'
import { type OperationInput, type OperationName, type OperationOutput, operate } from '../administration/operations.ts'
import type { Gatehouse } from '../gatehouse.ts'
import type { DemoFile } from './demo-file.ts'
import {
  backendAddress,
  type DemoAddress,
  type DemoApplication,
  demoAccounts,
  demoApplications,
  demoHost,
  demoOrigin,
  demoPassword,
} from './demo-plan.ts'
import { demoKerberos } from './kerberos/demo-account.ts'
import { type SampleBackend, startSampleBackend } from './sample-backend.ts'
import type { SampleLinks } from './sample-page.ts'

export interface SeededDemo {
  readonly file: DemoFile
  readonly backends: readonly SampleBackend[]
}

type ApplicationView = OperationOutput<'app.show'>

const operator: Operator = { who: 'demo', from: 'demo' }

/**
 * Starts the sample applications and publishes them.
 * @param before what the last start of this folder wrote; undefined when none came so far, and everything is made.
 * @param backends filled while it works, so that a caller can close them when it fails.
 * @param kerberosBackend the one that takes Kerberos alone, where the demo has it; it is the caller's to close.
 */
export async function seedDemo(
  gatehouse: Gatehouse,
  address: DemoAddress,
  before: DemoFile | undefined,
  backends: SampleBackend[],
  kerberosBackend?: SampleBackend,
): Promise<SeededDemo> {
  const run = <Name extends OperationName>(name: Name, input: OperationInput<Name>) =>
    operate(gatehouse, name, input, operator)
  if (before === undefined) await addAccountsAndTrusts(run, demoApplications(address))
  const links = linksOf(address)
  const published = new Map((await run('app.list', {})).map((view) => [view.name, view]))
  if (kerberosBackend === undefined) await withdrawKerberos(run, before, published)
  for (const application of demoApplications(address)) {
    const view = published.get(application.name)
    const remembered = before?.applications.find(({ name }) => name === application.name)?.backend
    // It may have come to a folder that was without it so far.
    const isNew = before === undefined || (application.kind === 'kerberos' && view === undefined)
    const isOurs = isNew || (view !== undefined && view.backendUrl === remembered)
    if (!isOurs) continue
    if (isNew && before !== undefined) await addTrusts(run, [application])
    const own = application.kind === 'kerberos' ? kerberosBackend : undefined
    const backend = own ?? (await startBackend(application.name, view?.backendUrl, links))
    if (own === undefined) backends.push(backend)
    const shown =
      view === undefined
        ? await run('app.publish', { parameters: parametersOf(application, address, backend) })
        : await move(run, view, application, address, backend)
    published.set(application.name, shown)
  }
  return { file: describe(gatehouse, address, published), backends }
}

type Run = <Name extends OperationName>(name: Name, input: OperationInput<Name>) => Promise<OperationOutput<Name>>

async function addAccountsAndTrusts(run: Run, applications: readonly DemoApplication[]): Promise<void> {
  // A start that was cut short may have left some of it.
  const groups = new Set((await run('group.list', {})).map(({ name }) => name))
  for (const name of new Set(demoAccounts.flatMap((account) => account.groups)))
    if (!groups.has(name)) await run('group.add', { name })
  const people = new Set((await run('user.list', {})).map(({ upn }) => upn))
  await Promise.all(
    demoAccounts
      .filter(({ upn }) => !people.has(upn))
      .map(({ upn, displayName, groups }) =>
        run('user.add', { upn, displayName, password: demoPassword, groups: [...groups] }),
      ),
  )
  await addTrusts(run, applications)
}

async function addTrusts(run: Run, applications: readonly DemoApplication[]): Promise<void> {
  const trusts = new Set((await run('trust.list', {})).map(({ name }) => name))
  for (const { name, group } of applications)
    if (group !== undefined && !trusts.has(name)) await run('trust.add', { name, permitGroups: [group] })
}

/** Without a KDC nobody could enter it any more. */
async function withdrawKerberos(
  run: Run,
  before: DemoFile | undefined,
  published: Map<string, ApplicationView>,
): Promise<void> {
  const remembered = before?.applications.find(({ kind }) => kind === 'kerberos')
  const view = remembered && published.get(remembered.name)
  if (view === undefined || view.backendUrl !== remembered?.backend) return
  await run('app.remove', { application: view.id })
  published.delete(view.name)
}

async function startBackend(
  application: string,
  wanted: string | undefined,
  links: SampleLinks,
): Promise<SampleBackend> {
  const port = wanted === undefined ? 0 : Number(new URL(wanted).port)
  try {
    return await startSampleBackend({ application, port, links })
  } catch {
    // Somebody else has the port by now. Nobody but the proxy knows it, so any other will do.
    return startSampleBackend({ application, links })
  }
}

function parametersOf(application: DemoApplication, address: DemoAddress, backend: SampleBackend) {
  const { name, label, kind } = application
  return {
    name,
    externalUrl: `${demoOrigin(label, address)}/`,
    backendUrl: backendAddress(label, backend.port),
    ...settingsOf(kind, name),
  }
}

function settingsOf(kind: DemoApplication['kind'], trust: string) {
  switch (kind) {
    case 'pass-through':
      return { preauthentication: 'pass-through' }
    case 'preauthenticated':
      return { preauthentication: 'adfs', trust, identityHeaders: { 'X-Forwarded-User': 'upn' } }
    case 'kerberos': {
      const { service } = demoKerberos
      return { preauthentication: 'adfs', trust, backendAuthentication: 'kerberos', spn: service }
    }
  }
}

async function move(
  run: Run,
  view: ApplicationView,
  { label, name }: DemoApplication,
  address: DemoAddress,
  backend: SampleBackend,
): Promise<ApplicationView> {
  const external = new URL(view.externalUrl)
  const externalUrl =
    external.hostname === demoHost(label) ? `${demoOrigin(label, address)}${external.pathname}` : view.externalUrl
  const backendUrl = backendAddress(label, backend.port)
  if (externalUrl === view.externalUrl && backendUrl === view.backendUrl) return view
  return run('app.update', { application: name, parameters: { externalUrl, backendUrl } })
}

/** Where the pages of the sample applications lead. */
export function linksOf(address: DemoAddress): SampleLinks {
  const sts = demoOrigin('sts', address)
  return {
    applications: demoApplications(address).map(({ name, label }) => ({ name, url: `${demoOrigin(label, address)}/` })),
    portal: `${sts}/adfs/portal`,
    signOut: `${sts}/adfs/ls/?wa=wsignout1.0`,
  }
}

function describe(
  gatehouse: Gatehouse,
  address: DemoAddress,
  published: ReadonlyMap<string, ApplicationView>,
): DemoFile {
  const { sts } = gatehouse
  const url = demoOrigin('sts', address)
  const applications = demoApplications(address).flatMap(({ name, kind }) => {
    const view = published.get(name)
    return view === undefined
      ? []
      : [{ name, kind, url: view.externalUrl, trust: view.trustId ?? null, backend: view.backendUrl }]
  })
  return {
    sts: {
      url,
      issuer: sts?.issuer ?? '',
      metadata: `${url}/FederationMetadata/2007-06/FederationMetadata.xml`,
    },
    applications,
    accounts: demoAccounts.flatMap(({ upn }) => {
      const person = sts?.people.find(upn)
      if (person === undefined) return []
      const open = applications.filter(({ trust: id }) => {
        const trust = id === null ? undefined : sts?.trusts.get(id)
        return id === null || (trust !== undefined && permits(trust, person))
      })
      return [{ upn, password: demoPassword, mayOpen: open.map(({ name }) => name) }]
    }),
  }
}
