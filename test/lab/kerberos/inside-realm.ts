/** The realm of an intranet whose federation server is `sts.contoso.localhost`: its people, and their tickets. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { runProgram } from '../processes.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { startDirectoryServer, succeeded } from './directory-server.ts'
import { createMitRealm, type MitRealm } from './mit-realm.ts'

export const insideRealmName = 'CONTOSO.LOCALHOST'
/** The service that browsers ask tickets for when they go to the federation server. */
export const stsPrincipal = 'HTTP/sts.contoso.localhost'
/** A service of the same host keytab that is not the federation server. */
export const neighbourPrincipal = 'HTTP/crm.contoso.localhost'

/** Everybody's password in this realm; not the one that they have at the federation server. */
const directoryPassword = 'directory-password'

export interface InsideRealm extends MitRealm {
  readonly folder: string
  /** With keys of the federation server, and of its neighbour. */
  readonly stsKeytab: string
  /** Signs somebody in at a computer of theirs. @returns what the computer's programs have in their environment. */
  signInAtComputer(name: string): Promise<Record<string, string>>
  /** A computer that nobody has signed in at. */
  readonly strangeComputer: Record<string, string>
}

/** Starts the realm for a test and stops it afterwards. People: `alice`, `bob`, `carol`, and more by `administer`. */
export async function startInsideRealm(t: Test): Promise<InsideRealm> {
  const folder = temporaryFolder(t)
  const directory = await startDirectoryServer(folder)
  t.teardown(() => directory.close())
  const realm = await createMitRealm({ directory, folder, realm: insideRealmName })
  t.teardown(() => realm.stop())
  await realm.administer(
    ...['alice', 'bob', 'carol', 'alice/admin'].map((name) => `addprinc -pw ${directoryPassword} ${name}`),
    `addprinc -randkey ${stsPrincipal}`,
    `addprinc -randkey ${neighbourPrincipal}`,
  )
  let computers = 0
  const computer = (): Record<string, string> => {
    computers += 1
    return { ...realm.environment, KRB5CCNAME: `FILE:${join(folder, `tickets-${computers}`)}` }
  }
  return {
    ...realm,
    folder,
    stsKeytab: await realm.keytab('sts.keytab', neighbourPrincipal, stsPrincipal),
    strangeComputer: computer(),
    async signInAtComputer(name) {
      const env = computer()
      succeeded('kinit', await runProgram('/usr/bin/kinit', [name], { env, input: `${directoryPassword}\n` }))
      return env
    },
  }
}
