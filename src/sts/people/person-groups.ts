import { randomUUID } from 'node:crypto'
import type { Database } from '../store/database.ts'
import type { Run } from '../store/transaction.ts'
import { StsError, type StsErrorCode } from '../sts-error.ts'
import { parseUpn, upnKey } from './user-principal-name.ts'

/** Groups of people; names are compared without regard to case. */
export interface PersonGroups {
  /** Sorted by name. */
  list(): { name: string; members: number }[]
  /** @throws {StsError} `invalid-group`, `group-exists` */
  add(name: string): Promise<void>
  /** Does nothing when the person is a member already. @throws {StsError} `group-unknown`, `person-unknown` */
  addMember(group: string, upn: string): Promise<void>
  /** Does nothing when the person is no member. @throws {StsError} `group-unknown`, `person-unknown` */
  removeMember(group: string, upn: string): Promise<void>
  /** As part of a transaction of the caller's. */
  readonly within: { addMember(run: Run, group: string, personId: string): void }
}

/**
 * Opens the groups of a database.
 * @param parts.changed called when a change is on disk.
 */
export function openPersonGroups({ database, changed }: { database: Database; changed: () => void }): PersonGroups {
  const { query } = database

  function groupId(run: Run, name: string): string {
    const [row] = run(query.selectFrom('groups').select('id').where('name_key', '=', groupKey(name)))
    if (row === undefined) throw new StsError('group-unknown', `there is no group ${JSON.stringify(name)}`)
    return row.id
  }

  function personId(run: Run, upn: string): string {
    const name = parseUpn(upn)
    const [row] = run(
      query
        .selectFrom('people')
        .select('id')
        .where('upn_key', '=', name === undefined ? '' : upnKey(name)),
    )
    if (row === undefined) throw new StsError('person-unknown', `there is no person ${JSON.stringify(upn)}`)
    return row.id
  }

  function insertMember(run: Run, group: string, person: string): void {
    const row = { group_id: groupId(run, group), person_id: person }
    run(
      query
        .insertInto('group_members')
        .values(row)
        .onConflict((conflict) => conflict.doNothing()),
    )
  }

  return {
    list: () =>
      database
        .read(
          query
            .selectFrom('groups')
            .leftJoin('group_members', 'group_members.group_id', 'groups.id')
            .select(({ fn }) => ['groups.name', fn.count<number>('group_members.person_id').as('members')])
            .groupBy(['groups.id', 'groups.name', 'groups.name_key'])
            .orderBy('groups.name_key'),
        )
        .map(({ name, members }) => ({ name, members })),
    async add(name) {
      const row = {
        id: randomUUID(),
        name: requireName('invalid-group', 'a group name', name),
        name_key: groupKey(name),
      }
      await database.write((run, onCommit) => {
        const added = run(
          query
            .insertInto('groups')
            .values(row)
            .onConflict((conflict) => conflict.doNothing())
            .returning('id'),
        )
        if (added.length === 0) throw new StsError('group-exists', `there is a group ${JSON.stringify(name)} already`)
        onCommit(changed)
      })
    },
    async addMember(group, upn) {
      await database.write((run, onCommit) => {
        insertMember(run, group, personId(run, upn))
        onCommit(changed)
      })
    },
    async removeMember(group, upn) {
      await database.write((run, onCommit) => {
        const remove = query.deleteFrom('group_members').where('group_id', '=', groupId(run, group))
        run(remove.where('person_id', '=', personId(run, upn)))
        onCommit(changed)
      })
    },
    within: { addMember: insertMember },
  }
}

function groupKey(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC')
}

/** @throws {StsError} `code`, for a name that is empty, over 256 characters, or has control characters or edge blanks. */
export function requireName(code: StsErrorCode, what: string, name: string): string {
  const plain = name.length > 0 && name.length <= 256 && name.isWellFormed() && name.trim() === name
  if (plain && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) return name.normalize('NFC')
  throw new StsError(code, `${what} has 1 to 256 characters, no control characters and no blanks at its ends`)
}
