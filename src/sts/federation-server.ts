/**
 * The federation server: opens its stores and keys, joins the rooms and hands out an Express application. It listens
 * nowhere; whoever made it puts it behind a listener.
 *
 *     /adfs/ls                                        edge sign-in, wa=wsignout1.0      edge/, sign-out/
 *     /adfs/portal, /adfs/portal/sign-out             the person's home                 portal/, sign-out/
 *     /FederationMetadata/2007-06/FederationMetadata.xml, /adfs/discovery/keys          metadata/, keys/
 *     /healthz, /readyz                               for those who run it
 */
import { join } from 'node:path'
import type { Application } from 'express'
import { deriveKey } from '../edge-token/sealing.ts'
import { type AuditTrail, createAuditTrail } from './audit/audit-trail.ts'
import { createEdgeSignIn } from './edge/edge-sign-in.ts'
import { createLsEndpoint } from './edge/ls-endpoint.ts'
import {
  type FederationServerOptions,
  type FederationServerSettings,
  readSettings,
} from './federation-server-options.ts'
import { createCookieFormat } from './http/cookies.ts'
import { createDecisionRecord } from './http/decision-record.ts'
import { publicEndpoints } from './http/public-endpoints.ts'
import { createStsApplication } from './http/sts-application.ts'
import { openSigningKeys, type SigningKeys } from './keys/signing-keys.ts'
import { createFederationMetadata } from './metadata/federation-metadata.ts'
import { openBranding } from './pages/branding.ts'
import { createPageMaker } from './pages/page.ts'
import { type AccountChanges, createAccountChanges } from './people/account-changes.ts'
import { createPasswordAuthentication, type PasswordAuthentication } from './people/password-authentication.ts'
import { openPeopleStore, type PeopleStore } from './people/people-store.ts'
import { applicationsOfTrusts, createPortal, portalPath } from './portal/portal.ts'
import { openSessionStore, type SessionStore } from './sessions/session-store.ts'
import { createFormTokens } from './sign-in/form-token.ts'
import { openIntegratedSignIn } from './sign-in/integrated/integrated-sign-in.ts'
import { createSignIn } from './sign-in/sign-in.ts'
import { createSignOut, signOutPath } from './sign-out/sign-out.ts'
import { type Database, openDatabase } from './store/database.ts'
import { openTrustStore, type TrustStore } from './trusts/trust-store.ts'

/** A federation server and its lifecycle. */
export interface FederationServer {
  /** Answers everything for the server's host name. */
  readonly app: Application
  /** Scheme, host and port, without a slash at the end. */
  readonly url: string
  readonly issuer: string
  readonly proxyIdentifier: string
  readonly database: Database
  readonly people: PeopleStore
  /** Changes of an account that end the person's sessions with them. */
  readonly accounts: AccountChanges
  readonly passwords: PasswordAuthentication
  readonly trusts: TrustStore
  readonly keys: SigningKeys
  readonly sessions: SessionStore
  readonly audit: AuditTrail
  /** The signed federation metadata. */
  metadata(): string
  /** Whether sign-ins can be served: open, the database takes writes, and there is a key to sign with. */
  ready(): boolean
  /** Ends timers and closes what the server opened; more than once does no harm. */
  close(): Promise<void>
}

const rolloverInterval = 3_600_000

/**
 * Opens a federation server.
 * @throws {TypeError} for an option that is wrong.
 * @throws {StsError} `newer-schema`, `store-unusable`, `master-key`, `keys`, `integrated-sign-in`; whatever was opened is closed again.
 */
export async function createFederationServer(options: FederationServerOptions): Promise<FederationServer> {
  const settings = readSettings(options)
  const branding = openBranding(options.branding)
  const closers: (() => void | Promise<void>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    const database = options.database ?? openDatabase({ file: join(options.folder ?? '', 'gatehouse.sqlite') })
    if (options.database === undefined) closers.push(() => database.close())
    const stores = await openStores(database, settings, options)
    const { keys } = stores
    const metadata = createFederationMetadata({ issuer: settings.issuer, url: settings.url, keys })
    closers.push(() => metadata.close())
    const rollover = setInterval(() => {
      keys.advance(new Date()).catch((err: unknown) => settings.log.error({ err }, 'key rollover failed'))
    }, rolloverInterval)
    rollover.unref()
    let isOpen = true
    closers.push(() => {
      isOpen = false
      clearInterval(rollover)
    })

    const pages = createPageMaker(branding)
    const decisions = createDecisionRecord({ audit: stores.audit, log: settings.log })
    const cookieFormat = createCookieFormat(settings)
    const formTokens = createFormTokens(deriveKey(options.masterKey, 'gatehouse form tokens 1'))
    const common = { ...stores, ...settings, pages, decisions, cookieFormat, formTokens, origin: settings.url }
    const integrated = options.integratedSignIn && (await openIntegratedSignIn(options.integratedSignIn, stores))
    const signIn = createSignIn({ ...common, integrated })
    const signOut = createSignOut({ ...common, signIn })
    const applications = options.applications ?? applicationsOfTrusts(stores.trusts)
    const portal = createPortal({ signIn, signOut, pages, applications })
    const edgeSignIn = createEdgeSignIn({ ...common, signIn, signOutForm: signOut.button })
    const ls = createLsEndpoint({ edgeSignIn, signOut: signOut.atOnce, pages, decisions })
    const ready = () => isOpen && database.usable() && hasSigningKey(stores.keys, new Date())
    const app = createStsApplication({
      ...common,
      endpoints: [
        { path: '/adfs/ls', get: ls, post: ls },
        { path: portalPath, get: portal, post: portal },
        { path: signOutPath, post: signOut.byForm },
        ...publicEndpoints({ branding, metadata: () => metadata.document(), keys, ready, portalPath }),
      ],
    })
    const { url, issuer, proxyIdentifier } = settings
    return {
      app,
      url,
      issuer,
      proxyIdentifier,
      database,
      ...stores,
      metadata: () => metadata.document(),
      ready,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function hasSigningKey({ published }: Pick<SigningKeys, 'published'>, now: Date): boolean {
  return published().some(({ state, notAfter }) => state === 'current' && notAfter > now)
}

async function openStores(database: Database, settings: FederationServerSettings, options: FederationServerOptions) {
  const { masterKey, lockout, auditStream } = options
  const now = new Date()
  const people = openPeopleStore({ database })
  const lifetimes = { session: settings.ssoLifetime, persistent: settings.persistentLifetime }
  const sessions = openSessionStore({ database, now, lifetimes })
  return {
    people,
    sessions,
    trusts: openTrustStore({ database }),
    accounts: createAccountChanges({ database, people, sessions }),
    audit: createAuditTrail({ database, ...(auditStream !== undefined && { stream: auditStream }) }),
    passwords: createPasswordAuthentication({ people, database, masterKey, ...(lockout && { settings: lockout }) }),
    keys: await openSigningKeys({ database, masterKey, host: settings.host, now }),
  }
}
