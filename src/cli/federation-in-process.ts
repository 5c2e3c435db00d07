import { createEdgeTokenVerifier, type EdgeTokenVerifier } from '../edge-token/index.ts'
import type { FederationService, ProxyTrust } from '../proxy/federation-service.ts'
import type { FederationServer } from '../sts/federation-server.ts'

/**
 * What the proxy needs of a federation server, from the one in the same process: its stores and events directly, so that
 * a new key, a changed trust and an ended session count from the next request on. Closing it leaves the server open.
 * @param options.services those that the proxy may delegate to at all; undefined: those that a token names.
 */
export function createFederationServiceInProcess(
  sts: FederationServer,
  { services }: { services?: readonly string[] | undefined } = {},
): FederationService {
  const { trusts, keys, sessions, proxyIdentifier } = sts

  const createVerifier = (): EdgeTokenVerifier =>
    createEdgeTokenVerifier({
      issuer: sts.issuer,
      keys: { certificates: keys.published().map(({ certificate }) => certificate) },
      proxyIdentifier,
      ...(services === undefined ? {} : { delegation: { services } }),
    })
  // A dropped key must not verify a moment longer, from memory neither: a new verifier remembers no token.
  let verifier = createVerifier()
  const stopKeys = keys.onChange(() => {
    verifier = createVerifier()
  })

  let known: ReadonlyMap<string, ProxyTrust> | undefined
  const stopTrusts = trusts.onChange(() => {
    known = undefined
  })
  const proxyTrusts = () => {
    known ??= new Map(
      trusts
        .list()
        .map(({ id, name, enabled, claimsAware, identifiers, replyAddresses }) => [
          id.toLowerCase(),
          { id, name, enabled, claimsAware, identifiers, replyAddresses },
        ]),
    )
    return known
  }

  return {
    issuer: () => sts.issuer,
    signInUrl: () => `${sts.url}/adfs/ls`,
    signOutUrl: () => `${sts.url}/adfs/ls/?wa=wsignout1.0`,
    proxyIdentifier,
    verifier: {
      verify: (token, expected) => verifier.verify(token, expected),
      verifyCombo: (bearer, expected) => verifier.verifyCombo(bearer, expected),
    },
    trusts: () => [...proxyTrusts().values()],
    trust: (id) => proxyTrusts().get(id.toLowerCase()),
    async publish(trustId, { externalUrl, spn }) {
      await trusts.addPublishedAddress(trustId, externalUrl)
      if (spn !== undefined) await trusts.addDelegation(trustId, spn)
    },
    async unpublish(trustId, { externalUrl }) {
      if (trusts.get(trustId) !== undefined) await trusts.removePublishedAddress(trustId, externalUrl)
    },
    endedSessions: {
      isEnded: (question) => sessions.ended.isEnded(question),
      onEnded: (listener) => sessions.ended.onEnded(listener),
      // Nothing lies in between that could keep us from hearing.
      lastHeardFrom: () => new Date(),
    },
    ready: () => sts.ready(),
    async close() {
      stopKeys()
      stopTrusts()
    },
  }
}
