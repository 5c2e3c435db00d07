/**
 * The realm most tests need, ready made: people of all kinds, a gateway that may act for them, a backend that it may
 * delegate to and one that it may not.
 */
import { chmodSync } from 'node:fs'
import type { Test } from 'tap'
import { temporaryFolder } from '../temporary-folder.ts'
import { type DirectoryServer, startDirectoryServer } from './directory-server.ts'
import { createMitRealm, type MitRealm, type MitRealmOptions } from './mit-realm.ts'

export const gatewayPrincipal = 'HTTP/gateway.example.test'
export const backendSpn = 'HTTP/backend.example.test'
/** Known to the directory, but not in the gateway's list. */
export const otherSpn = 'HTTP/other.example.test'
/** Delegation to it is allowed; it has RC4 keys alone. */
export const legacySpn = 'HTTP/legacy.example.test'

export interface ExampleRealm extends MitRealm {
  readonly folder: string
  readonly directory: DirectoryServer
  readonly gatewayKeytab: string
  readonly backendKeytab: string
  close(): Promise<void>
}

type ExampleRealmOptions = Partial<Pick<MitRealmOptions, 'settings' | 'defaults' | 'sections'>>

/** Starts the realm for a test, in a folder of its own, and stops it afterwards. */
export async function startExampleRealm(t: Test, options: ExampleRealmOptions = {}): Promise<ExampleRealm> {
  const realm = await openExampleRealm(temporaryFolder(t), options)
  t.teardown(() => realm.close())
  return realm
}

/**
 * Starts the realm EXAMPLE.TEST. People: `alice`, `bob`; `ceo` (must not be delegated), `expired`, `disabled`. Services:
 * the gateway, `HTTP/plain.example.test` (without protocol transition), the backends.
 */
export async function openExampleRealm(folder: string, options: ExampleRealmOptions = {}): Promise<ExampleRealm> {
  chmodSync(folder, 0o711)
  const directory = await startDirectoryServer(folder)
  let realm: MitRealm | undefined
  const close = async () => {
    await realm?.stop()
    await directory.close()
  }
  try {
    realm = await createMitRealm({ ...options, directory, folder, realm: 'EXAMPLE.TEST' })
    await realm.administer(
      'addprinc -pw alicepw alice',
      'addprinc -pw bobpw bob',
      'addprinc -pw secretpw -allow_forwardable ceo',
      'addprinc -pw expiredpw -expire "2020-01-01" expired',
      'addprinc -pw disabledpw -allow_tix disabled',
      `addprinc -randkey +requires_preauth +ok_to_auth_as_delegate ${gatewayPrincipal}`,
      'addprinc -randkey +requires_preauth HTTP/plain.example.test',
      `addprinc -randkey ${backendSpn}`,
      `addprinc -randkey ${otherSpn}`,
      `addprinc -randkey -e arcfour-hmac:normal ${legacySpn}`,
    )
    await realm.allowDelegation(gatewayPrincipal, backendSpn, legacySpn)
    await realm.allowDelegation('HTTP/plain.example.test', backendSpn)
    return {
      ...realm,
      folder,
      directory,
      gatewayKeytab: await realm.keytab('gateway.keytab', gatewayPrincipal),
      backendKeytab: await realm.keytab('backend.keytab', backendSpn),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
