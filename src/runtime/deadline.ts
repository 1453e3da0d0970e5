/**
 * Waits for `work` for `ms` at most. What was asked for is not undone: a command sent to a Redis that has stopped may still run
 * later, which a set that only grows can bear.
 *
 * @throws Error when the time is up; else what `work` throws
 */
export function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
    const settled = (settle: (value: never) => void) => (value: unknown) => {
      clearTimeout(timer)
      settle(value as never)
    }
    work.then(settled(resolve), settled(reject))
  })
}
