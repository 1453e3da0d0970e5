type Waiting = { resolve: () => void; reject: (error: Error) => void }

const longestTimerMs = 2 ** 31 - 1

/** Requests to wait until a guard is fresh. */
export function createReadiness() {
  const waiting = new Set<Waiting>()
  let trouble: Error | undefined
  const late = (ms: number) =>
    new Error(`the guard is not ready within ${ms} ms${trouble ? `: ${trouble.message}` : ''}`, {
      cause: trouble,
    })
  return {
    /** @throws Error with the last trouble after `ms`, or the error of `fail` */
    wait(ms: number): Promise<void> {
      return new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          clearTimeout(timer)
          waiting.delete(one)
          settle()
        }
        const one: Waiting = {
          resolve: () => end(resolve),
          reject: (error) => end(() => reject(error)),
        }
        const timer = setTimeout(() => one.reject(late(ms)), Math.min(ms, longestTimerMs))
        waiting.add(one)
      })
    },
    /** The guard is fresh. */
    succeed() {
      trouble = undefined
      waiting.forEach(({ resolve }) => resolve())
    },
    /** Something went wrong that a later attempt may cure. */
    note: (error: Error) => void (trouble = error),
    /** Waiting is in vain. */
    fail: (error: Error) => waiting.forEach(({ reject }) => reject(error)),
  }
}
