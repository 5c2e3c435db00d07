/**
 * S4U2Self (MS-SFU 3.1.5.1): a ticket to ourselves on behalf of a person who has signed in by other means. It is the
 * evidence that S4U2Proxy asks for. For a person of another realm the question goes to that realm, which answers by
 * referrals back to ours.
 */
import { isSupportedEncryptionType } from '../crypto/encryption-type.ts'
import { KdcErrorCode } from '../kdc-error-facts.ts'
import { kerberosErrorFromKdc } from '../kdc-refusal.ts'
import { KerberosError, type KerberosErrorCode, oneLine } from '../kerberos-error.ts'
import { flagsOf, KdcOption } from '../messages/flags.ts'
import { findPaData, PaDataType } from '../messages/pa-data.ts'
import { openPaS4uX509User, paForUser, paS4uX509User } from '../messages/s4u.ts'
import { openTicket, type Ticket, type TicketContent } from '../messages/ticket.ts'
import {
  NameType,
  type Principal,
  type PrincipalName,
  principalText,
  sameName,
  sameNameIgnoringCase,
} from '../principal-name.ts'
import type { ExchangeParts } from './exchange-parts.ts'
import { type GrantedTicket, ticketGrantingRealm } from './granted-ticket.ts'
import { accountOf, type LongTermKeys } from './long-term-keys.ts'
import { askTicketGrantingService, type TgsGrant } from './tgs-exchange.ts'
import type { TicketGrantingTickets } from './ticket-granting-tickets.ts'
import { findUserRealm } from './user-realm.ts'

const MOST_HOPS = 8

export interface EvidenceParts extends ExchangeParts {
  readonly keys: LongTermKeys
  readonly tickets: TicketGrantingTickets
}

/**
 * Gets a ticket to ourselves for a person.
 * @throws {KerberosError} `user-unknown`, `user-unusable`, `principal`; `mismatch` where the KDC speaks of someone else.
 */
export async function requestEvidenceTicket(
  parts: EvidenceParts,
  wanted: Principal,
  signal: AbortSignal,
): Promise<GrantedTicket> {
  const { keys, tickets } = parts
  const home = keys.principal.realm
  const user = await findUserRealm(parts, tickets, wanted, signal)
  let tgt = await tickets.to(user.realm, signal)
  let { realm } = user
  const seen = new Set<string>()
  while (seen.size < MOST_HOPS && !seen.has(realm)) {
    seen.add(realm)
    const service = realm === home ? keys.principal.name : nameAbroad(keys.principal)
    const grant = await askForUser(parts, user, { tgt, realm, service }, signal)
    const { granted } = grant
    if (granted.service.realm === home && realm === home && sameNameIgnoringCase(granted.service.name, service)) {
      await checkEvidence(parts, user, granted)
      return granted
    }
    const next = ticketGrantingRealm(granted.service.name)
    if (next === undefined || granted.service.realm !== realm) {
      const other = principalText(granted.service.name, granted.service.realm)
      throw new KerberosError(
        'mismatch',
        `the KDC of ${realm} gave a ticket to ${oneLine(other)} instead of one to ourselves`,
        {
          realm,
        },
      )
    }
    tgt = { ...granted, client: keys.principal }
    realm = next
  }
  throw new KerberosError('mismatch', `the referrals for ${principalText(user.name)} do not come back to ${home}`)
}

const OWN_SPN_ADVICE =
  'The account of this gateway must be one that services run as: register a service principal name on it ' +
  '(setspn -S HTTP/gateway.example.test ACCOUNT).'

/** What some refusals mean in this exchange alone. */
const REFUSALS: ReadonlyMap<number, { readonly code: KerberosErrorCode; readonly advice: string }> = new Map([
  [
    KdcErrorCode.KDC_ERR_POLICY,
    {
      code: 'user-unusable',
      advice:
        'The account is disabled, expired or locked, or an authentication policy forbids it: Get-ADUser NAME -Properties ' +
        'Enabled,LockedOut,AccountExpirationDate,AuthenticationPolicy.',
    },
  ],
  [KdcErrorCode.KDC_ERR_BADOPTION, { code: 'delegation-refused', advice: OWN_SPN_ADVICE }],
  [KdcErrorCode.KDC_ERR_S_PRINCIPAL_UNKNOWN, { code: 'service-unknown', advice: OWN_SPN_ADVICE }],
])

