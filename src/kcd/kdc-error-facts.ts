import type { KerberosErrorCode } from './kerberos-error.ts'

/** What is known of one error-code of a KRB-ERROR. `meaning` and `advice` are whole sentences for an administrator. */
export interface KdcErrorFacts {
  readonly name: string
  readonly code: KerberosErrorCode
  readonly meaning: string
  readonly advice: string
}

/** The error-codes by their names in RFC 4120 §7.5.9, RFC 6113 §7.2 and [MS-KILE]. */
export const KdcErrorCode = {
  KDC_ERR_NAME_EXP: 1,
  KDC_ERR_SERVICE_EXP: 2,
  KDC_ERR_BAD_PVNO: 3,
  KDC_ERR_C_OLD_MAST_KVNO: 4,
  KDC_ERR_S_OLD_MAST_KVNO: 5,
  KDC_ERR_C_PRINCIPAL_UNKNOWN: 6,
  KDC_ERR_S_PRINCIPAL_UNKNOWN: 7,
  KDC_ERR_PRINCIPAL_NOT_UNIQUE: 8,
  KDC_ERR_NULL_KEY: 9,
  KDC_ERR_CANNOT_POSTDATE: 10,
  KDC_ERR_NEVER_VALID: 11,
  KDC_ERR_POLICY: 12,
  KDC_ERR_BADOPTION: 13,
  KDC_ERR_ETYPE_NOSUPP: 14,
  KDC_ERR_SUMTYPE_NOSUPP: 15,
  KDC_ERR_PADATA_TYPE_NOSUPP: 16,
  KDC_ERR_TRTYPE_NOSUPP: 17,
  KDC_ERR_CLIENT_REVOKED: 18,
  KDC_ERR_SERVICE_REVOKED: 19,
  KDC_ERR_TGT_REVOKED: 20,
  KDC_ERR_CLIENT_NOTYET: 21,
  KDC_ERR_SERVICE_NOTYET: 22,
  KDC_ERR_KEY_EXPIRED: 23,
  KDC_ERR_PREAUTH_FAILED: 24,
  KDC_ERR_PREAUTH_REQUIRED: 25,
  KDC_ERR_SERVER_NOMATCH: 26,
  KDC_ERR_MUST_USE_USER2USER: 27,
  KDC_ERR_PATH_NOT_ACCEPTED: 28,
  KDC_ERR_SVC_UNAVAILABLE: 29,
  KRB_AP_ERR_BAD_INTEGRITY: 31,
  KRB_AP_ERR_TKT_EXPIRED: 32,
  KRB_AP_ERR_TKT_NYV: 33,
  KRB_AP_ERR_REPEAT: 34,
  KRB_AP_ERR_NOT_US: 35,
  KRB_AP_ERR_BADMATCH: 36,
  KRB_AP_ERR_SKEW: 37,
  KRB_AP_ERR_BADADDR: 38,
  KRB_AP_ERR_BADVERSION: 39,
  KRB_AP_ERR_MSG_TYPE: 40,
  KRB_AP_ERR_MODIFIED: 41,
  KRB_AP_ERR_BADORDER: 42,
  KRB_AP_ERR_BADKEYVER: 44,
  KRB_AP_ERR_NOKEY: 45,
  KRB_AP_ERR_MUT_FAIL: 46,
  KRB_AP_ERR_BADDIRECTION: 47,
  KRB_AP_ERR_METHOD: 48,
  KRB_AP_ERR_BADSEQ: 49,
  KRB_AP_ERR_INAPP_CKSUM: 50,
  KRB_AP_PATH_NOT_ACCEPTED: 51,
  KRB_ERR_RESPONSE_TOO_BIG: 52,
  KRB_ERR_GENERIC: 60,
  KRB_ERR_FIELD_TOOLONG: 61,
  KDC_ERR_WRONG_REALM: 68,
  KRB_AP_ERR_USER_TO_USER_REQUIRED: 69,
  KRB_AP_ERR_IAKERB_KDC_NOT_FOUND: 85,
  KDC_ERR_PREAUTH_EXPIRED: 90,
  KDC_ERR_MORE_PREAUTH_DATA_REQUIRED: 91,
  KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET: 92,
  KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS: 93,
} as const

