import type { Logger } from 'pino'
import { ClockDiffers } from '../../revocation/store-errors.js'
import { createHourly } from '../../runtime/hourly.js'

/** The first word of the error by which a script refuses a caller whose clock is not its own. */
export const clockWord = 'CLOCK'

/**
 * Compares the clock of this instance with that of Redis. Expiries and cutoffs come from the first,
 * and Redis removes keys by the second: where they differ, either a revocation ends before its
 * token, or a logout everywhere leaves out tokens.
 */
export type ClockCheck = Readonly<{
  now: () => number
  /** How far the clocks may differ, in milliseconds. */
  toleranceMs: number
  /**
   * @param aheadMs how far the clock of this instance is ahead, from a time that was noted before
   * Redis was asked
   * @throws ClockDiffers beyond the tolerance
   */
  check(aheadMs: number): void
}>

type Parts = Readonly<{
  now: () => number
  toleranceMs: number
  log: Pick<Logger, 'error' | 'warn' | 'info'>
}>

/** Logs each change, and warns once an hour from half of the tolerance. */
export function createClockCheck({ now, toleranceMs, log }: Parts): ClockCheck {
  const isDue = createHourly(now)
  let hasDiffered = false
  return {
    now,
    toleranceMs,
    check(aheadMs) {
      const aheadS = Math.round(aheadMs / 1000)
      const before = hasDiffered
      hasDiffered = Math.abs(aheadMs) > toleranceMs
      if (hasDiffered) {
        if (!before)
          log.error(
            { aheadS },
            'the clock is not that of Redis: check NTP on both hosts; until they agree this instance answers 503, and 500 at logout',
          )
        throw new ClockDiffers(aheadMs)
      }
      if (before) log.info('the clock is that of Redis again')
      else if (Math.abs(aheadMs) > toleranceMs / 2 && isDue('clock'))
        log.warn({ aheadS }, 'the clock drifts from that of Redis')
    },
  }
}

/** The milliseconds since 1970 of a reply to `TIME`. */
export const msOfTime = ([seconds, microseconds]: readonly string[]): number =>
  Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
