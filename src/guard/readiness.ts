import { createWaiters } from '../runtime/waiters.js'

/** The callers that wait until a guard is fresh. */
export function createReadiness() {
  const waiters = createWaiters()
  let trouble: Error | undefined
  return {
    /** @throws Error with the last trouble after `ms`, or the error of `fail` */
    wait: (ms: number): Promise<void> => waiters.wait(ms, () => notReady(ms, trouble)),
    /** The guard is fresh. */
    succeed() {
      trouble = undefined
      waiters.succeed()
    },
    /** Something went wrong that a later attempt may cure. */
    note: (error: Error) => void (trouble = error),
    /** Waiting is in vain. */
    fail: waiters.fail,
  }
}

const notReady = (ms: number, trouble: Error | undefined) =>
  new Error(`the guard is not ready within ${ms} ms${trouble ? `: ${trouble.message}` : ''}`, {
    cause: trouble,
  })