const OTHER_ADVICE =
  'Look for the same request in the KDC log (krb5kdc.log, or event 4769 and 4771 on a domain controller).'
const AES_ADVICE =
  'RC4 and DES are not supported: turn AES on for the account ' +
  '(Set-ADUser or Set-ADComputer NAME -KerberosEncryptionType AES128,AES256, then set its password anew so that AES keys exist; ' +
  'MIT: cpw -e aes256-cts:normal NAME) and make a new keytab.'
const KEYTAB_ADVICE =
  'Make the keytab anew (ktpass /crypto AES256-SHA1 /ptype KRB5_NT_PRINCIPAL, adutil keytab create, or ktadd) and compare the key version ' +
  'number: `gatehouse kcd keytab list` against msDS-KeyVersionNumber or kvno. On AD the salt has the name the account had when its password was set.'
const DELEGATION_ADVICE =
  'On the account of this gateway: Delegation, "trust for delegation to specified services only", "use any authentication protocol", and the ' +
  'service in its list (msDS-AllowedToDelegateTo); or, resource-based, Set-ADUser SERVICE -PrincipalsAllowedToDelegateToAccount GATEWAY. ' +
  'Then check that the person is not marked "sensitive and cannot be delegated" nor in Protected Users.'
const CLOCK_ADVICE = 'Set the clock of this machine and of the KDC by NTP (chronyc tracking, w32tm /query /status).'

