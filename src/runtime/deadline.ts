export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
  }
}

/**
 * Waits for `work` for `ms` at most. The work goes on after that: a command to a stopped Redis may
 * still run later, which does no harm to a set that only grows.
 *
 * @throws DeadlinePassed when the time is up; otherwise what `work` throws
 */
export function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlinePassed(ms)), ms)
    work.then(
      (result) => {
        clearTimeout(timer)
        resolve(result)
      },
      (error: Error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
