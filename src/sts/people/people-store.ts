/**
 * People and their groups in the embedded store. A person is found by user principal name without regard to case; what
 * was read is kept in memory until any person or group changes. Passwords: only their hash is here (`password-hash.ts`);
 * who may try one is decided in `password-authentication.ts`. Changes that end sessions: `account-changes.ts`.
 */
import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Database } from '../store/database.ts'
import type { PeopleTable } from '../store/schema.ts'
import type { Run, Transaction } from '../store/transaction.ts'
import { StsError } from '../sts-error.ts'
import { hashPassword } from './password-hash.ts'
import type { Person } from './person.ts'
import { openPersonGroups, type PersonGroups, requireName } from './person-groups.ts'
import { parseUpn, requireUpn, upnKey } from './user-principal-name.ts'

export interface NewPerson {
  upn: string
  /** Default: what stands before the `@`. */
  displayName?: string | undefined
  password: string
  /** Names of groups that exist. */
  groups?: readonly string[] | undefined
  /** Default true. */
  delegatable?: boolean | undefined
  /** When the account is made; default the clock's. */
  now?: Date | undefined
}

/** People and their groups. Reads are synchronous, changes are on disk when their promise resolves. */
export interface PeopleStore {
  find(upn: string): Person | undefined
  get(id: string): Person | undefined
  /** In the order of their UPNs; `after` is the UPN to go on from, `limit` defaults to all. */
  list(options?: { after?: string | undefined; limit?: number | undefined }): Person[]
  /**
   * @throws {StsError} `invalid-upn`, `person-exists`, `group-unknown`, `invalid-password`, `password-too-long`
   */
  add(person: NewPerson): Promise<Person>
  /**
   * Changes the password and nothing else; sessions end with it through `AccountChanges`.
   * @throws {StsError} `person-unknown`, `invalid-password`, `password-too-long`
   */
  setPassword(upn: string, password: string): Promise<void>
  /**
   * Changes the flag and nothing else; sessions end with it through `AccountChanges`.
   * @throws {StsError} `person-unknown`
   */
  setEnabled(upn: string, enabled: boolean): Promise<void>
  /** @throws {StsError} `person-unknown` */
  setDelegatable(upn: string, delegatable: boolean): Promise<void>
  readonly groups: PersonGroups
  passwordHashOf(id: string): string | undefined
  /** The hash, and a number that grows with every change of the password. */
  credentialsOf(id: string): { hash: string; version: number } | undefined
  /** The same changes as part of a transaction of the caller's. */
  readonly within: PeopleChanges
}

export interface PeopleChanges {
  /** @throws {StsError} `person-unknown` */
  setPasswordHash(transaction: Transaction, upn: string, hash: string): Person
  /** @throws {StsError} `person-unknown` */
  setEnabled(transaction: Transaction, upn: string, enabled: boolean): Person
}

/** Entries of the memory of people; when it is full it starts anew. */
const remembered = 20_000

