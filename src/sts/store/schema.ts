import type { ColumnType, Generated } from 'kysely'

/** Every instant in the store is milliseconds since 1970, every flag 0 or 1: what each SQL database has. */
type Instant = number
type Flag = 0 | 1

/** The tables of the federation server as Kysely reads them; the statements that made them are in `migrations/`. */
export interface Schema {
  people: PeopleTable
  groups: GroupsTable
  group_members: GroupMembersTable
  password_failures: PasswordFailuresTable
  familiar_addresses: FamiliarAddressesTable
  sessions: SessionsTable
  ended_sessions: EndedSessionsTable
  relying_party_trusts: RelyingPartyTrustsTable
  relying_party_identifiers: RelyingPartyIdentifiersTable
  signing_keys: SigningKeysTable
  audit_events: AuditEventsTable
  settings: SettingsTable
  migrations: MigrationsTable
}

export interface PeopleTable {
  id: string
  upn: string
  /** The UPN as it is compared: see `upnKey`. */
  upn_key: string
  display_name: string
  enabled: Flag
  delegatable: Flag
  password_hash: string
  /** Grows with every change of the password; devices that an older one made familiar are strangers again. */
  password_version: number
  created_at: Instant
}

export interface GroupsTable {
  id: string
  name: string
  name_key: string
}

export interface GroupMembersTable {
  group_id: string
  person_id: string
}

/** Wrong passwords by the name that was typed, whether or not there is such a person. */
export interface PasswordFailuresTable {
  upn_key: string
  place: 'familiar' | 'unknown'
  failures: number
  last_failure_at: Instant
}

export interface FamiliarAddressesTable {
  person_id: string
  address: string
  last_success_at: Instant
}

export interface SessionsTable {
  sid: string
  /** base64url(SHA-256(secret)): the secret itself is in the browser's cookie and nowhere else. */
  secret_hash: string
  person_id: string
  upn: string
  /** JSON array of authentication method URIs. */
  methods: string
  authenticated_at: Instant
  expires_at: Instant
  persistent: Flag
  /** JSON array of opaque texts. */
  participants: string
}

export interface EndedSessionsTable {
  /** Place in the list; never given twice. */
  number: number
  sid: string | null
  upn_key: string | null
  /** Of a person's entry: what was issued before this instant has ended (whole seconds, as `iat` is). */
  before: Instant | null
  ended_at: Instant
}

export interface RelyingPartyTrustsTable {
  id: string
  name: string
  name_key: string
  /** JSON of everything else in a `RelyingPartyTrust`. */
  definition: string
}

export interface RelyingPartyIdentifiersTable {
  identifier_key: string
  trust_id: string
}

export interface SigningKeysTable {
  id: string
  kid: string
  x5t: string
  /** PEM */
  certificate: string
  sealed_key: Uint8Array
  state: string
  created_at: Instant
  signs_from: Instant | null
  retired_at: Instant | null
  not_after: Instant
}

export interface AuditEventsTable {
  id: Generated<number>
  at: Instant
  event: string
  who: string | null
  what: string | null
  from_address: string | null
  result: 'success' | 'failure'
  code: string | null
  request_id: string | null
  /** JSON object or null. */
  detail: ColumnType<string | null, string | null, never>
}

/** Single values of a room, by name: counters, options that an administrator set. */
export interface SettingsTable {
  name: string
  value: string
}

export interface MigrationsTable {
  number: number
  name: string
  applied_at: Instant
}
