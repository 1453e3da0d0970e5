/**
 * The name that is most like a misspelt one; `undefined` when none is near: a third of the letters
 * may differ, and always one. Case, hyphens and underscores do not count.
 */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const wanted = plain(given)
  const distances = names.map((name) => distance(wanted, plain(name)))
  const least = Math.min(...distances)
  const index = distances.indexOf(least)
  const most = Math.max(1, Math.floor(wanted.length / 3))
  const isNear = least <= most && least < (names[index] ?? '').length
  return isNear ? names[index] : undefined
}

const plain = (name: string) => name.toLowerCase().replace(/[-_]/g, '')

/**
 * How many characters have to be inserted, deleted or replaced, or swapped with the next one
 * (optimal string alignment).
 */
function distance(one: string, other: string): number {
  let before: number[] = []
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let at = 0; at < one.length; at += 1) {
    const next = [at + 1]
    for (let index = 0; index < other.length; index += 1) {
      const isSwapped = one[at] === other[index - 1] && one[at - 1] === other[index]
      next.push(
        Math.min(
          (row[index] ?? 0) + (one[at] === other[index] ? 0 : 1),
          (row[index + 1] ?? 0) + 1,
          (next[index] ?? 0) + 1,
          isSwapped ? (before[index - 1] ?? 0) + 1 : Infinity,
        ),
      )
    }
    before = row
    row = next
  }
  return row.at(-1) ?? 0
}
