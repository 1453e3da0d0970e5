import { setTimeout as wait } from 'node:timers/promises'

/**
 * Counts requests and time, and ends the work at either limit.
 *
 * @throws (both functions) Error at a limit, or when `closing` is aborted
 */
export function createEffort(
  { maxRequests, maxMs }: Readonly<{ maxRequests: number; maxMs: number }>,
  closing: AbortSignal,
) {
  const startMs = performance.now()
  const elapsedMs = () => performance.now() - startMs
  let requests = 0
  const check = (furtherMs = 0): void => {
    closing.throwIfAborted()
    if (elapsedMs() + furtherMs > maxMs)
      throw new Error(`the limit of ${maxMs / 1000} s is reached (limits.seconds)`)
  }
  return {
    countRequest(): void {
      check()
      if (requests >= maxRequests)
        throw new Error(`the limit of ${maxRequests} requests is reached (limits.requests)`)
      requests += 1
    },
    async pause(ms: number): Promise<void> {
      check(ms)
      await wait(ms, undefined, { signal: closing })
    },
    spent: () => ({ requests, ms: Math.round(elapsedMs()) }),
  }
}

export type Effort = ReturnType<typeof createEffort>
