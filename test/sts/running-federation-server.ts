/** A federation server as it runs, on a free port of the loopback interface, with two people and a few trusts. */
import { createSecretKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { FederationServer } from '../../src/sts/federation-server.ts'
import { createFederationServer } from '../../src/sts/federation-server.ts'
import type { FederationServerOptions } from '../../src/sts/federation-server-options.ts'
import type { RelyingPartyTrust } from '../../src/sts/trusts/relying-party-trust.ts'
import { signIn } from '../lab/forms.ts'
import { freePort } from '../lab/free-port.ts'
import { type Answer, createHttpClient, type HttpClient } from '../lab/http-client.ts'

export const password = 'demo-password'
export const alice = 'alice@contoso.test'
export const bob = 'bob@contoso.test'

export interface LogLine {
  readonly fields: Record<string, unknown>
  readonly message: string
}

export interface RunningFederationServer {
  readonly server: FederationServer
  readonly url: string
  readonly port: number
  /** Everything that was logged so far. */
  readonly logged: LogLine[]
  /** Permits the group Sales, in which alice is; not claims-aware; may be delegated to one service. */
  readonly crm: RelyingPartyTrust
  /** Permits everyone. */
  readonly wiki: RelyingPartyTrust
  /** The address that a proxy sends a browser to. */
  edgeAddress(trust: RelyingPartyTrust, returnUrl: string, more?: Record<string, string>): string
  /** A browser that has nothing yet. */
  browser(headers?: Record<string, string>): HttpClient
  /** Signs a person in on the portal. */
  signedIn(upn: string): Promise<HttpClient>
}

export const crmUrl = 'https://crm.contoso.test/'
export const wikiUrl = 'https://apps.contoso.test/wiki/'
export const requestId = '0A1B2C3D-0000-4000-8000-00000000000F'

/** Starts a server; the test's end closes it. */
export async function startFederationServer(
  t: { teardown(end: () => unknown): unknown; testdir(): string },
  options: Partial<FederationServerOptions> = {},
): Promise<RunningFederationServer> {
  const port = await freePort()
  const url = `http://sts.contoso.localhost:${port}`
  const logged: LogLine[] = []
  const log = (fields: object, message: string) => void logged.push({ fields: { ...fields }, message })
  const server = await createFederationServer({
    url,
    masterKey: createSecretKey(randomBytes(32)),
    log: { info: log, warn: log, error: log },
    ...(options.database === undefined && { folder: t.testdir() }),
    ...options,
  })
  const listener = createServer(server.app).listen(port, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(async () => {
    listener.closeAllConnections()
    listener.close()
    await server.close()
  })

  const { people, trusts } = server
  await people.groups.add('Sales')
  await people.add({ upn: alice, displayName: 'Alice Example', password, groups: ['Sales'] })
  await people.add({ upn: bob, displayName: 'Bob Example', password })
  const crm = await trusts.add({
    name: 'Customer relations',
    permit: { groups: ['Sales'] },
    publishedAddresses: [crmUrl],
    delegateTo: ['HTTP/crm.corp.test'],
  })
  const wiki = await trusts.add({ name: 'Wiki', permit: { everyone: true }, publishedAddresses: [wikiUrl] })

  const browser = (headers: Record<string, string> = {}) => createHttpClient({ headers })
  return {
    server,
    url,
    port,
    logged,
    crm,
    wiki,
    browser,
    edgeAddress: ({ id }, returnUrl, more = {}) =>
      `${url}/adfs/ls?${new URLSearchParams({
        version: '1.0',
        action: 'signin',
        realm: 'urn:AppProxy:com',
        appRealm: id,
        returnUrl,
        'client-request-id': requestId,
        ...more,
      })}`,
    async signedIn(upn) {
      const client = browser()
      const answer = await signIn(client, await client.visit(`${url}/adfs/portal`), upn, password)
      if (answer.status !== 303) throw new Error(`${upn} was not signed in: ${answer.status} ${answer.body}`)
      return client
    },
  }
}

/** The text of a page's alerts, entities decoded. */
export function alertOf({ body }: Answer): string | undefined {
  const text = body.match(/<p class="(?:alert|problem)" role="alert"[^>]*>([^<]*)</)?.[1]
  return text?.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&amp;', '&')
}

/** The claims of an edge token, unchecked. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

/** The token that a redirect carries. */
export function tokenIn(answer: Answer): string {
  const token = answer.location().searchParams.get('authToken')
  if (token === null) throw new Error(`no token in ${answer.location()}`)
  return token
}
