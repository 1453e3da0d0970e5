import { DeadlinePassed } from './deadline.js'

/**
 * Runs at most `most` pieces of work at a time. The others wait for their turn, first come, first
 * served.
 *
 * @param withinMs (of the function) work whose turn comes later is not done: its caller has gone
 * @throws (the function) DeadlinePassed, and what the work throws
 */
export function createTurns(
  most: number,
): <T>(work: () => Promise<T>, withinMs: number) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work, withinMs) => {
    const calledAtMs = performance.now()
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      if (performance.now() - calledAtMs > withinMs) throw new DeadlinePassed(withinMs)
      return await work()
    } finally {
      // The turn goes to the next in line, so that work that arrives now cannot overtake it.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
