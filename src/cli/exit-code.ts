/** What the command's exit status says; printed by `gatehouse --help`. */
export const exitCodes = {
  success: 0,
  failure: 1,
  usage: 2,
  'not-found': 3,
  conflict: 4,
  unavailable: 5,
  'not-permitted': 6,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [0, 'done'],
  [1, 'failed; for check: something is wrong; for token verify: the token is not good'],
  [2, 'wrong usage, wrong input or wrong configuration; nothing was changed'],
  [3, 'no such person, group, trust, application or Kerberos service'],
  [4, 'conflict: it exists already, or something else stands in the way'],
  [5, 'unavailable: the data folder is in use, or the server or the KDC does not answer'],
  [6, 'not permitted: file rights, or a refused bearer token'],
]

// By the code alone, because an error may have travelled through the administration socket.
const byCode: Readonly<Record<string, ExitCode>> = {
  usage: 2,
  configuration: 2,
  'invalid-input': 2,
  'unknown-operation': 2,
  'role-missing': 2,
  'invalid-upn': 2,
  'invalid-password': 2,
  'password-too-long': 2,
  'invalid-group': 2,
  'invalid-trust': 2,
  'invalid-application': 2,
  'not-supported': 2,
  'reply-needs-tls': 2,
  'person-unknown': 3,
  'group-unknown': 3,
  'trust-unknown': 3,
  'application-unknown': 3,
  'session-unknown': 3,
  'person-exists': 4,
  'group-exists': 4,
  'trust-exists': 4,
  'trust-disabled': 4,
  'trust-in-use': 4,
  'file-exists': 4,
  'host-uncovered': 4,
  'kerberos-unconfigured': 4,
  'trust-claims-aware': 4,
  'application-exists': 4,
  overlap: 4,
  principal: 2,
  'user-unknown': 3,
  'service-unknown': 3,
  'folder-in-use': 5,
  'kdc-unreachable': 5,
  deadline: 5,
  unreachable: 5,
  'not-permitted': 6,
}

/**
 * The exit status for an error of any room.
 * @param code the error's stable code; undefined for an error that has none.
 */
export function exitCodeOf(code: string | undefined): ExitCode {
  if (code === undefined || !Object.hasOwn(byCode, code)) return exitCodes.failure
  return byCode[code] ?? exitCodes.failure
}
