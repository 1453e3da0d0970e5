/** Both clocks, in milliseconds. The monotonic one stands still while a machine sleeps, the other may be set back. */
export type Clock = Readonly<{ now: () => number; monotonicMs: () => number }>

/** A clock that goes back by so much was wrong before, and may have let entries go that have not expired. */
const setBackMs = 1_000

/** Watches a clock that entries leave by. `look` before they do: a clock that is soon set right again would go unnoticed. */
export function watchClock({ now, monotonicMs }: Clock) {
  let aheadOfUptimeMs = -Infinity
  let isSetBack = false
  const look = () => {
    const ahead = now() - monotonicMs()
    isSetBack ||= ahead < aheadOfUptimeMs - setBackMs
    aheadOfUptimeMs = ahead
  }
  return {
    look,
    /** Whether it was set back since this was asked last. */
    wasSetBack(): boolean {
      look()
      const was = isSetBack
      isSetBack = false
      return was
    },
  }
}