const FACTS: ReadonlyMap<number, KdcErrorFacts> = new Map<number, KdcErrorFacts>([
  [
    1,
    fact(
      'KDC_ERR_NAME_EXP',
      'user-unusable',
      'The account has expired.',
      'Extend it: Set-ADAccountExpiration NAME, or modprinc -expire never NAME.',
    ),
  ],
  [
    2,
    fact(
      'KDC_ERR_SERVICE_EXP',
      'service-unknown',
      'The account of the service has expired.',
      'Extend it: Set-ADAccountExpiration NAME, or modprinc -expire never NAME.',
    ),
  ],
  [
    3,
    fact(
      'KDC_ERR_BAD_PVNO',
      'kdc-refused',
      'The server does not speak Kerberos 5.',
      'Check that the address given as KDC is one.',
    ),
  ],
  [
    4,
    fact(
      'KDC_ERR_C_OLD_MAST_KVNO',
      'kdc-refused',
      'The key of the client is encrypted in an old master key.',
      'Set the password of the account anew.',
    ),
  ],
  [
    5,
    fact(
      'KDC_ERR_S_OLD_MAST_KVNO',
      'kdc-refused',
      'The key of the service is encrypted in an old master key.',
      'Set the password of the service account anew.',
    ),
  ],
  [
    6,
    fact(
      'KDC_ERR_C_PRINCIPAL_UNKNOWN',
      'user-unknown',
      'The directory has no account of this name.',
      'Check the name with Get-ADUser -Filter "UserPrincipalName -eq \'NAME\'" or getprinc NAME; for a name of another suffix set the user name to "enterprise".',
    ),
  ],
  [
    7,
    fact(
      'KDC_ERR_S_PRINCIPAL_UNKNOWN',
      'service-unknown',
      'The directory has no service of this name.',
      'Check with setspn -Q SPN and register it: setspn -S SPN ACCOUNT (MIT: addprinc -randkey SPN). The name must be the one the backend is reached by.',
    ),
  ],
  [
    8,
    fact(
      'KDC_ERR_PRINCIPAL_NOT_UNIQUE',
      'service-unknown',
      'Several accounts carry this name.',
      'Find them with setspn -X and remove all but one: setspn -D SPN ACCOUNT.',
    ),
  ],
  [9, fact('KDC_ERR_NULL_KEY', 'kdc-refused', 'An account has no key.', 'Set its password anew.')],
  [10, fact('KDC_ERR_CANNOT_POSTDATE', 'clock-skew', 'The ticket would begin in the future.', CLOCK_ADVICE)],
  [11, fact('KDC_ERR_NEVER_VALID', 'clock-skew', 'The ticket would end before it begins.', CLOCK_ADVICE)],
  [
    12,
    fact(
      'KDC_ERR_POLICY',
      'delegation-refused',
      'A policy of the directory forbids it.',
      `${DELEGATION_ADVICE} Across forests only resource-based delegation works.`,
    ),
  ],
  [
    13,
    fact(
      'KDC_ERR_BADOPTION',
      'delegation-refused',
      'The KDC cannot grant the option asked for, which for delegation means that it is not allowed.',
      DELEGATION_ADVICE,
    ),
  ],
  [
    14,
    fact(
      'KDC_ERR_ETYPE_NOSUPP',
      'encryption-type',
      'An account involved has no key of an encryption type that is allowed.',
      AES_ADVICE,
    ),
  ],
  [15, fact('KDC_ERR_SUMTYPE_NOSUPP', 'encryption-type', 'The KDC does not support the checksum type.', AES_ADVICE)],
  [
    16,
    fact(
      'KDC_ERR_PADATA_TYPE_NOSUPP',
      'preauthentication',
      'The KDC does not support any offered way of preauthentication, or does not know delegation on behalf of users.',
      'The account must be able to log on by password or keytab (on AD: no "smart card is required").',
    ),
  ],
  [17, fact('KDC_ERR_TRTYPE_NOSUPP', 'kdc-refused', 'The KDC does not support the transited type.', OTHER_ADVICE)],
  [
    18,
    fact(
      'KDC_ERR_CLIENT_REVOKED',
      'user-unusable',
      'The account is disabled, locked, expired or outside its logon hours.',
      'Look at it: Get-ADUser NAME -Properties Enabled,LockedOut,AccountExpirationDate,LogonHours; then Enable-ADAccount or Unlock-ADAccount (MIT: modprinc +allow_tix NAME, modprinc -unlock NAME).',
    ),
  ],
  [
    19,
    fact(
      'KDC_ERR_SERVICE_REVOKED',
      'service-unknown',
      'The account of the service is disabled.',
      'Enable it: Enable-ADAccount NAME, or modprinc +allow_tix NAME.',
    ),
  ],
  [
    20,
    fact(
      'KDC_ERR_TGT_REVOKED',
      'ticket-expired',
      'The ticket-granting ticket has been revoked.',
      'A new one is fetched with the next request; if it stays, the account of this gateway was changed or disabled.',
    ),
  ],
  [21, fact('KDC_ERR_CLIENT_NOTYET', 'user-unusable', 'The account is not valid yet.', CLOCK_ADVICE)],
  [22, fact('KDC_ERR_SERVICE_NOTYET', 'service-unknown', 'The account of the service is not valid yet.', CLOCK_ADVICE)],
  [
    23,
    fact(
      'KDC_ERR_KEY_EXPIRED',
      'user-unusable',
      'The password of the account has expired.',
      'Set it anew, or for a service account Set-ADUser NAME -PasswordNeverExpires $true (MIT: modprinc -pwexpire never NAME), and make a new keytab.',
    ),
  ],
  [
    24,
    fact('KDC_ERR_PREAUTH_FAILED', 'preauthentication', 'The key or password of this gateway is wrong.', KEYTAB_ADVICE),
  ],
  [
    25,
    fact(
      'KDC_ERR_PREAUTH_REQUIRED',
      'preauthentication',
      'The KDC wants a kind of preauthentication that was not sent.',
      'The account must be able to log on by password or keytab; where the realm requires FAST, configure an armour keytab.',
    ),
  ],
  [26, fact('KDC_ERR_SERVER_NOMATCH', 'kdc-refused', 'Ticket and service do not match.', OTHER_ADVICE)],
  [
    27,
    fact(
      'KDC_ERR_MUST_USE_USER2USER',
      'service-unknown',
      'The service has no key of its own (its SPN is on an account that only allows user-to-user).',
      'Register the SPN on the account the backend runs as: setspn -S SPN ACCOUNT.',
    ),
  ],
  [
    28,
    fact(
      'KDC_ERR_PATH_NOT_ACCEPTED',
      'kdc-refused',
      'The path between the realms is not accepted.',
      'Check the trusts between the realms (nltest /domain_trusts; MIT: [capaths]).',
    ),
  ],
  [
    29,
    fact(
      'KDC_ERR_SVC_UNAVAILABLE',
      'kdc-unreachable',
      'A service that the KDC needs is not available.',
      'Check the directory behind the KDC and its replication; another KDC is tried.',
    ),
  ],
  [31, fact('KRB_AP_ERR_BAD_INTEGRITY', 'integrity', 'The KDC could not decrypt what was sent to it.', KEYTAB_ADVICE)],
  [
    32,
    fact(
      'KRB_AP_ERR_TKT_EXPIRED',
      'ticket-expired',
      'The ticket has expired.',
      `A new one is fetched with the next request. ${CLOCK_ADVICE}`,
    ),
  ],
  [33, fact('KRB_AP_ERR_TKT_NYV', 'clock-skew', 'The ticket is not valid yet.', CLOCK_ADVICE)],
  [
    34,
    fact(
      'KRB_AP_ERR_REPEAT',
      'kdc-refused',
      'The request was taken for a replay.',
      'Check that no other machine uses the same account with a copied state, and that nothing repeats requests on the way.',
    ),
  ],
  [
    35,
    fact(
      'KRB_AP_ERR_NOT_US',
      'mismatch',
      'The ticket is not for this KDC.',
      'Check that each realm is configured with its own KDCs.',
    ),
  ],
  [36, fact('KRB_AP_ERR_BADMATCH', 'mismatch', 'Ticket and authenticator do not match.', OTHER_ADVICE)],
  [37, fact('KRB_AP_ERR_SKEW', 'clock-skew', 'The clocks of this machine and the KDC differ too much.', CLOCK_ADVICE)],
  [
    38,
    fact(
      'KRB_AP_ERR_BADADDR',
      'kdc-refused',
      'The network address does not match the ticket.',
      'Network address translation between this machine and the KDC is in the way of tickets with addresses.',
    ),
  ],
  [39, fact('KRB_AP_ERR_BADVERSION', 'kdc-refused', 'The protocol version is wrong.', OTHER_ADVICE)],
  [40, fact('KRB_AP_ERR_MSG_TYPE', 'kdc-refused', 'The message type is not one the server takes.', OTHER_ADVICE)],
  [
    41,
    fact(
      'KRB_AP_ERR_MODIFIED',
      'integrity',
      'What was sent could not be decrypted with the key that the server has.',
      `An SPN on the wrong account or two accounts (setspn -X), or a backend with an old keytab. ${KEYTAB_ADVICE}`,
    ),
  ],
  [42, fact('KRB_AP_ERR_BADORDER', 'kdc-refused', 'A message came out of order.', OTHER_ADVICE)],
  [44, fact('KRB_AP_ERR_BADKEYVER', 'integrity', 'The key version is not known to the server.', KEYTAB_ADVICE)],
  [
    45,
    fact(
      'KRB_AP_ERR_NOKEY',
      'integrity',
      'The server has no key for the service.',
      `Give the backend a keytab with this SPN. ${KEYTAB_ADVICE}`,
    ),
  ],
  [46, fact('KRB_AP_ERR_MUT_FAIL', 'mutual-authentication', 'Mutual authentication failed.', OTHER_ADVICE)],
  [47, fact('KRB_AP_ERR_BADDIRECTION', 'kdc-refused', 'The direction of a message is wrong.', OTHER_ADVICE)],
  [48, fact('KRB_AP_ERR_METHOD', 'kdc-refused', 'Another way of authentication is required.', OTHER_ADVICE)],
  [49, fact('KRB_AP_ERR_BADSEQ', 'kdc-refused', 'A sequence number is wrong.', OTHER_ADVICE)],
  [50, fact('KRB_AP_ERR_INAPP_CKSUM', 'encryption-type', 'A checksum of this type is not taken.', AES_ADVICE)],
  [
    51,
    fact(
      'KRB_AP_PATH_NOT_ACCEPTED',
      'kdc-refused',
      'The path between the realms is not accepted.',
      'Check the trusts between the realms (nltest /domain_trusts; MIT: [capaths]).',
    ),
  ],
  [
    52,
    fact(
      'KRB_ERR_RESPONSE_TOO_BIG',
      'kdc-refused',
      'The answer does not fit into a datagram.',
      'It was asked for by TCP, so something on the way turns it into UDP: check relays and load balancers in front of the KDC.',
    ),
  ],
  [60, fact('KRB_ERR_GENERIC', 'kdc-refused', 'An error that the KDC describes by text alone.', OTHER_ADVICE)],
  [
    61,
    fact(
      'KRB_ERR_FIELD_TOOLONG',
      'kdc-refused',
      'The request was too long for the KDC.',
      'A ticket of a person in very many groups may exceed its limit (MaxTokenSize on Windows).',
    ),
  ],
  [
    68,
    fact(
      'KDC_ERR_WRONG_REALM',
      'user-unknown',
      'The account belongs to another realm.',
      'Check the trust between the realms and that the other realm and its KDCs are configured.',
    ),
  ],
  [
    69,
    fact(
      'KRB_AP_ERR_USER_TO_USER_REQUIRED',
      'service-unknown',
      'The service only allows user-to-user.',
      'Register the SPN on the account the backend runs as: setspn -S SPN ACCOUNT.',
    ),
  ],
  [85, fact('KRB_AP_ERR_IAKERB_KDC_NOT_FOUND', 'kdc-unreachable', 'The KDC was not found.', OTHER_ADVICE)],
  [90, fact('KDC_ERR_PREAUTH_EXPIRED', 'preauthentication', 'The preauthentication took too long.', CLOCK_ADVICE)],
  [
    91,
    fact(
      'KDC_ERR_MORE_PREAUTH_DATA_REQUIRED',
      'preauthentication',
      'The KDC wants a further step of preauthentication.',
      'The account must be able to log on by password or keytab alone.',
    ),
  ],
  [
    92,
    fact(
      'KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET',
      'preauthentication',
      'The KDC does not take this combination of preauthentication.',
      OTHER_ADVICE,
    ),
  ],
  [
    93,
    fact(
      'KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS',
      'armor-required',
      'The KDC does not know a critical option of FAST.',
      OTHER_ADVICE,
    ),
  ],
])

/** What is known of an error-code; a code that nobody defined gets a name made of its number. */
export function kdcErrorFacts(errorCode: number): KdcErrorFacts {
  return FACTS.get(errorCode) ?? fact('KRB-ERROR', 'kdc-refused', 'This code is not in the standard.', OTHER_ADVICE)
}

/** Every error-code of the table, ascending: for the documentation. */
export function knownKdcErrorCodes(): number[] {
  return [...FACTS.keys()]
}

function fact(name: string, code: KerberosErrorCode, meaning: string, advice: string): KdcErrorFacts {
  return { name, code, meaning, advice }
}
