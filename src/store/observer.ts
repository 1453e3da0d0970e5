import type { StoreCommand } from '../telemetry/metrics.js'

/** Called after every command, with its duration in seconds and whether it failed. */
export type StoreObserver = (command: StoreCommand, seconds: number, failed: boolean) => void

/** Reports a command to the observer when it ends. */
export function observed<T>(
  observe: StoreObserver,
  command: StoreCommand,
  work: Promise<T>,
  hasFailed: (result: T) => boolean = () => false,
): Promise<T> {
  const begunAt = performance.now()
  const report = (failed: boolean) => observe(command, (performance.now() - begunAt) / 1000, failed)
  work.then(
    (result) => report(hasFailed(result)),
    () => report(true),
  )
  return work
}
