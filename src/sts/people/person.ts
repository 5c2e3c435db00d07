/** Somebody who signs in with a password of ours. */
export interface Person {
  readonly id: string
  /** User principal name as it was given; compared without regard to case. */
  readonly upn: string
  readonly displayName: string
  readonly enabled: boolean
  /** False: no backend is ever reached in this person's name by Kerberos delegation. */
  readonly delegatable: boolean
  /** Names of the groups, sorted. */
  readonly groups: readonly string[]
}
