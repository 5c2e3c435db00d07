import { createSecretKey, randomBytes } from 'node:crypto'
import type { AccessCookieKey } from '../../src/edge-token/index.ts'
import { createEdgeTokenVerifier, type EdgeTokenClaims, issueEdgeToken } from '../../src/edge-token/index.ts'
import type { FederationService, ProxyTrust, SessionQuestion } from '../../src/proxy/federation-service.ts'
import { createCertificate } from '../edge-token/signing-certificate.ts'

export const issuer = 'http://sts.contoso.test/adfs/services/trust'
export const crmTrust = '4f6c2b1e-8a3d-4c5e-9f70-1a2b3c4d5e6f'
export const wikiTrust = '7c1d9e02-55aa-4b3c-8d2e-0f1e2d3c4b5a'

/** A federation service without a server: it issues real edge tokens, and its trusts and ended sessions are at hand. */
export interface FederationServiceLab {
  readonly service: FederationService
  readonly trusts: Map<string, ProxyTrust>
  /** Sessions and people that have been ended. */
  readonly ended: { sids: Set<string>; people: Set<string> }
  readonly published: string[]
  heardFrom: Date | undefined
  isReady: boolean
  issue(claims: Partial<EdgeTokenClaims>, options?: { at?: Date; lifetime?: number }): Promise<string>
}

export const signing = createCertificate()

export async function createFederationServiceLab(): Promise<FederationServiceLab> {
  const { key, certificate } = await signing
  const trusts = new Map<string, ProxyTrust>([
    [crmTrust, trust(crmTrust, 'CRM')],
    [
      wikiTrust,
      trust(wikiTrust, 'Wiki', { claimsAware: true, replyAddresses: ['https://wiki.contoso.test/signin-wsfed'] }),
    ],
  ])
  const ended = { sids: new Set<string>(), people: new Set<string>() }
  const published: string[] = []
  const verifier = createEdgeTokenVerifier({ issuer, keys: { certificates: [certificate] } })
  const lab: FederationServiceLab = {
    trusts,
    ended,
    published,
    heardFrom: undefined,
    isReady: true,
    issue: ({ ...claims }, { at = new Date(), lifetime = 3600 } = {}) =>
      issueEdgeToken(
        {
          iss: issuer,
          relyingpartytrustid: crmTrust,
          upn: 'alice@contoso.test',
          iat: Math.floor(at.getTime() / 1000),
          ...claims,
        },
        { key, certificate, lifetime },
      ),
    service: {
      issuer: () => issuer,
      signInUrl: () => 'https://sts.contoso.test/adfs/ls',
      signOutUrl: () => 'https://sts.contoso.test/adfs/ls/?wa=wsignout1.0',
      proxyIdentifier: 'urn:AppProxy:com',
      verifier,
      trusts: () => [...trusts.values()],
      trust: (id) => trusts.get(id.toLowerCase()),
      publish: async (id, { externalUrl }) => {
        published.push(`${id} ${externalUrl}`)
      },
      unpublish: async (id, { externalUrl }) => {
        published.splice(published.indexOf(`${id} ${externalUrl}`), 1)
      },
      endedSessions: {
        isEnded: ({ sid, upn }: SessionQuestion) => ended.sids.has(sid ?? '') || ended.people.has(upn ?? ''),
        onEnded: () => () => undefined,
        lastHeardFrom: () => lab.heardFrom,
      },
      ready: () => lab.isReady,
      close: async () => undefined,
    },
  }
  return lab
}

export function trust(id: string, name: string, more: Partial<ProxyTrust> = {}): ProxyTrust {
  return { id, name, enabled: true, claimsAware: false, identifiers: [], replyAddresses: [], ...more }
}

export function createKeyRing(id = 'first'): AccessCookieKey[] {
  return [{ id, secret: createSecretKey(randomBytes(32)) }]
}
