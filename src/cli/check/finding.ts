/** One link of the chain, looked at. */
export interface Finding {
  readonly area: 'configuration' | 'server' | 'name' | 'certificate' | 'keys' | 'metadata' | 'application' | 'kerberos'
  readonly result: 'ok' | 'warning' | 'failed'
  /** What was looked at: a name, a file, an application. */
  readonly subject: string
  /** What was found, and what to do about it. */
  readonly detail: string
}

type Tell = (subject: string, detail: string) => Finding

/** The three results of an area. */
export function findingsOf(area: Finding['area']): Record<Finding['result'], Tell> {
  const tell =
    (result: Finding['result']): Tell =>
    (subject, detail) => ({ area, result, subject, detail })
  return { ok: tell('ok'), warning: tell('warning'), failed: tell('failed') }
}

/** What was at the bottom of an error, in its own words and with its code, on one line. */
export function reasonOf(error: unknown): string {
  let at = error
  for (let depth = 0; depth < 8; depth++) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at instanceof Error ? at.cause : undefined
    if (!(inner instanceof Error)) break
    at = inner
  }
  if (!(at instanceof Error)) return String(at)
  const code = 'code' in at ? String(at.code) : undefined
  const message = at.message === '' ? at.name : at.message
  return code === undefined || message.includes(code) ? message : `${message} (${code})`
}

/** Days from now until then, rounded down. */
export function daysUntil(then: Date, now: Date): number {
  return Math.floor((then.getTime() - now.getTime()) / 86_400_000)
}

/** Runs `work` on each item, so many at a time, and gives the results in the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index]
      if (item !== undefined) results[index] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return results
}
