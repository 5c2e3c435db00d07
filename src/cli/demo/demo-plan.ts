/**
 * What the demo consists of: the names under one parent, the applications and who may open them. Nothing here starts
 * or stores anything.
 */

/** How an application of the demo is published; the word that `demo.json` uses. */
export type DemoApplicationKind = 'preauthenticated' | 'pass-through' | 'kerberos'

export interface DemoApplication {
  readonly name: string
  /** First label of the external host name. */
  readonly label: string
  readonly kind: DemoApplicationKind
  /** The group whose members may open it; absent: open to everybody. */
  readonly group?: string
}

export interface DemoAccount {
  readonly upn: string
  readonly displayName: string
  readonly groups: readonly string[]
}

/** Every account of the demo has this password: one reason why the demo is served on loopback addresses only. */
export const demoPassword = 'demo-password'

const everyDemo: readonly DemoApplication[] = [
  { name: 'CRM', label: 'crm', kind: 'preauthenticated', group: 'Staff' },
  { name: 'Wiki', label: 'wiki', kind: 'preauthenticated', group: 'Editors' },
  { name: 'News', label: 'news', kind: 'pass-through' },
]

/** With `--kerberos` alone: it takes nobody without a Kerberos ticket. */
export const kerberosApplication: DemoApplication = {
  name: 'Intranet',
  label: 'intranet',
  kind: 'kerberos',
  group: 'Staff',
}

export const demoAccounts: readonly DemoAccount[] = [
  { upn: 'alice@contoso.test', displayName: 'Alice', groups: ['Staff', 'Editors'] },
  { upn: 'bob@contoso.test', displayName: 'Bob', groups: ['Staff'] },
]

/** Where the demo is found: one port of the loopback interface for all of its names. */
export interface DemoAddress {
  readonly port: number
  readonly tls: boolean
  /** Port of the demo's own KDC; absent: no Kerberos. */
  readonly kdcPort?: number
}

/** The applications of a demo. */
export function demoApplications({ kdcPort }: Pick<DemoAddress, 'kdcPort'>): readonly DemoApplication[] {
  return kdcPort === undefined ? everyDemo : [...everyDemo, kerberosApplication]
}

/** Host name of the federation service (`sts`) or of an application, by its first label. */
export function demoHost(label: string): string {
  return `${label}.contoso.localhost`
}

/** Base address of a name of the demo, without a path and without the scheme's own port. */
export function demoOrigin(label: string, { port, tls }: DemoAddress): string {
  return new URL(`${tls ? 'https' : 'http'}://${demoHost(label)}:${port}`).origin
}

/**
 * Where the proxy finds a sample application: a name that only the demo's own `resolve` knows, as an application inside
 * a network has one.
 */
export function backendAddress(label: string, port: number): string {
  return `http://${label}.backend.localhost:${port}/`
}

/** All host names that the demo serves. */
export function demoHosts(address: Pick<DemoAddress, 'kdcPort'>): string[] {
  return ['sts', ...demoApplications(address).map(({ label }) => label)].map(demoHost)
}
