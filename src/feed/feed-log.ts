import type { Entry } from '../revocation/entry.js'
import type { FeedIdentity } from './continuity.js'
import type { FeedEvent } from './event.js'

/** The first and the last event, and how many were ever added (where Redis counts them). */
export type FeedBounds = Readonly<{
  firstId: string | undefined
  last: FeedEvent | undefined
  added: number | undefined
}>

/**
 * The stream that every commit appends to. Every method throws what the connection throws, `UnknownLayout` for a layout that this
 * instance does not know, and `UnreadableFeed` for an event that it cannot read.
 */
export type FeedReader = {
  /** The last event, read now; nothing when there is no feed. */
  tail(): Promise<FeedEvent | undefined>
  /** The events from an id on, that id included, `count` at most. */
  read(fromId: string, count: number): Promise<FeedEvent[]>
}

/** The same over a connection of its own, for the one who follows: waiting holds up what comes behind it. */
export type FeedLog = FeedReader & {
  /** Makes sure that there is a feed. */
  begin(): Promise<void>
  identity(): Promise<FeedIdentity>
  bounds(): Promise<FeedBounds>
  /** Comes back when something may have followed an id, or after `ms`. */
  wait(afterId: string, ms: number): Promise<void>
  /**
   * Every revocation that is stored from beginning to end of the scan. @throws Error when the connection was not one and the same, or
   * somebody else wrote one of them
   */
  scan(): AsyncIterable<Entry[]>
  /** Grows with every connection; 0 before the first. */
  connection(): number
  /** Whether the last read of the store, by any connection, found a layout that this instance knows. */
  isKnown(): boolean
}
