import { KerberosError, type KerberosErrorCode } from '../../kcd/kerberos-error.ts'
import { type GatewayFailure, gatewayFailure } from './gateway-failure.ts'

/** What stands between a person and a Kerberos backend, by code of the error that came up. */
const failures: Readonly<Partial<Record<KerberosErrorCode, Pick<GatewayFailure, 'status' | 'code' | 'wapEvent'>>>> = {
  'user-unknown': { status: 403, code: 'kerberos-person', wapEvent: 13_019 },
  'user-unusable': { status: 403, code: 'kerberos-person', wapEvent: 13_019 },
  'not-delegatable': { status: 403, code: 'kerberos-person', wapEvent: 13_019 },
  principal: { status: 403, code: 'kerberos-person', wapEvent: 12_027 },
  'service-unknown': { status: 502, code: 'kerberos-service', wapEvent: 13_020 },
  'delegation-refused': { status: 502, code: 'kerberos-service', wapEvent: 13_019 },
}
const other = { status: 502, code: 'kerberos-unavailable', wapEvent: 13_019 } as const

/** Why there is no ticket. The code of the error opens the message: it is what the documentation explains. */
export function ticketFailure(error: unknown): GatewayFailure {
  if (!(error instanceof KerberosError)) return gatewayFailure(error)
  return { ...(failures[error.code] ?? other), message: `${error.code}: ${error.message}` }
}

/** The backend does not prove that it is the service the ticket is for: nothing of its answer is passed on. */
export const unproved = (error: unknown): GatewayFailure => ({
  status: 502,
  code: 'kerberos-unproved',
  message: `${(error as Partial<KerberosError>).code ?? 'internal'}: ${(error as Error).message}`,
})

/** The backend took two tickets in turn for none. */
export const rejected = (why: string): GatewayFailure => ({
  status: 502,
  code: 'kerberos-rejected',
  message: `the backend answers 401 to the ticket: ${why}`,
  wapEvent: 13_022,
})

/** The backend knows who asks, and refuses all the same. */
export const forbidden = (): GatewayFailure => ({
  status: 403,
  code: 'kerberos-forbidden',
  message: 'the backend accepted the ticket and answers 401 all the same: it does not let this person in',
  wapEvent: 13_022,
})

/** An application asks for Kerberos and there is nobody who makes tickets. */
export const withoutDelegator: GatewayFailure = {
  status: 502,
  code: 'kerberos-unavailable',
  message: 'this proxy has no Kerberos account configured',
  wapEvent: 13_019,
}

/** Let through without a name to reach the backend by: never passed on as nobody. */
export const withoutPerson: GatewayFailure = {
  status: 403,
  code: 'kerberos-person',
  message: 'the request was let through without a delegated identity',
  wapEvent: 13_016,
}

/** Whether a failure belongs into the audit trail: somebody was refused, or somebody else stood in for the backend. */
export function isRefusal({ code }: GatewayFailure): boolean {
  return REFUSALS.has(code)
}

const REFUSALS: ReadonlySet<string> = new Set([
  'kerberos-person',
  'kerberos-service',
  'kerberos-rejected',
  'kerberos-forbidden',
  'kerberos-unproved',
])
