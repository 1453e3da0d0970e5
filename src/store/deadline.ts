/**
 * Waits for `work` for `ms` at most. What was asked for is not undone: a command sent to a Redis that has stopped may still run
 * later, which a set that only grows can bear.
 *
 * @throws Error when the time is up; else what `work` throws
 */
export async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, expiry])
  } finally {
    clearTimeout(timer)
  }
}
