import type { Entry } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import type { Clock } from '../runtime/clock.js'
import type { FeedEvent } from './event.js'
import type { FeedSource, TroubleKind } from './feed-source.js'
import type { Notice, State } from './state.js'
import type { UnconfirmedWrites } from './unconfirmed-writes.js'

export type FollowerCounts = Readonly<{
  snapshots: number
  gaps: number
  reconnects: number
  historyLost: number
  restored: number
}>

/** What a follower reports. */
export type FollowerObserver = Readonly<{
  /**
   * Events that the live set has, in the order of the feed, without a gap since the call before.
   */
  onEvents(events: readonly FeedEvent[]): void
  onSnapshot(): void
  /** A part of a snapshot has arrived. */
  onSnapshotPart(): void
  /** There is a gap before the events that will follow. */
  onGap(): void
  onNotice(notice: Notice, state: State, counts: FollowerCounts): void
  onTrouble(error: unknown, kind: TroubleKind): void
  /** The feed has the position. */
  onPositionSeen(): void
  /** The live set was complete as of a moment that is later than the one before. */
  onProven(): void
  /** At every change; never the same value twice in a row. */
  onFreshness(isFresh: boolean): void
}>

/**
 * What a follower needs to write back what the store lost, where this instance writes to the store.
 */
export type OwnWrites = Readonly<{
  unconfirmed: UnconfirmedWrites
  /** Stores entries again. */
  restore(entries: readonly Entry[]): Promise<void>
}>

export type FollowerParts = Readonly<{
  source: FeedSource
  liveSet: LiveSet
  clock: Clock
  maxStalenessMs: number
  /** The first pause after an error, and the longest one. */
  retryMs: Readonly<{ first: number; most: number }>
  /** Absent: the follower writes nothing. */
  ownWrites?: OwnWrites | undefined
  observer: FollowerObserver
}>
