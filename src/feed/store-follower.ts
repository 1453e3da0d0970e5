import type { Logger } from 'pino'
import type { Entry } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { clockOf } from '../runtime/clock.js'
import { withoutArguments } from '../revocation/store-errors.js'
import { isDefect } from '../runtime/error-text.js'
import type { Outage } from '../telemetry/outages.js'
import type { Position } from './event.js'
import type { FeedLog } from './feed-source.js'
import { createFollower, type Follower } from './follower.js'
import type { FollowerObserver } from './follower-parts.js'
import { momentOf } from './freshness.js'
import { createLogSource } from './log-source.js'
import type { Notice, State } from './state.js'
import { createUnconfirmedWrites } from './unconfirmed-writes.js'

/** An instance that follows the feed of the store that it writes to. */
export type StoreFollower = Pick<
  Follower,
  'start' | 'stored' | 'counts' | 'isFresh' | 'stalenessMs' | 'close'
> & {
  /**
   * Epoch milliseconds: the live set has every revocation that was stored before. `undefined` while
   * that is not proved within `maxStalenessMs`.
   */
  freshAsOfMs(): number | undefined
  /** The event that the live set is complete up to; `undefined` while that is not certain. */
  position(): Position | undefined
  /** What of the feed this version cannot read; `undefined` when it reads everything. */
  unreadable(): string | undefined
  /** Until the live set was complete for the first time; `Infinity` before that. */
  startTookMs(): number
  /** Epoch milliseconds of the last time that the position was seen in the feed. */
  seenAtMs(): number
}

export type StoreFollowerParts = Pick<
  FollowerObserver,
  'onEvents' | 'onGap' | 'onSnapshot' | 'onSnapshotPart' | 'onProven' | 'onFreshness' | 'onTrouble'
> & {
  feed: FeedLog
  liveSet: LiveSet
  /** Stores entries again. */
  restore: (entries: readonly Entry[]) => Promise<void>
  log: Logger
  outage: Outage
  now: () => number
  timeoutMs: number
  maxStalenessMs: number
}

const mostUnconfirmed = 100_000
const retryMs = { first: 100, most: 100 }
/** A position that has not been seen in the feed for this long is not certain any more. */
const unseenForMs = 5_000

export function createStoreFollower(parts: StoreFollowerParts): StoreFollower {
  const { feed, liveSet, now } = parts
  let unreadable: string | undefined
  let startTookMs = Infinity
  let seenAt = { nowMs: -Infinity, monotonicMs: -Infinity }
  const clock = clockOf(now)
  const createdAtMs = clock.monotonicMs()
  const observer = createLoggingObserver(parts)
  const follower = createFollower({
    source: createLogSource(feed, parts.timeoutMs),
    liveSet,
    clock,
    maxStalenessMs: parts.maxStalenessMs,
    retryMs,
    ownWrites: {
      unconfirmed: createUnconfirmedWrites({ most: mostUnconfirmed, now }),
      restore: parts.restore,
    },
    observer: {
      ...observer,
      onEvents: parts.onEvents,
      onGap: parts.onGap,
      onSnapshot: parts.onSnapshot,
      onSnapshotPart: parts.onSnapshotPart,
      onProven: parts.onProven,
      onFreshness: parts.onFreshness,
      onTrouble(error, kind) {
        if (kind === 'unreadable') unreadable = (error as Error).message
        observer.onTrouble(error, kind)
        parts.onTrouble(error, kind)
      },
      onPositionSeen() {
        seenAt = momentOf(clock)
        if (startTookMs === Infinity) startTookMs = seenAt.monotonicMs - createdAtMs
        unreadable = undefined
        observer.onPositionSeen()
      },
    },
  })
  // By the monotonic clock alone: a wall clock that jumps ahead says nothing about the feed.
  const isSeen = () => clock.monotonicMs() - seenAt.monotonicMs < unseenForMs
  const isFollowing = () => follower.isFollowing() && feed.isKnown()
  return {
    ...follower,
    startTookMs: () => startTookMs,
    position: () => (isFollowing() && isSeen() ? follower.position() : undefined),
    freshAsOfMs: () =>
      isFollowing() && follower.isFresh() ? follower.provenAt()?.nowMs : undefined,
    unreadable: () => unreadable,
    seenAtMs: () => seenAt.nowMs,
  }
}

const messages = {
  history_lost: 'Redis has lost revocations; this instance writes back those that it knows',
  writes_missing:
    'Redis lacks what this instance has stored, as after a failover; the instance writes it back',
  written_back: 'revocations written back',
  trimmed: 'the feed was trimmed past this instance; every revocation is read again',
  other_server:
    'another server answers as Redis, or Redis has restarted; this instance looks for what it stored last',
  clock_set_back: 'the clock was set back; every revocation is read again',
} as const satisfies Partial<Record<Notice, string>>

/** Logs what happens to the follower. */
function createLoggingObserver({
  log,
  outage,
  feed,
}: StoreFollowerParts): Pick<FollowerObserver, 'onNotice' | 'onPositionSeen' | 'onTrouble'> {
  let restoredBefore = 0
  return {
    onPositionSeen: outage.works,
    onNotice(notice, state, { historyLost, restored }) {
      if (notice === 'gap') return
      if (notice === 'history_lost' || notice === 'writes_missing')
        log.error({ revocations: pendingOf(state), historyLost }, messages[notice])
      else log.warn(notice === 'written_back' ? { restored } : {}, messages[notice])
      if (notice !== 'written_back') return
      outage.noted('writtenBack', restored - restoredBefore)
      restoredBefore = restored
    },
    onTrouble(error) {
      const cause = withoutArguments(error)
      if (isDefect(cause)) log.error({ err: cause }, 'the feed cannot be followed')
      // A connection reports its own trouble.
      if (!feed.isConnected()) outage.counted('follow')
      else outage.failed({ problem: 'the feed cannot be followed', cause, what: 'follow' })
    },
  }
}

const pendingOf = (state: State) => (state.mode === 'restoring' ? state.entries.size : 0)
