import { compareIds, streamIdOf, type Position } from './event.js'

/**
 * The epoch of the feed, and the server that keeps the feed. `runId` survives a demotion and the
 * resync after it; `replicationId` does not. So `replicationId` alone shows that a server was a
 * replica in between.
 */
export type FeedIdentity = Readonly<{ epoch: string; runId: string; replicationId: string }>

/** Where a follower stands in the feed of one server. */
export type Place = Readonly<{
  identity: FeedIdentity
  /** `undefined` while the follower has no position. */
  position: Position | undefined
  /**
   * Lower bound of the events added to the stream so far; `undefined` where Redis does not count
   * them (before version 7).
   */
  added: number | undefined
}>

/** The feed as a follower finds it. */
export type FoundFeed = Readonly<{
  identity: FeedIdentity
  /** Whether the stream still has the event of the follower's position. */
  hasPosition: boolean
  /** `undefined` when the feed is empty, or does not exist. */
  firstId: string | undefined
  added: number | undefined
}>

/**
 * `same`: nothing is missing. `other_server`: nothing before the position is missing; what this
 * instance stored after the position may be missing. `trimmed`: old events were dropped, so the
 * follower has to take a snapshot. `lost`: the store may lack revocations.
 */
export type Continuity = 'same' | 'other_server' | 'trimmed' | 'lost'

/**
 * Compares the place of a follower with the feed that the follower finds. Trimming happens on the
 * same server, drops only the oldest events, and never lowers the count of added events. A gap that
 * trimming cannot explain is a loss.
 */
export function compareFeed(place: Place, found: FoundFeed): Continuity {
  const isSameServer = isSameIdentity(place.identity, found.identity)
  if (found.hasPosition) return isSameServer ? 'same' : 'other_server'
  if (!isSameServer || found.firstId === undefined) return 'lost'
  if (place.added !== undefined && found.added !== undefined && found.added < place.added)
    return 'lost'
  const id = streamIdOf(place.position ?? '')
  if (id === undefined) return 'trimmed'
  // A feed whose last id is smaller than the position has a smaller first id, too: lost.
  return compareIds(id, found.firstId) < 0 ? 'trimmed' : 'lost'
}

export const isSameIdentity = (one: FeedIdentity, other: FeedIdentity): boolean =>
  one.epoch === other.epoch &&
  one.runId === other.runId &&
  one.replicationId === other.replicationId
