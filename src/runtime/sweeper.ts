const sweepEveryMs = 1_000
const sweptAtOnce = 20_000

/**
 * Lets what has expired leave a set, some at a time, so that a large one never holds up a request.
 *
 * @returns stops it
 */
export function startSweeper(sweep: (budget: number) => void): () => void {
  const timer = setInterval(() => sweep(sweptAtOnce), sweepEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}
