import { createDeferred, type Deferred } from './deferred.js'

const longestTimerMs = 2 ** 31 - 1

/** Callers that wait for the same event, each with a deadline of its own. */
export function createWaiters() {
  const waiting = new Set<Deferred<void>>()
  return {
    /**
     * @param leftMs how long to wait from now; asked again when that time is over
     * @throws Error the error that `late` makes once no time is left, or the error given to `fail`
     */
    async wait(leftMs: () => number, late: () => Error): Promise<void> {
      const waiter = createDeferred<void>()
      const startTimer = () => setTimeout(onTimeout, Math.min(leftMs(), longestTimerMs))
      const onTimeout = () => {
        if (leftMs() > 0) timer = startTimer()
        else waiter.reject(late())
      }
      let timer = startTimer()
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
