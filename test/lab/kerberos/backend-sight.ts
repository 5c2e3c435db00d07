/** What a Kerberos backend says to a Negotiate value. */
export interface BackendSight {
  readonly status: number
  /** Whom it saw, or undefined where it refused. */
  readonly user: string | undefined
  /** What stands behind `Negotiate ` in its WWW-Authenticate. */
  readonly answer: string | undefined
}

/** Sends one request with a Negotiate value, or without one. */
export async function seenByBackend(url: string, value?: string): Promise<BackendSight> {
  const response = await fetch(url, { headers: value === undefined ? {} : { authorization: `Negotiate ${value}` } })
  await response.arrayBuffer()
  const answer = /^Negotiate (.+)$/.exec(response.headers.get('www-authenticate') ?? '')?.[1]
  const user = response.headers.get('x-remote-user') ?? undefined
  return { status: response.status, user: user === '' ? undefined : user, answer }
}