/** Our name for the KDC of another realm, which could not find it otherwise ([MS-SFU] 3.1.5.1.1.2). */
function nameAbroad({ name, realm }: Principal): PrincipalName {
  return { type: NameType.ENTERPRISE, components: [`${name.components.join('/')}@${realm}`] }
}

async function askForUser(
  parts: EvidenceParts,
  user: Principal,
  { tgt, realm, service }: { tgt: GrantedTicket; realm: string; service: PrincipalName },
  signal: AbortSignal,
): Promise<TgsGrant> {
  const grant = await askTicketGrantingService(
    parts,
    {
      tgt,
      realm,
      service,
      options: flagsOf(KdcOption.FORWARDABLE, KdcOption.CANONICALIZE),
      // Newer KDCs take the second, bound to this request; older ones know the first alone.
      paData: (nonce, key) => [paS4uX509User(user, nonce, key), paForUser(user, tgt.sessionKey)],
    },
    signal,
  )
  if (grant.kind === 'error') {
    const doing = `a ticket to ourselves on behalf of ${principalText(user.name, user.realm)}`
    throw kerberosErrorFromKdc(grant, doing, REFUSALS.get(grant.errorCode))
  }
  const told = findPaData(grant.reply.paData, PaDataType.S4U_X509_USER)
  if (told !== undefined) openPaS4uX509User(told, grant.nonce, grant.subkey)
  return grant
}

/**
 * The reply must name the person we asked for, never ourselves, which is what a KDC gives that does not know S4U2Self. The
 * name stands in the open there; but the ticket is for ourselves, so we can read in it whom it speaks for.
 */
async function checkEvidence({ keys }: EvidenceParts, user: Principal, evidence: GrantedTicket): Promise<void> {
  const { client } = evidence
  const asked = principalText(user.name, user.realm)
  const came = oneLine(principalText(client.name, client.realm))
  const wrongPerson = (why: string) =>
    new KerberosError('mismatch', `a ticket on behalf of ${asked} was asked for, one for ${came} came: ${why}`)
  if (client.realm === keys.principal.realm && sameNameIgnoringCase(client.name, keys.principal.name)) {
    throw wrongPerson('that is our own account; the KDC does not know protocol transition (S4U2Self)')
  }
  if (client.realm !== user.realm) throw wrongPerson('another realm')
  const enterprise = user.name.type === NameType.ENTERPRISE
  if (enterprise ? client.name.components.length !== 1 : !sameNameIgnoringCase(client.name, user.name)) {
    throw wrongPerson('another person')
  }
  // In RC4 only the KDC can read it. A changed name then fails at the backend, where ticket and authenticator differ.
  if (!isSupportedEncryptionType(evidence.ticket.encrypted.encryptionType)) return
  const content = await openOwnTicket(evidence.ticket, keys)
  if (content.clientRealm !== client.realm || !sameName(content.client, client.name)) {
    throw wrongPerson('the reply and the ticket name different people, so the reply was changed on the way')
  }
}

/** With the keys at hand; where they do not fit, the keytab may have been replaced. */
async function openOwnTicket(ticket: Ticket, keys: LongTermKeys): Promise<TicketContent> {
  const { encryptionType } = ticket.encrypted
  let failure: unknown
  for (const find of [keys.keysAtHand, (type: number) => keys.keys({ encryptionType: type })]) {
    for (const key of await find(encryptionType)) {
      try {
        return openTicket(ticket, key)
      } catch (error) {
        failure = error
      }
    }
  }
  const message =
    `the ticket to ourselves does not open with the keys of ${accountOf(keys)}: they are not the ones the KDC has. ` +
    'Make the keytab anew, with every encryption type of the account, and compare the key version number.'
  throw new KerberosError('keytab', message, failure === undefined ? {} : { cause: failure })
}
