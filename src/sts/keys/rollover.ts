// Signing keys roll over by date, so that nobody has to remember it:
//
//   day 0                                  345       350                365
//   |---- first key signs ------------------|---------|
//                             its successor |published|---- signs ------------
//                                                     | first key published, but signing no more, for 25 h
//
// Whoever reads the keys at least every five days never meets a token that it cannot check.

const day = 86_400_000

/** How long a signing certificate is valid, in milliseconds. */
export const certificateLifetime = 365 * day
/** How long before the end of the current certificate the next one is published. */
export const publishedBeforeEnd = 20 * day
/** How long the next key is published before it signs. */
export const publishedBeforeSigning = 5 * day
/** How long an old key stays published: the longest life of a token (24 h), and room for clocks and for the last issue. */
export const publishedAfterSigning = day + 3_600_000

export type SigningKeyState = 'current' | 'next' | 'old'

/** What the decision needs to know of a key. */
export interface RolloverKey {
  id: string
  state: SigningKeyState
  signsFrom: Date
  notAfter: Date
  retiredAt?: Date | undefined
}

export type RolloverStep =
  | { kind: 'create'; state: 'current' | 'next'; signsFrom: Date }
  /** The next key becomes the current one, and what was current becomes old. */
  | { kind: 'promote'; id: string }
  | { kind: 'remove'; id: string }

/**
 * What has to be done with these keys at this instant. Pure; when the steps have been taken, asking again gives none.
 * A server that was off for a while catches up: a current certificate that has ended is replaced at once.
 */
export function rolloverSteps(keys: readonly RolloverKey[], now: Date): RolloverStep[] {
  const current = keys.find(({ state }) => state === 'current')
  const hasEnded = ({ notAfter }: RolloverKey) => notAfter <= now
  const next = keys.find((key) => key.state === 'next' && !hasEnded(key))
  const steps: RolloverStep[] = keys
    .filter((key) => isDead(key, now) || (key.state === 'next' && key !== next))
    .map(({ id }) => ({ kind: 'remove', id }))

  if (next !== undefined && (current === undefined || hasEnded(current) || next.signsFrom <= now)) {
    return [...steps, { kind: 'promote', id: next.id }]
  }
  if (current === undefined || hasEnded(current))
    return [...steps, { kind: 'create', state: 'current', signsFrom: now }]
  if (next === undefined && current.notAfter.getTime() - now.getTime() <= publishedBeforeEnd) {
    return [...steps, { kind: 'create', state: 'next', signsFrom: signsFrom(current, now) }]
  }
  return steps
}

/** When a key that is published now may sign: five days later, or earlier when the current certificate ends before that. */
export function signsFrom(current: Pick<RolloverKey, 'notAfter'>, now: Date): Date {
  return new Date(Math.min(now.getTime() + publishedBeforeSigning, current.notAfter.getTime()))
}

function isDead({ state, retiredAt }: RolloverKey, now: Date): boolean {
  return state === 'old' && (retiredAt === undefined || now.getTime() - retiredAt.getTime() >= publishedAfterSigning)
}
