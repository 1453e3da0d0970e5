import { createDeferred, type Deferred } from './deferred.js'

const longestTimerMs = 2 ** 31 - 1

/** Callers that wait for the same event, each with a deadline of its own. */
export function createWaiters() {
  const waiting = new Set<Deferred<void>>()
  return {
    /** @throws Error the error that `late` makes after `ms`, or the error given to `fail` */
    async wait(ms: number, late: () => Error): Promise<void> {
      const waiter = createDeferred<void>()
      const onTimeout = () => waiter.reject(late())
      const timer = setTimeout(onTimeout, Math.min(ms, longestTimerMs))
      waiting.add(waiter)
      try {
        await waiter.promise
      } finally {
        clearTimeout(timer)
        waiting.delete(waiter)
      }
    },
    /** The event has come. */
    succeed: () => waiting.forEach(({ resolve }) => resolve()),
    /** The event cannot come. */
    fail: (error: Error) => waiting.forEach(({ reject }) => reject(error)),
  }
}
