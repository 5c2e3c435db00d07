import { nothing, operation } from '../operation.ts'

export const serverOperations = {
  'server.show': operation({
    input: nothing,
    changes: false,
    run: (gatehouse) => ({
      pid: process.pid,
      roles: [...gatehouse.configuration.roles],
      sts: gatehouse.sts === undefined ? undefined : { ready: gatehouse.sts.ready() },
      proxy: gatehouse.proxy === undefined ? undefined : { ready: gatehouse.proxy.federationService.ready() },
    }),
  }),

  'federation.show': operation({
    input: nothing,
    changes: false,
    run(gatehouse) {
      const { sts, proxy, configuration } = gatehouse
      const metadataUrl =
        sts === undefined
          ? configuration.proxy?.federationService?.metadataUrl
          : `${sts.url}/FederationMetadata/2007-06/FederationMetadata.xml`
      return {
        issuer: sts?.issuer ?? proxy?.federationService.issuer() ?? '',
        proxyIdentifier:
          proxy?.federationService.proxyIdentifier ?? configuration.sts?.proxyIdentifier ?? 'urn:AppProxy:com',
        metadataUrl,
        certificates: sts?.keys.published().map(({ certificate }) => certificate) ?? [],
        trusts: (sts?.trusts.list() ?? proxy?.federationService.trusts() ?? []).map(({ id, name }) => ({ id, name })),
      }
    },
  }),
}
