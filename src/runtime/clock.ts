/**
 * Both clocks, in milliseconds. The monotonic clock stops while a machine sleeps; the wall clock
 * may be set back.
 */
export type Clock = Readonly<{ now: () => number; monotonicMs: () => number }>

/**
 * A wall clock that is set back by more than this was wrong before: entries may have been removed
 * too early.
 */
const setBackMs = 1_000

/**
 * Watches whether the wall clock, by which entries expire, is set back. Call `checkClock` before
 * entries are removed: a clock that is wrong only between two calls goes unnoticed.
 */
export function watchClock({ now, monotonicMs }: Clock) {
  let aheadOfUptimeMs = -Infinity
  let isSetBack = false
  const checkClock = () => {
    const aheadMs = now() - monotonicMs()
    isSetBack ||= aheadMs < aheadOfUptimeMs - setBackMs
    aheadOfUptimeMs = aheadMs
  }
  return {
    checkClock,
    /** Whether the clock was set back since the last call. */
    wasSetBack(): boolean {
      checkClock()
      const was = isSetBack
      isSetBack = false
      return was
    },
  }
}
