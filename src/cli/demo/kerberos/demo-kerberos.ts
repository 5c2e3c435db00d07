/**
 * The Kerberos side of the demo: a directory, a KDC, and a web server that takes nobody without a ticket.
 *
 *     proxy ── Negotiate ──▶ Apache (mod_auth_gssapi) ── X-Remote-User ──▶ sample application
 *       └── S4U2Self, S4U2Proxy ──▶ krb5kdc ──▶ slapd
 */
import { join } from 'node:path'
import { demoAccounts, demoPassword } from '../demo-plan.ts'
import { type SampleBackend, startSampleBackend } from '../sample-backend.ts'
import type { SampleLinks } from '../sample-page.ts'
import { requireDebianPackages } from './debian-packages.ts'
import { demoKerberos } from './demo-account.ts'
import { remoteUserHeader, startDemoApache } from './demo-apache.ts'
import { startDemoRealm } from './demo-realm.ts'

export interface DemoKerberosOptions {
  /** Folder of the demo. */
  readonly folder: string
  /** Port of the KDC, as the configuration says. */
  readonly port: number
  /** What the sample application calls itself. */
  readonly application: string
  readonly links: SampleLinks
}

export interface DemoKerberos {
  readonly backend: SampleBackend
  /** krb5.conf for kinit and others. */
  readonly configuration: string
  /** Stops every program, the last one started first. */
  close(): Promise<void>
}

/** @throws {CliError} `file` for packages that are missing; `listen`, `file` for a program that does not start. */
export async function startDemoKerberos(options: DemoKerberosOptions): Promise<DemoKerberos> {
  const { folder, port, application, links } = options
  requireDebianPackages()
  const started: { close(): Promise<void> }[] = []
  const close = async () => {
    for (const part of started.toReversed()) await part.close()
  }
  try {
    const { realm, principal, service, host } = demoKerberos
    const kerberos = await startDemoRealm({
      folder: join(folder, 'kerberos'),
      realm,
      port,
      people: demoAccounts.map(({ upn }) => ({ name: upn.replace(/@.*/, ''), password: demoPassword })),
      gateway: principal,
      service,
    })
    started.push(kerberos)
    const sample = await startSampleBackend({ application, links, ticketUserHeader: remoteUserHeader })
    started.push(sample)
    const apache = await startDemoApache({
      keytab: kerberos.serviceKeytab,
      configuration: kerberos.configuration,
      host,
      application: sample.url,
    })
    started.push(apache)
    const backend = { application, url: `http://127.0.0.1:${apache.port}/`, port: apache.port, close: async () => {} }
    return { backend, configuration: kerberos.configuration, close }
  } catch (error) {
    await close()
    throw error
  }
}