/** Opens the people of a database. */
export function openPeopleStore({ database }: { database: Database }): PeopleStore {
  const { query } = database
  const memory = new Map<string, Person>()
  const forget = (): void => memory.clear()
  const groups = openPersonGroups({ database, changed: forget })

  const peopleTable = query.selectFrom('people').selectAll()
  const groupNames = query
    .selectFrom('group_members')
    .innerJoin('groups', 'groups.id', 'group_members.group_id')
    .orderBy('groups.name_key')

  function load(run: Run, column: 'id' | 'upn_key', value: string): Person | undefined {
    const [row] = run(peopleTable.where(column, '=', value))
    if (row === undefined) return undefined
    const names = run(groupNames.select('groups.name').where('group_members.person_id', '=', row.id))
    return personOf(
      row,
      names.map(({ name }) => name),
    )
  }

  function remember(person: Person): Person {
    if (memory.size >= remembered) memory.clear()
    memory.set(`id ${person.id}`, person)
    memory.set(`upn_key ${upnKey(person.upn)}`, person)
    return person
  }

  function lookUp(column: 'id' | 'upn_key', value: string): Person | undefined {
    const known = memory.get(`${column} ${value}`)
    if (known !== undefined) return known
    const person = load(database.read, column, value)
    return person && remember(person)
  }

  function requirePerson(run: Run, upn: string): Person {
    const name = parseUpn(upn)
    const person = name && load(run, 'upn_key', upnKey(name))
    if (!person) throw new StsError('person-unknown', `there is no person ${JSON.stringify(upn)}`)
    return person
  }

  function change(
    { run, onCommit }: Transaction,
    upn: string,
    set: { enabled?: 0 | 1; delegatable?: 0 | 1 } | { hash: string },
  ): Person {
    const person = requirePerson(run, upn)
    const update = query.updateTable('people').where('id', '=', person.id)
    if ('hash' in set) {
      run(
        update.set(({ eb }) => ({
          password_hash: set.hash,
          password_version: eb('password_version', '+', 1),
        })),
      )
    } else {
      run(update.set(set))
    }
    onCommit(forget)
    return person
  }

  const within: PeopleChanges = {
    setPasswordHash: (transaction, upn, hash) => change(transaction, upn, { hash }),
    setEnabled: (transaction, upn, enabled) => change(transaction, upn, { enabled: enabled ? 1 : 0 }),
  }

  const credentialsOf: PeopleStore['credentialsOf'] = (id) => {
    const columns = query.selectFrom('people').select(['password_hash as hash', 'password_version as version'])
    const [row] = database.read(columns.where('id', '=', id))
    return row && { hash: row.hash, version: row.version }
  }

  return {
    find(upn) {
      const name = parseUpn(upn)
      return name === undefined ? undefined : lookUp('upn_key', upnKey(name))
    },
    get: (id) => lookUp('id', id),
    list({ after = '', limit } = {}) {
      const page = peopleTable.where('upn_key', '>', upnKey(after)).orderBy('upn_key')
      const rows = database.read(limit === undefined ? page : page.limit(limit))
      const last = rows.at(-1)?.upn_key
      if (last === undefined) return []
      const memberships = database.read(
        groupNames
          .innerJoin('people', 'people.id', 'group_members.person_id')
          .select(['groups.name', 'people.id'])
          .where('people.upn_key', '>', upnKey(after))
          .where('people.upn_key', '<=', last),
      )
      const namesOf = Map.groupBy(memberships, ({ id }) => id)
      return rows.map((row) => personOf(row, namesOf.get(row.id)?.map(({ name }) => name) ?? []))
    },
    async add({ upn, displayName, password, groups: memberOf = [], delegatable = true, now = new Date() }) {
      const name = requireUpn(upn)
      const key = upnKey(name)
      const shown = requireName(
        'invalid-upn',
        'a display name',
        displayName ?? name.slice(0, Math.min(name.indexOf('@'), 256)),
      )
      requireNew(database.read)
      const hash = await hashPassword(password)
      return database.write((run, onCommit) => {
        requireNew(run)
        const id = randomUUID()
        run(
          query.insertInto('people').values({
            id,
            upn: name,
            upn_key: key,
            display_name: shown,
            enabled: 1,
            delegatable: delegatable ? 1 : 0,
            password_hash: hash,
            password_version: 1,
            created_at: now.getTime(),
          }),
        )
        for (const group of memberOf) groups.within.addMember(run, group, id)
        onCommit(forget)
        const person = load(run, 'id', id)
        if (person === undefined) throw new StsError('store-unusable', 'a person that was just added is not there')
        return person
      })

      function requireNew(run: Run): void {
        const found = run(query.selectFrom('people').select('upn').where('upn_key', '=', key))
        if (found.length > 0) throw new StsError('person-exists', `there is a person ${found[0]?.upn} already`)
      }
    },
    async setPassword(upn, password) {
      requirePerson(database.read, upn)
      const hash = await hashPassword(password)
      await database.write((run, onCommit) => void within.setPasswordHash({ run, onCommit }, upn, hash))
    },
    async setEnabled(upn, enabled) {
      await database.write((run, onCommit) => void within.setEnabled({ run, onCommit }, upn, enabled))
    },
    async setDelegatable(upn, delegatable) {
      const flag = delegatable ? 1 : 0
      await database.write((run, onCommit) => void change({ run, onCommit }, upn, { delegatable: flag }))
    },
    groups,
    passwordHashOf: (id) => credentialsOf(id)?.hash,
    credentialsOf,
    within,
  }
}

function personOf(row: Selectable<PeopleTable>, groups: string[]): Person {
  return {
    id: row.id,
    upn: row.upn,
    displayName: row.display_name,
    enabled: row.enabled === 1,
    delegatable: row.delegatable === 1,
    groups,
  }
}
