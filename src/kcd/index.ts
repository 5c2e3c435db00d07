export {
  type BackendNegotiation,
  createKerberosDelegator,
  type DelegationRequest,
  type KerberosDelegator,
  type KerberosDelegatorOptions,
} from './kerberos-delegator.ts'
export { KerberosError, type KerberosErrorCode } from './kerberos-error.ts'
