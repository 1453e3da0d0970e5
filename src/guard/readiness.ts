import { createWaiters } from '../runtime/waiters.js'

/** The callers that wait until a guard is fresh. */
export function createReadiness(isFresh: () => boolean) {
  const waiters = createWaiters()
  let trouble: Error | undefined
  let isClosed = false
  return {
    /** @throws Error with the last trouble after `ms`, or the error of `fail` */
    async fresh(ms: number): Promise<void> {
      if (isClosed) throw closed()
      if (!isFresh()) await waiters.wait(ms, () => notReady(ms, trouble))
    },
    /** The guard is fresh. */
    succeed() {
      trouble = undefined
      waiters.succeed()
    },
    /** Something went wrong that a later attempt may cure. */
    note: (error: Error) => void (trouble = error),
    /** Waiting is in vain. */
    fail: waiters.fail,
    /** The guard is closed, and never fresh again. */
    close() {
      isClosed = true
      waiters.fail(closed())
    },
  }
}

const closed = () => new Error('the guard was closed')

const notReady = (ms: number, trouble: Error | undefined) =>
  new Error(`the guard is not ready within ${ms} ms${trouble ? `: ${trouble.message}` : ''}`, {
    cause: trouble,
  })
