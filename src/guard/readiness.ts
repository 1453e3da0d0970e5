import { createWaiters } from '../runtime/waiters.js'

/** How long a caller of `ready` still waits, and how long it waits in all. */
export type Patience = Readonly<{ leftMs: () => number; inAllMs: () => number }>

/** By default a caller waits so long after its call, or after the last part of a snapshot. */
const idleMs = 10_000
/** A snapshot of six million revocations takes this long at the slowest rate of the service. */
const longestMs = 600_000

/** The callers that wait until a guard is fresh. */
export function createReadiness(isFresh: () => boolean) {
  const waiters = createWaiters()
  let trouble: Error | undefined
  let isClosed = false
  let partAtMs = -Infinity
  return {
    /** @param withinMs exact; without it the time grows while parts of a snapshot arrive */
    patience(withinMs?: number): Patience {
      const startedMs = performance.now()
      const inAllMs = () =>
        withinMs ?? Math.min(longestMs, Math.max(0, Math.ceil(partAtMs - startedMs)) + idleMs)
      return {
        leftMs: () => Math.max(0, Math.ceil(startedMs + inAllMs() - performance.now())),
        inAllMs,
      }
    },
    /** @throws Error with the last trouble when the time is over, or the error of `fail` */
    async fresh({ leftMs, inAllMs }: Patience): Promise<void> {
      if (isClosed) throw closed()
      if (!isFresh()) await waiters.wait(leftMs, () => notReady(inAllMs(), trouble))
    },
    /** A part of a snapshot has arrived. */
    onPart: () => void (partAtMs = performance.now()),
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
