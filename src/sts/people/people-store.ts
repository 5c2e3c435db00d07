import type { Database } from '../store/database.ts'
import type { Person } from './person.ts'

export interface NewPerson {
  upn: string
  displayName?: string
  password: string
  groups?: readonly string[]
  delegatable?: boolean
}

/** People and their groups. Reads are synchronous, changes are on disk when their promise resolves. */
export interface PeopleStore {
  find(upn: string): Person | undefined
  get(id: string): Person | undefined
  /** In the order of their UPNs; `after` is the UPN to go on from. */
  list(options?: { after?: string; limit?: number }): Person[]
  add(person: NewPerson): Promise<Person>
  /** Changes the password and nothing else; sessions end with it through {@link AccountChanges}. */
  setPassword(upn: string, password: string): Promise<void>
  /** Changes the flag and nothing else; sessions end with it through {@link AccountChanges}. */
  setEnabled(upn: string, enabled: boolean): Promise<void>
  setDelegatable(upn: string, delegatable: boolean): Promise<void>
  readonly groups: PersonGroups
  passwordHashOf(id: string): string | undefined
}

export interface PersonGroups {
  list(): { name: string; members: number }[]
  add(name: string): Promise<void>
  addMember(group: string, upn: string): Promise<void>
  removeMember(group: string, upn: string): Promise<void>
}

export declare function openPeopleStore(options: { database: Database }): PeopleStore
