/**
 * Both clocks, in milliseconds. The monotonic clock stops while a machine sleeps; the wall clock
 * may be set back.
 */
export type Clock = Readonly<{ now: () => number; monotonicMs: () => number }>

/** A clock of the process itself, with a wall clock that a test may move. */
export const clockOf = (now: () => number): Clock => ({
  now,
  monotonicMs: () => performance.now(),
})

/**
 * A wall clock that is set back by more than this was wrong before: entries may have been removed
 * too early.
 */
export const setBackMs = 1_000

/**
 * Watches whether the wall clock, by which entries expire, is set back, at once or little by little.
 * Call `checkClock` before entries are removed: a clock that is wrong only between two calls goes
 * unnoticed.
 */
export function watchClock({ now, monotonicMs }: Clock) {
  let furthestAheadMs = -Infinity
  let isSetBack = false
  const checkClock = () => {
    const aheadMs = now() - monotonicMs()
    isSetBack ||= aheadMs < furthestAheadMs - setBackMs
    furthestAheadMs = isSetBack ? aheadMs : Math.max(furthestAheadMs, aheadMs)
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

/** A wall clock that was set ahead is believed after this time, at the latest after twice of it. */
const believedAfterMs = 3_600_000

/**
 * A time that is never later than the wall clock, and that does not jump ahead with it: what has
 * expired by this time has expired by the monotonic clock, too. The time follows a wall clock that
 * is ahead all the while for one to two hours, as after a sleep of the machine.
 */
export function cautiousTime({ now, monotonicMs }: Clock): () => number {
  let sinceMs = monotonicMs()
  let believedAheadMs = now() - sinceMs
  let leastAheadMs = believedAheadMs
  return () => {
    const elapsedMs = monotonicMs()
    const aheadMs = now() - elapsedMs
    believedAheadMs = Math.min(believedAheadMs, aheadMs)
    leastAheadMs = Math.min(leastAheadMs, aheadMs)
    if (elapsedMs - sinceMs >= believedAfterMs) {
      believedAheadMs = leastAheadMs
      leastAheadMs = aheadMs
      sinceMs = elapsedMs
    }
    return elapsedMs + believedAheadMs
  }
}
