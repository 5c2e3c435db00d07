import type { ColumnDefinitionBuilder, Compilable, Kysely } from 'kysely'
import type { Schema } from '../schema.ts'
import type { Migration } from './migration.ts'

/** People, trusts, sessions, keys and audit of the first release. What the columns mean: `schema.ts`. */
export const firstSchema: Migration = {
  number: 1,
  name: 'first-schema',
  statements: (query) => [
    ...peopleTables(query),
    ...passwordTables(query),
    ...sessionTables(query),
    ...trustTables(query),
    ...serviceTables(query),
  ],
}

function peopleTables({ schema }: Kysely<Schema>): Compilable<unknown>[] {
  return [
    schema
      .createTable('people')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('upn', 'text', required)
      .addColumn('upn_key', 'text', (column) => column.notNull().unique())
      .addColumn('display_name', 'text', required)
      .addColumn('enabled', 'integer', required)
      .addColumn('delegatable', 'integer', required)
      .addColumn('password_hash', 'text', required)
      .addColumn('password_version', 'integer', required)
      .addColumn('created_at', 'bigint', required),
    schema
      .createTable('groups')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', required)
      .addColumn('name_key', 'text', (column) => column.notNull().unique()),
    schema
      .createTable('group_members')
      .addColumn('group_id', 'text', (column) => column.notNull().references('groups.id').onDelete('cascade'))
      .addColumn('person_id', 'text', (column) => column.notNull().references('people.id').onDelete('cascade'))
      .addPrimaryKeyConstraint('group_members_key', ['group_id', 'person_id']),
    schema.createIndex('group_members_by_person').on('group_members').column('person_id'),
  ]
}

function passwordTables({ schema }: Kysely<Schema>): Compilable<unknown>[] {
  return [
    schema
      .createTable('password_failures')
      .addColumn('upn_key', 'text', required)
      .addColumn('place', 'text', required)
      .addColumn('failures', 'integer', required)
      .addColumn('last_failure_at', 'bigint', required)
      .addPrimaryKeyConstraint('password_failures_key', ['upn_key', 'place']),
    schema.createIndex('password_failures_by_time').on('password_failures').column('last_failure_at'),
    schema
      .createTable('familiar_addresses')
      .addColumn('person_id', 'text', (column) => column.notNull().references('people.id').onDelete('cascade'))
      .addColumn('address', 'text', required)
      .addColumn('last_success_at', 'bigint', required)
      .addPrimaryKeyConstraint('familiar_addresses_key', ['person_id', 'address']),
  ]
}

function sessionTables({ schema }: Kysely<Schema>): Compilable<unknown>[] {
  return [
    schema
      .createTable('sessions')
      .addColumn('sid', 'text', (column) => column.primaryKey())
      .addColumn('secret_hash', 'text', (column) => column.notNull().unique())
      .addColumn('person_id', 'text', required)
      .addColumn('upn', 'text', required)
      .addColumn('methods', 'text', required)
      .addColumn('authenticated_at', 'bigint', required)
      .addColumn('expires_at', 'bigint', required)
      .addColumn('persistent', 'integer', required)
      .addColumn('participants', 'text', required),
    schema.createIndex('sessions_by_person').on('sessions').column('person_id'),
    schema.createIndex('sessions_by_expiry').on('sessions').column('expires_at'),
    schema
      .createTable('ended_sessions')
      .addColumn('number', 'integer', (column) => column.primaryKey())
      .addColumn('sid', 'text')
      .addColumn('upn_key', 'text')
      .addColumn('before', 'bigint')
      .addColumn('ended_at', 'bigint', required),
    schema.createIndex('ended_sessions_by_person').on('ended_sessions').column('upn_key'),
    schema.createIndex('ended_sessions_by_time').on('ended_sessions').column('ended_at'),
  ]
}

function trustTables({ schema }: Kysely<Schema>): Compilable<unknown>[] {
  return [
    schema
      .createTable('relying_party_trusts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', required)
      .addColumn('name_key', 'text', (column) => column.notNull().unique())
      .addColumn('definition', 'text', required),
    schema
      .createTable('relying_party_identifiers')
      .addColumn('identifier_key', 'text', (column) => column.primaryKey())
      .addColumn('trust_id', 'text', (column) =>
        column.notNull().references('relying_party_trusts.id').onDelete('cascade'),
      ),
    schema.createIndex('relying_party_identifiers_by_trust').on('relying_party_identifiers').column('trust_id'),
  ]
}

function serviceTables({ schema }: Kysely<Schema>): Compilable<unknown>[] {
  return [
    schema
      .createTable('signing_keys')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('kid', 'text', required)
      .addColumn('x5t', 'text', required)
      .addColumn('certificate', 'text', required)
      .addColumn('sealed_key', 'blob', required)
      .addColumn('state', 'text', required)
      .addColumn('created_at', 'bigint', required)
      .addColumn('signs_from', 'bigint')
      .addColumn('retired_at', 'bigint')
      .addColumn('not_after', 'bigint', required),
    schema
      .createTable('audit_events')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('at', 'bigint', required)
      .addColumn('event', 'text', required)
      .addColumn('who', 'text')
      .addColumn('what', 'text')
      .addColumn('from_address', 'text')
      .addColumn('result', 'text', required)
      .addColumn('code', 'text')
      .addColumn('request_id', 'text')
      .addColumn('detail', 'text'),
    schema.createIndex('audit_events_by_request').on('audit_events').column('request_id'),
    schema
      .createTable('settings')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', required),
  ]
}

const required = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull()
