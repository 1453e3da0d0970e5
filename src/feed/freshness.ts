import type { Clock } from '../runtime/clock.js'
import { positionOf, type FeedEvent, type Position } from './event.js'

// The freshness check is a read barrier:
// 1. Note the time t0 and the position held. Then ask the source for the position of its last
// event.
// 2. The source reads that position after the request arrived: no revocation that was stored before
// t0 has a later position.
// 3. Apply events until exactly that event is applied. Another epoch never has the same position.
// 4. The live set is then fresh as of t0. Staleness is the time since t0, by the clock on which
// more time has passed. Two clocks that disagree by more than a second make it stale at once.

/** One moment, by both clocks. */
export type Moment = Readonly<{ nowMs: number; monotonicMs: number }>

/** `asking`: the positions applied since t0 are kept, because any of them may be the answer. */
export type Barrier =
  | Readonly<{ mode: 'asking'; askedAt: Moment; applied: Set<Position> }>
  | Readonly<{ mode: 'waiting'; askedAt: Moment; target: Position }>
  | Readonly<{ mode: 'passed'; askedAt: Moment }>

/** Of two clocks that disagree by more than this, one was wrong before or is wrong now. */
export const clocksDisagreeMs = 1_000

/** This moment, or that of `agoMs` before. */
export const momentOf = ({ now, monotonicMs }: Clock, agoMs = 0): Moment => ({
  nowMs: now() - agoMs,
  monotonicMs: monotonicMs() - agoMs,
})

export const openBarrier = (askedAt: Moment, position: Position): Barrier => ({
  mode: 'asking',
  askedAt,
  applied: new Set([position]),
})

/** The source has answered with the position of its last event. */
export function onTarget(barrier: Barrier, target: Position): Barrier {
  if (barrier.mode !== 'asking') return barrier
  const { askedAt, applied } = barrier
  return applied.has(target) ? { mode: 'passed', askedAt } : { mode: 'waiting', askedAt, target }
}

/** The live set is complete up to this position. */
export function onPosition(barrier: Barrier, position: Position): Barrier {
  if (barrier.mode === 'asking') barrier.applied.add(position)
  return barrier.mode === 'waiting' && barrier.target === position
    ? { mode: 'passed', askedAt: barrier.askedAt }
    : barrier
}

/** These events have been applied. */
export function onApplied(barrier: Barrier, events: readonly FeedEvent[]): Barrier {
  let next = barrier
  for (const event of events) next = onPosition(next, positionOf(event))
  return next
}

/**
 * The age of a live set that was fresh as of `provenAt`. It is `Infinity` when the live set never
 * was fresh, and when the clocks disagree: a clock that was set back may make tokens valid again
 * whose entries were removed, and a clock that was set ahead says nothing about the age.
 */
export function stalenessMs(provenAt: Moment | undefined, now: Moment): number {
  if (provenAt === undefined) return Infinity
  const wallMs = now.nowMs - provenAt.nowMs
  const monotonicMs = now.monotonicMs - provenAt.monotonicMs
  return Math.abs(wallMs - monotonicMs) > clocksDisagreeMs
    ? Infinity
    : Math.max(wallMs, monotonicMs)
}
