export type { KerberosDelegatorOptions } from './delegator-options.ts'
export {
  type BackendNegotiation,
  createKerberosDelegator,
  type DelegationRequest,
  type KerberosDelegator,
} from './kerberos-delegator.ts'
export { KerberosError, type KerberosErrorCode } from './kerberos-error.ts'
