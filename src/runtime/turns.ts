/** Runs at most so many works at a time; the others wait for their turn, in the order in which they came. */
export function createTurns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      // A turn is handed on, so that a newcomer cannot come between.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
