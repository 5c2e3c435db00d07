import { setTimeout as sleep } from 'node:timers/promises'
import { DOMParser } from '@xmldom/xmldom'
import { readMetadataCertificates } from '../edge-token/federation-metadata.ts'
import { createEdgeTokenVerifier, EdgeTokenError, type EdgeTokenVerifier } from '../edge-token/index.ts'
import { type DocumentFetch, fetchDocument } from '../edge-token/key-document.ts'
import type { FederationService, ProxyTrust } from './federation-service.ts'
import { ProxyError } from './proxy-error.ts'

/** A federation service of which only the public addresses are known: a real AD FS, or ours on another machine. */
export interface ForeignFederationServiceOptions {
  /** Its FederationMetadata.xml: https, or http on this machine. */
  readonly metadataUrl: string
  /** Its issuer; default: the entityID that the metadata names. */
  readonly issuer?: string | undefined
  /** Its edge sign-in; default: `/adfs/ls` on the host of the metadata. */
  readonly signInUrl?: string | undefined
  /** Default: the edge sign-in with `wa=wsignout1.0`. */
  readonly signOutUrl?: string | undefined
  /** Its relying party trusts, as far as applications are published with them. */
  readonly trusts: readonly {
    readonly id: string
    readonly name: string
    readonly enabled?: boolean | undefined
    readonly claimsAware?: boolean | undefined
    readonly identifiers?: readonly string[] | undefined
    readonly replyAddresses?: readonly string[] | undefined
  }[]
  /** `urn:AppProxy:com` unless told. */
  readonly proxyIdentifier?: string | undefined
  /** Seconds that clocks may differ; default 60. */
  readonly clockTolerance?: number | undefined
  readonly fetch?: DocumentFetch | undefined
}

const FIRST_PAUSE = 500
const LONGEST_PAUSE = 30_000

/**
 * Opens a federation service by its metadata. It starts while the service is down: `ready` says when the keys are there,
 * and until then it asks again, every half second at first and every 30 s at last. Trusts are what the options say, and
 * of ended sessions it hears nothing.
 * @throws {ProxyError} `federation-service` for an address or a trust that is none.
 */
export function openForeignFederationService(options: ForeignFederationServiceOptions): FederationService {
  const { proxyIdentifier = 'urn:AppProxy:com', fetch = globalThis.fetch as DocumentFetch } = options
  const metadataUrl = address(options.metadataUrl, 'metadataUrl')
  const signInUrl =
    options.signInUrl === undefined ? new URL('/adfs/ls', metadataUrl).href : address(options.signInUrl, 'signInUrl')
  const signOutUrl =
    options.signOutUrl === undefined
      ? withQuery(signInUrl, 'wa=wsignout1.0')
      : address(options.signOutUrl, 'signOutUrl')
  const trusts = new Map(options.trusts.map(readTrust).map((trust) => [trust.id, trust]))
  const closing = new AbortController()
  const createVerifier = (issuer: string): EdgeTokenVerifier => {
    const { clockTolerance } = options
    try {
      return createEdgeTokenVerifier({ issuer, keys: { metadataUrl }, proxyIdentifier, clockTolerance, fetch })
    } catch (cause) {
      throw new ProxyError('federation-service', `the federation service: ${(cause as Error).message}`, { cause })
    }
  }
  let issuer = options.issuer ?? ''
  // Made even where the issuer is still to be learned: a wrong option shows now, not at the first sign-in.
  let verifier = createVerifier(issuer === '' ? 'unknown' : issuer)
  let ready = false
  let failure: unknown
  const { promise: started, resolve: hasStarted } = Promise.withResolvers<void>()

  async function learn(): Promise<void> {
    for (let pause = FIRST_PAUSE; !closing.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        const document = await fetchDocument(metadataUrl, fetch)
        const named = options.issuer ?? readEntityId(document)
        const certificates = await readMetadataCertificates(document, { issuer: named, now: Date.now })
        if (certificates.length === 0)
          throw new EdgeTokenError('keys-unavailable', 'the metadata names no signing certificate')
        if (options.issuer === undefined) verifier = createVerifier(named)
        issuer = named
        ready = true
        hasStarted()
        return
      } catch (error) {
        failure = error
      }
      hasStarted()
      await sleep(pause, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
    }
  }
  const learning = learn()
  const requireReady = () => {
    if (!ready)
      throw new EdgeTokenError('keys-unavailable', `the federation metadata could not be had from ${metadataUrl} yet`, {
        cause: failure,
      })
  }

  return {
    issuer: () => issuer,
    signInUrl: () => signInUrl,
    signOutUrl: () => signOutUrl,
    proxyIdentifier,
    verifier: {
      async verify(token, expected) {
        requireReady()
        return verifier.verify(token, expected)
      },
      async verifyCombo(bearer, expected) {
        requireReady()
        return verifier.verifyCombo(bearer, expected)
      },
    },
    trusts: () => [...trusts.values()],
    trust: (id) => trusts.get(id.toLowerCase()),
    endedSessions: { isEnded: () => false, onEnded: () => () => undefined, lastHeardFrom: () => undefined },
    ready: () => ready,
    started,
    async close() {
      closing.abort()
      await learning
    },
  }
}

/** The issuer that metadata names for itself. */
function readEntityId(document: Uint8Array): string {
  const text = Buffer.from(document)
    .toString('utf8')
    .replace(/^\ufeff/, '')
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text))
    throw new EdgeTokenError('keys-unavailable', 'the metadata has a document type')
  const refuse = (message: string) => {
    throw new EdgeTokenError('keys-unavailable', `the metadata is not well-formed XML: ${message}`)
  }
  const parser = new DOMParser({ errorHandler: { warning: refuse, error: refuse, fatalError: refuse } })
  const entityId = parser.parseFromString(text, 'text/xml').documentElement?.getAttribute('entityID')
  if (!entityId) throw new EdgeTokenError('keys-unavailable', 'the metadata has no entityID')
  return entityId
}

function readTrust(given: ForeignFederationServiceOptions['trusts'][number]): ProxyTrust {
  const { id, name, enabled = true, claimsAware = false, identifiers = [], replyAddresses = [] } = given
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id))
    throw new ProxyError('federation-service', `the id of the trust '${name}' is no GUID`)
  for (const reply of replyAddresses) address(reply, `a reply address of the trust '${name}'`)
  return { id: id.toLowerCase(), name, enabled, claimsAware, identifiers, replyAddresses }
}

function address(text: string, option: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.hash !== '')
    throw new ProxyError('federation-service', `${option} must be an absolute http(s) address`)
  return url.href
}

function withQuery(url: string, query: string): string {
  return url + (url.includes('?') ? '&' : '?') + query
}
