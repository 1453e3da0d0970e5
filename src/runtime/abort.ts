/**
 * Waits for `work` until the signal is aborted; `work` itself goes on. The listener is removed when
 * `work` ends, so that a long-lived signal keeps nothing in memory.
 *
 * @throws the reason of the signal; else what `work` throws
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    const done = () => signal.removeEventListener('abort', abort)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    work.then(resolve, reject).finally(done)
  })
}

/** Runs `work` with a controller that is aborted when `closing` is. */
export async function withController<T>(
  closing: AbortSignal | undefined,
  work: (controller: AbortController) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const abort = () => controller.abort(closing?.reason)
  closing?.addEventListener('abort', abort)
  if (closing?.aborted === true) abort()
  try {
    return await work(controller)
  } finally {
    closing?.removeEventListener('abort', abort)
  }
}
