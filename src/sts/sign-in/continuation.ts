/**
 * Where a sign-in leads: a request of this server that goes on by itself once somebody is signed in. The sign-in knows
 * nothing else of it; the form is posted to the request's own address and judged there afresh, so nothing is kept
 * between showing the form and reading it.
 */
export interface Continuation {
  /** Path and query on this server that the form is posted to. */
  readonly address: string
  /** What the page says that the person signs in to; the person's own page unless given. */
  readonly application?: { readonly name: string; readonly host: string }
  /** The origin that the round trip ends at, for `form-action`. */
  readonly endsAt?: string
}
