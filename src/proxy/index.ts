export type { BackendDelegator, KerberosMode, KerberosName } from './backend-kerberos.ts'
export type { ExpressPreauth, ExpressRequest } from './express-preauth.ts'
export { expressPreauth } from './express-preauth.ts'
export type { FederationService, ProxyTrust } from './federation-service.ts'
export type { ForeignFederationServiceOptions } from './foreign-federation-service.ts'
export type {
  Allowed,
  DelegatedIdentity,
  Outcome,
  PlainRequest,
  PreauthenticatedIdentity,
  Preauthentication,
  Preauthenticator,
  Responded,
} from './preauthentication/preauthentication.ts'
export type { PreauthenticatorOptions } from './preauthentication/preauthenticator.ts'
export { createPreauthenticator } from './preauthentication/preauthenticator.ts'
export type { ProxyError, ProxyErrorCode } from './proxy-error.ts'
export type { ProxyStore } from './proxy-store.ts'
export type { PublishedApplication } from './published-application.ts'
export type { WebApplicationProxy, WebApplicationProxyOptions } from './web-application-proxy.ts'
export { createWebApplicationProxy } from './web-application-proxy.ts'
