/** One step of a person's way into an application, looked at. */
export interface EntryStep {
  readonly step: string
  /** `skipped`: a step before it failed, so it was not tried. */
  readonly result: 'ok' | 'warning' | 'failed' | 'skipped'
  /** What was found, and what mends it. */
  readonly detail: string
}

export const ok = (step: string, detail: string): EntryStep => ({ step, result: 'ok', detail })
export const warning = (step: string, detail: string): EntryStep => ({ step, result: 'warning', detail })
export const failed = (step: string, detail: string): EntryStep => ({ step, result: 'failed', detail })
export const skipped = (step: string, detail: string): EntryStep => ({ step, result: 'skipped', detail })

export const hasFailed = (steps: readonly EntryStep[]) => steps.some(({ result }) => result === 'failed')
