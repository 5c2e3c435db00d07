import type { EdgeTokenErrorCode } from '../../edge-token/edge-token-error.ts'
import type { RefusalReason } from '../pages/texts.ts'

/** Everything that can be wrong with a sign-in that came back in an address, by code. */
export type RefusalCode =
  | Exclude<EdgeTokenErrorCode, 'keys-unavailable'>
  | 'acceptance-window'
  | 'request-id'
  | 'trust-disabled'
  | 'session-ended'
  | 'cookie-not-kept'
  | 'cookie-too-large'
  | 'stray-token'

/** What a refusal is called: to the person, and in WAP's event log where it has a number. */
export const refusals: Readonly<Record<RefusalCode, { readonly reason: RefusalReason; readonly wapEvent?: number }>> = {
  malformed: { reason: 'unreadable', wapEvent: 13_014 },
  signature: { reason: 'signature', wapEvent: 13_012 },
  algorithm: { reason: 'signature', wapEvent: 13_012 },
  issuer: { reason: 'other-service' },
  audience: { reason: 'other-service' },
  'relying-party': { reason: 'other-application' },
  resource: { reason: 'other-application' },
  expired: { reason: 'expired', wapEvent: 13_013 },
  'not-yet-valid': { reason: 'not-yet-valid', wapEvent: 13_028 },
  lifetime: { reason: 'unreadable' },
  delegation: { reason: 'other-application' },
  combo: { reason: 'unreadable', wapEvent: 13_014 },
  'acceptance-window': { reason: 'expired', wapEvent: 13_013 },
  'request-id': { reason: 'other-browser' },
  'trust-disabled': { reason: 'trust-disabled' },
  'session-ended': { reason: 'session-ended' },
  'cookie-not-kept': { reason: 'cookie-not-kept' },
  'cookie-too-large': { reason: 'cookie-too-large' },
  'stray-token': { reason: 'stray-token' },
}
