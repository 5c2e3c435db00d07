import { encryptionTypeName } from '../../kcd/crypto/encryption-type.ts'
import type { GrantedTicket } from '../../kcd/kdc/granted-ticket.ts'
import type { KeytabEntry } from '../../kcd/keytab.ts'
import { hasFlag, TicketFlag } from '../../kcd/messages/flags.ts'
import { principalText } from '../../kcd/principal-name.ts'

/** A ticket as an administrator reads it; nothing of it could be used. */
export interface TicketView {
  client: string
  service: string
  startsAt: string
  endsAt: string
  /** Encryption type of the session key, and of the ticket itself. */
  sessionKey: string
  ticket: string
  flags: string[]
}

const flagNames: readonly (readonly [number, string])[] = [
  [TicketFlag.FORWARDABLE, 'forwardable'],
  [TicketFlag.FORWARDED, 'forwarded'],
  [TicketFlag.PROXIABLE, 'proxiable'],
  [TicketFlag.RENEWABLE, 'renewable'],
  [TicketFlag.INITIAL, 'initial'],
  [TicketFlag.PRE_AUTHENT, 'preauthenticated'],
  [TicketFlag.TRANSITED_POLICY_CHECKED, 'transited-policy-checked'],
  [TicketFlag.OK_AS_DELEGATE, 'ok-as-delegate'],
]

export function describeTicket({
  client,
  service,
  startsAt,
  endsAt,
  sessionKey,
  ticket,
  flags,
}: GrantedTicket): TicketView {
  return {
    client: principalText(client.name, client.realm),
    service: principalText(service.name, service.realm),
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    sessionKey: encryptionTypeName(sessionKey.type.number),
    ticket: encryptionTypeName(ticket.encrypted.encryptionType),
    flags: flagNames.filter(([bit]) => hasFlag(flags, bit)).map(([, name]) => name),
  }
}

/** A key of a keytab without the key. */
export interface KeyView {
  principal: string
  version: number
  encryptionType: string
  usable: boolean
  /** Absent where the tool that wrote it gave no time, as ktpass does. */
  writtenAt?: string
}

export function describeKey({ name, realm, keyVersion, encryptionType, key, writtenAt }: KeytabEntry): KeyView {
  return {
    principal: principalText(name, realm),
    version: keyVersion,
    encryptionType: encryptionTypeName(encryptionType),
    usable: key !== undefined,
    ...(writtenAt.getTime() === 0 ? {} : { writtenAt: writtenAt.toISOString() }),
  }
}
