import type { Clock } from '../runtime/clock.js'
import { withDeadlineSignal } from '../runtime/http-client.js'
import type { FeedEvent, Position } from './event.js'
import type { FeedSource } from './feed-source.js'
import {
  momentOf,
  onApplied,
  onPosition,
  onTarget,
  openBarrier,
  type Barrier,
  type Moment,
} from './freshness.js'

/** The feed has not sent the event that it named as its last one. */
export class LaggingFeed extends Error {
  override readonly name = 'LaggingFeed'
  constructor() {
    super('the feed lags behind its position')
  }
}

/** The freshness check of `freshness.ts` that is under way, without waiting: one at a time. */
export type ReadBarrier = ReturnType<typeof createReadBarrier>

export function createReadBarrier(clock: Clock) {
  let barrier: Barrier | undefined
  let wake: () => void = () => undefined
  const hasPassed = () => barrier?.mode === 'passed'
  const move = (next: Barrier) => {
    barrier = next
    if (hasPassed()) wake()
  }
  const isCurrent = (askedAt: Moment) => barrier?.askedAt === askedAt
  return {
    /** Begins a check. @returns the moment of asking; `undefined` while a check is under way */
    open(position: Position): Moment | undefined {
      if (barrier !== undefined) return undefined
      const askedAt = momentOf(clock)
      barrier = openBarrier(askedAt, position)
      return askedAt
    },
    /** Whether the check of this moment was neither cancelled nor ended. */
    isCurrent,
    /** @returns `false` when the check is not under way any more */
    answered(askedAt: Moment, target: Position): boolean {
      if (barrier === undefined || !isCurrent(askedAt)) return false
      move(onTarget(barrier, target))
      return true
    },
    hasPassed,
    /** Calls `onPassed` when the check passes or is cancelled. */
    whenPassed(onPassed: () => void) {
      wake = onPassed
      if (hasPassed()) wake()
    },
    applied(events: readonly FeedEvent[]) {
      if (barrier !== undefined) move(onApplied(barrier, events))
    },
    reached(position: Position) {
      if (barrier !== undefined) move(onPosition(barrier, position))
    },
    close(askedAt: Moment) {
      if (isCurrent(askedAt)) barrier = undefined
    },
    /** Cancels the running check: its result would not hold any more. */
    cancel() {
      barrier = undefined
      wake()
    },
  }
}

export type ReadBarrierParts = {
  barrier: ReadBarrier
  source: Pick<FeedSource, 'tail'>
  withinMs: number
  onPassed: (askedAt: Moment) => void
  onTrouble: (error: unknown) => void
}

/** Runs a check from its beginning to its end, unless one is under way. */
export async function runReadBarrier(
  { barrier, source, withinMs, onPassed, onTrouble }: ReadBarrierParts,
  position: Position,
  closing: AbortSignal,
): Promise<void> {
  const askedAt = barrier.open(position)
  if (askedAt === undefined) return
  try {
    await withDeadlineSignal(withinMs, closing, async ({ signal }) => {
      const target = await source.tail(signal)
      if (barrier.answered(askedAt, target)) await passed(barrier, signal)
    })
    if (barrier.isCurrent(askedAt)) onPassed(askedAt)
  } catch (error) {
    if (barrier.isCurrent(askedAt)) onTrouble(error)
  } finally {
    barrier.close(askedAt)
  }
}

const passed = (barrier: ReadBarrier, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new LaggingFeed()))
    barrier.whenPassed(resolve)
  })
