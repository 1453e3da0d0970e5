const sweepEveryMs = 1_000
const entriesPerSweep = 20_000

/**
 * Removes expired entries from a set once a second.
 *
 * @param sweep looks at `budget` entries at most, so that a large set does not hold up requests
 * @returns a function that stops the sweeper
 */
export function startSweeper(sweep: (budget: number) => void): () => void {
  const timer = setInterval(() => sweep(entriesPerSweep), sweepEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}
