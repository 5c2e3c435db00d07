/**
 * The known word that was probably meant.
 * @param word what was written.
 * @param known what could have been written.
 * @returns the nearest one, without regard to case, at most a third of its letters away; undefined when none is near.
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  // A word longer than any of ours is not a slip of the finger, and the distance costs length times length.
  if (word.length > 64) return undefined
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '')
  let best: { word: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(plain(word), plain(candidate))
    if (best === undefined || distance < best.distance) best = { word: candidate, distance }
  }
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : undefined
}

// Insertions, deletions, replacements and neighbours swapped (optimal string alignment).
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
