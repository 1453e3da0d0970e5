/**
 * The name that is most like a misspelt one; `undefined` when none is near. Case, hyphens and
 * underscores do not count.
 */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const wanted = plain(given)
  const distances = names.map((name) => distance(wanted, plain(name)))
  const least = Math.min(...distances)
  return least <= Math.floor(wanted.length / 3) ? names[distances.indexOf(least)] : undefined
}

const plain = (name: string) => name.toLowerCase().replace(/[-_]/g, '')

/** How many characters have to be inserted, deleted or replaced (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1]
    for (const [index, otherLetter] of [...other].entries())
      next.push(
        Math.min(
          (row[index] ?? 0) + (letter === otherLetter ? 0 : 1),
          (row[index + 1] ?? 0) + 1,
          (next[index] ?? 0) + 1,
        ),
      )
    row = next
  }
  return row.at(-1) ?? 0
}
