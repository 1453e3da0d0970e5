import { until } from './processes.js'

/** For `STORE_TIMEOUT_MS`: a deadline that no test waits for. No other timer has this length. */
export const heldDeadlineMs = 59_999

type Held = { endMs: number; fire: () => void }

/**
 * Until `restore()`, the test moves the time of timers of `heldDeadlineMs`. So a busy machine neither
 * ends a deadline early nor makes an answer late.
 */
export function holdDeadlines() {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout }
  const held = new Map<unknown, Held>()
  let movedMs = 0
  let changes = 0

  const hold = (fire: () => void) => {
    // A real timer stands for the held one, so that `clearTimeout` and `unref` work on it.
    const timer = real.setTimeout(() => undefined, 2 ** 30).unref()
    held.set(timer, { endMs: movedMs + heldDeadlineMs, fire })
    changes += 1
    return timer
  }
  const patched = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    ms === heldDeadlineMs ? hold(() => callback(...args)) : real.setTimeout(callback, ms, ...args)
  globalThis.setTimeout = Object.assign(patched, real.setTimeout)
  globalThis.clearTimeout = (timer) => {
    if (held.delete(timer)) changes += 1
    real.clearTimeout(timer)
  }

  const moveTo = (ms: number) => {
    movedMs = ms
    for (const [timer, { endMs, fire }] of [...held]) {
      if (endMs > movedMs) continue
      globalThis.clearTimeout(timer as NodeJS.Timeout)
      fire()
    }
  }
  /** Returns when no deadline has begun or ended for a while: then all work waits for time. */
  const quiet = async (isOver: () => boolean) => {
    for (let before = -1; before !== changes && !isOver();) {
      before = changes
      await new Promise((resolve) => real.setTimeout(resolve, 30))
    }
  }
  return {
    /** Moves time from one deadline to the next until `work` settles, and counts the deadlines. */
    async during<T>(work: Promise<T>): Promise<{ value: T; deadlines: number }> {
      const startedMs = movedMs
      let isOver = false
      const settled = work.finally(() => (isOver = true))
      settled.catch(() => undefined)
      while (!isOver) {
        await until('a deadline runs', () => isOver || held.size > 0)
        await quiet(() => isOver)
        if (!isOver && held.size > 0)
          moveTo(Math.min(...[...held.values()].map(({ endMs }) => endMs)))
      }
      return { value: await settled, deadlines: (movedMs - startedMs) / heldDeadlineMs }
    },
    restore() {
      Object.assign(globalThis, real)
      for (const timer of held.keys()) real.clearTimeout(timer as NodeJS.Timeout)
    },
  }
}

export type Deadlines = ReturnType<typeof holdDeadlines>
