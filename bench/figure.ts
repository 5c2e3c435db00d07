/** One measured figure: ours or a peer's, with the ratio to its limit where the limit ran in the same process or run. */
export interface Figure {
  /** What was measured, for people: 'verify a fresh RS256 edge token'. */
  work: string
  /** Who did it: 'gatehouse', 'fast-jwt', 'bare crypto.verify' … */
  by: string
  /** The median over the rounds. */
  value: number
  unit: '/s' | 'ms' | 's' | 'MB' | 'ratio'
  /** Median of the ratios round by round to the limit (1.00), where there is one. */
  ratio?: number
  /** What the figure has to reach, in words: '>= 0.75 of bare crypto.verify'. */
  target?: string
  /** Whether it does; absent for peers and limits. */
  reached?: boolean
}

/** The median of some numbers; of an even count, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Prints figures as a table, one block per work, in the order they came. */
export function printFigures(figures: readonly Figure[]): void {
  let work = ''
  for (const figure of figures) {
    if (figure.work !== work) {
      work = figure.work
      console.log(`\n${work}`)
    }
    const value = figure.unit === 'ratio' ? figure.value.toFixed(2) : `${group(figure.value)} ${figure.unit}`
    const ratio = figure.ratio === undefined ? '' : figure.ratio.toFixed(2)
    const verdict =
      figure.target === undefined ? '' : `${figure.reached ? 'reached' : 'NOT REACHED'} (${figure.target})`
    console.log(`  ${figure.by.padEnd(34)} ${value.padStart(16)}  ${ratio.padStart(6)}  ${verdict}`.trimEnd())
  }
}

function group(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)
}
