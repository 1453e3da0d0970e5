import type { FeedEvent } from '../feed/event.js'
import type { FeedSource, TroubleKind } from '../feed/feed-source.js'
import { createFollower, type Follower } from '../feed/follower.js'
import type { FollowerCounts } from '../feed/follower-parts.js'
import type { LiveSet } from '../revocation/live-set.js'
import type { Clock } from '../runtime/clock.js'
import { FeedError } from './feed-error.js'
import { createReadiness, type Patience } from './readiness.js'

/** What a follower reports to its guard. The live set has what it reports already. */
export type GuardObserver = Readonly<{
  onEvents: (events: readonly FeedEvent[]) => void
  onSnapshot: () => void
  onFreshness: (isFresh: boolean) => void
  onTrouble: (error: Error) => void
  /** What the guard says once, whether it is fresh or not. */
  onWarning: (warning: Error) => void
}>

export type GuardFollowerParts = GuardObserver &
  Readonly<{
    source: FeedSource
    liveSet: LiveSet
    clock: Clock
    maxStalenessMs: number
  }>

/** Keeps the live set of a guard up to date, and knows how fresh it is. */
export type GuardFollower = Pick<
  Follower,
  'start' | 'position' | 'stalenessMs' | 'isFresh' | 'close'
> & {
  counts(): Pick<FollowerCounts, 'snapshots' | 'gaps' | 'reconnects'>
  /** How long a caller waits: `withinMs`, or without it as long as parts of a snapshot arrive. */
  patience(withinMs?: number): Patience
  /**
   * Returns when the guard is fresh.
   *
   * @throws Error with the last trouble when the guard is not fresh in time, or when the client is
   * refused
   */
  fresh(patience: Patience): Promise<void>
}

const retryMs = { first: 50, most: 2_000 }

export function createGuardFollower(
  parts: GuardFollowerParts,
): GuardFollower & Pick<Follower, 'provenAt'> {
  const readiness = createReadiness(() => follower.isFresh())
  const follower = createFollower({
    source: parts.source,
    liveSet: parts.liveSet,
    clock: parts.clock,
    maxStalenessMs: parts.maxStalenessMs,
    retryMs,
    observer: {
      onEvents: parts.onEvents,
      onSnapshot: parts.onSnapshot,
      onSnapshotPart: readiness.onPart,
      onGap: () => undefined,
      onPositionSeen: () => undefined,
      onFreshness: parts.onFreshness,
      onProven: readiness.succeed,
      onNotice(notice) {
        if (notice === 'clock_set_back') parts.onTrouble(new FeedError('the clock was set back'))
      },
      onTrouble(error, kind) {
        const trouble = withReason(error as Error)
        readiness.note(trouble)
        parts.onTrouble(trouble)
        if (isFinal(kind)) readiness.fail(error as Error)
      },
    },
  })
  return {
    ...follower,
    patience: readiness.patience,
    fresh: readiness.fresh,
    async close() {
      readiness.close()
      await follower.close()
    },
  }
}

/** Repeating does not help: the client is refused, or the feed is not readable by this version. */
const isFinal = (kind: TroubleKind) => kind !== 'passing'

/** An error of `fetch` says only that the request failed; the reason is in its cause. */
const withReason = (error: Error): Error =>
  error.cause instanceof Error
    ? new Error(`${error.message}: ${error.cause.message}`, { cause: error.cause })
    : error
