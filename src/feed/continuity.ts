import { compareIds, streamIdOf, type Position } from './event.js'

/**
 * What names a history of the feed, and the server that keeps it. `runId` survives a demotion and the resync that follows,
 * `replicationId` does not, so a server that was a replica meanwhile is told by the latter alone.
 */
export type FeedIdentity = Readonly<{ history: string; runId: string; replicationId: string }>

/** How far a follower had come. */
export type Place = Readonly<{
  identity: FeedIdentity
  /** Nothing when it has none. */
  position: Position | undefined
  /** Events that had been added to the stream by then, at least; nothing where Redis does not count them (before 7). */
  added: number | undefined
}>

/** What the feed is now; nothing is its first event when it is empty, or not there. */
export type FoundFeed = Readonly<{
  identity: FeedIdentity
  /** Whether the event of the position is still there. */
  hasPosition: boolean
  firstId: string | undefined
  added: number | undefined
}>

/**
 * `same`: nothing is missing. `other_server`: nothing that came before the position is missing, but what this instance stored after it may be.
 * `trimmed`: events were dropped by length, so all revocations must be read again. `lost`: the store may lack revocations.
 */
export type Continuity = 'same' | 'other_server' | 'trimmed' | 'lost'

/**
 * Compares what a follower knew of the feed with what it finds. Trimming drops the oldest events only, on the same server, and takes
 * nothing back: a gap that cannot be explained so is a loss.
 */
export function compareFeed(place: Place, found: FoundFeed): Continuity {
  const isSameServer = isSameIdentity(place.identity, found.identity)
  if (found.hasPosition) return isSameServer ? 'same' : 'other_server'
  if (!isSameServer || found.firstId === undefined) return 'lost'
  if (place.added !== undefined && found.added !== undefined && found.added < place.added)
    return 'lost'
  const id = streamIdOf(place.position ?? '')
  if (id === undefined) return 'trimmed'
  // Not older than the first event covers a last id that is smaller, too.
  return compareIds(id, found.firstId) < 0 ? 'trimmed' : 'lost'
}

export const isSameIdentity = (one: FeedIdentity, other: FeedIdentity): boolean =>
  one.history === other.history &&
  one.runId === other.runId &&
  one.replicationId === other.replicationId
