import { unlessAborted } from '../runtime/abort.js'
import { startSweeper } from '../runtime/sweeper.js'
import type { Entry } from '../revocation/entry.js'
import type { Position } from './event.js'
import { act } from './follower-actions.js'
import {
  ageMs,
  checkClock,
  createContext,
  heldPosition,
  isFresh,
  pauseBeforeRetry,
  reportTrouble,
  runBarrier,
  type FollowerContext,
} from './follower-context.js'
import type { FollowerCounts, FollowerParts } from './follower-parts.js'
import { takeOwnWrite, takeTime } from './follower-steps.js'
import type { Moment } from './freshness.js'

/** Keeps a live set up to date with a feed. */
export type Follower = {
  start(): void
  isFollowing(): boolean
  /** The event that the live set is complete up to; `undefined` while that is unknown. */
  position(): Position | undefined
  /** When the live set was last known to be complete. */
  provenAt(): Moment | undefined
  /** Milliseconds since `provenAt`; `Infinity` without it. */
  stalenessMs(): number
  isFresh(): boolean
  counts(): FollowerCounts
  /**
   * Takes each entry that this instance has stored, before the live set gets the entry. If the
   * store loses the entry before the feed has shown it, the follower writes the entry back.
   */
  stored(entry: Entry): void
  close(): Promise<void>
}

const barrierEveryMs = 1_000

/**
 * Follows a feed. The decisions are in `state.ts`, the freshness check in `freshness.ts`. Entries
 * are only added to the live set, and leave it when they expire: a follower takes none back.
 */
export function createFollower(parts: FollowerParts): Follower {
  const { source, liveSet, maxStalenessMs } = parts
  const context = createContext(parts)
  const { closing } = context
  const check = () => {
    takeTime(context)
    // A page that was read proves freshness by itself.
    if (source.delivery === 'pushed' && context.state.mode === 'following')
      runBarrier(context, context.state.position)
  }
  let stop: () => Promise<void> = async () => undefined
  return {
    start() {
      const stopSweeper = startSweeper((budget) => {
        checkClock(context)
        liveSet.sweep(budget)
      })
      const everyMs = Math.min(barrierEveryMs, Math.ceil(maxStalenessMs / 3))
      const timer = setInterval(check, everyMs)
      const running = run(context)
      stop = async () => {
        clearInterval(timer)
        stopSweeper()
        await running
      }
    },
    isFollowing: () => context.state.mode === 'following',
    position: () => heldPosition(context),
    provenAt: () => context.provenAt,
    stalenessMs: () => ageMs(context),
    isFresh: () => isFresh(context),
    counts: () => ({ ...context.counts }),
    stored: (entry) => takeOwnWrite(context, entry),
    async close() {
      closing.abort()
      context.activity.abort()
      context.provenAt = undefined
      await stop()
    },
  }
}

async function run(context: FollowerContext): Promise<void> {
  const { signal } = context.closing
  while (!signal.aborted) {
    const activity = new AbortController()
    context.activity = activity
    try {
      checkClock(context)
      await unlessAborted(act(context, activity.signal), signal)
    } catch (error) {
      context.counts.reconnects += 1
      // The cause of an abort was reported before the abort.
      if (!activity.signal.aborted) reportTrouble(context, error)
      // Closing alone cuts the pause short, and ends the loop.
      await pauseBeforeRetry(context, signal).catch(() => undefined)
    }
  }
}
