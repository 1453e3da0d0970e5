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
}

export type ReadBarrierParts = {
  source: Pick<FeedSource, 'tail'>
  clock: Clock
  withinMs: number
  onPassed: (askedAt: Moment) => void
  onTrouble: (error: unknown) => void
}

/** Runs the freshness check of `freshness.ts`, one at a time. */
export function createReadBarrier(parts: ReadBarrierParts) {
  let barrier: Barrier | undefined
  let wake: () => void = () => undefined
  const move = (next: Barrier) => {
    barrier = next
    if (next.mode === 'passed') wake()
  }
  const passed = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      wake = resolve
      const late = () => reject(new LaggingFeed('the feed lags behind its position'))
      signal.addEventListener('abort', late)
      if (barrier?.mode === 'passed') resolve()
    })
  const run = async (askedAt: Moment, signal: AbortSignal) => {
    const target = await parts.source.tail(signal)
    // This check was cancelled, or another check has begun.
    if (barrier?.askedAt !== askedAt) return
    move(onTarget(barrier, target))
    await passed(signal)
  }
  return {
    /** Begins a check, unless one is under way. */
    async begin(position: Position, closing: AbortSignal): Promise<void> {
      if (barrier !== undefined) return
      const askedAt = momentOf(parts.clock)
      barrier = openBarrier(askedAt, position)
      const isCurrent = () => barrier?.askedAt === askedAt
      try {
        await withDeadlineSignal(parts.withinMs, closing, ({ signal }) => run(askedAt, signal))
        if (isCurrent()) parts.onPassed(askedAt)
      } catch (error) {
        if (isCurrent()) parts.onTrouble(error)
      } finally {
        if (isCurrent()) barrier = undefined
      }
    },
    applied(events: readonly FeedEvent[]) {
      if (barrier !== undefined) move(onApplied(barrier, events))
    },
    reached(position: Position) {
      if (barrier !== undefined) move(onPosition(barrier, position))
    },
    /** Cancels the running check: its result would not hold any more. */
    cancel() {
      barrier = undefined
      wake()
    },
  }
}
