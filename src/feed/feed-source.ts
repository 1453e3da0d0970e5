import type { Entry } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import type { FeedIdentity, FoundFeed, Place } from './continuity.js'
import type { FeedEvent, Position } from './event.js'

/** The server that keeps a feed, as far as the source can tell. */
export type FeedServer = Omit<Place, 'position'>

/** Consecutive events. The first one is the event of the position that the page was asked for. */
export type Page = Readonly<{
  events: readonly FeedEvent[]
  /** Whether the page was read up to the end of the feed. */
  isWhole: boolean
  /** The server that answered; absent when it is the server of the page before, or is not known. */
  identity?: FeedIdentity | undefined
}>

/** The feed as the source finds it, and its last event. */
export type Inspection = FoundFeed & Readonly<{ tail: FeedEvent | undefined }>

/** What a snapshot has added makes the live set complete up to this position. */
export type Snapshot = Readonly<{ position: Position; server: FeedServer | undefined }>

/** The live set that a snapshot is added to. `onPart` is called when a part of it has arrived. */
export type SnapshotTarget = Pick<LiveSet, 'add' | 'addPacked'> &
  Readonly<{ onPart?: (() => void) | undefined }>

/** The part of a follower that takes pages. */
export type PageReader = Readonly<{
  /**
   * To be called before each read of the feed: a whole page then shows the feed as of this, or as
   * of `agoMs` before.
   */
  beforeRead(agoMs?: number): void
  /** Takes the next page. `false` ends the following. */
  onPage(page: Page): boolean
  /** Whether the source may wait for the next event; otherwise it reads the next page at once. */
  mayWait(): boolean
  signal: AbortSignal
}>

/**
 * `passing`: repeating may help. `permanent`: repeating does not help. `unreadable`: the feed has
 * what this version cannot read.
 */
export type TroubleKind = 'passing' | 'permanent' | 'unreadable'

/**
 * A feed that can be followed: Redis, the embedded store, or the HTTP feed of an instance. Every
 * method throws what its connection throws.
 */
export type FeedSource = Readonly<{
  /**
   * `read`: each page is read from the store itself, and a page up to the end of the feed proves
   * that nothing is missing. `pushed`: an instance sends pages when it has some, which proves
   * nothing.
   */
  delivery: 'read' | 'pushed'
  /** The position of the last event, read after the call. */
  tail(signal: AbortSignal): Promise<Position>
  /**
   * Compares the feed with a place. Absent: the source cannot tell a trimmed feed from a lost one.
   */
  inspect?(place: Place | undefined): Promise<Inspection>
  /** Adds every live revocation. `inspection` is what `inspect` answered just before. */
  snapshot(
    target: SnapshotTarget,
    signal: AbortSignal,
    inspection: Inspection | undefined,
  ): Promise<Snapshot>
  /**
   * Gives `reader` every page from a position on. Returns when the source reports a gap, or when
   * `onPage` answers `false`.
   */
  follow(from: Position, reader: PageReader): Promise<void>
  /** As `FeedLog` has it. */
  confirmedAgoMs?(): number
  kindOf(error: unknown): TroubleKind
}>

/** The first and the last event, and how many were ever added (where Redis counts them). */
export type FeedBounds = Readonly<{
  firstId: string | undefined
  last: FeedEvent | undefined
  added: number | undefined
}>

/**
 * The stream that every commit appends to. Every method throws what the connection throws,
 * `UnknownLayout` for a layout that this instance does not know, and `UnreadableFeed` for an event
 * that it cannot read.
 */
export type FeedReader = {
  /** The last event, read now; `undefined` when there is no feed. */
  tail(): Promise<FeedEvent | undefined>
  /** The events from an id on, that id included, `count` at most. */
  read(fromId: string, count: number): Promise<FeedEvent[]>
}

/** A `FeedReader` on a connection of its own: `wait` blocks every command behind it. */
export type FeedLog = FeedReader & {
  /** Creates the feed where there is none. */
  begin(): Promise<void>
  identity(): Promise<FeedIdentity>
  bounds(): Promise<FeedBounds>
  /** Returns when an event may have followed an id, or after `ms`. */
  wait(afterId: string, ms: number): Promise<void>
  /**
   * Every revocation that the store holds during the whole scan. None ends earlier than what the
   * store holds.
   *
   * @throws Error when the connection changed, or when cierre did not write a stored value
   */
  scan(): AsyncIterable<Entry[]>
  /** Counts the connections; 0 before the first. */
  connection(): number
  isConnected(): boolean
  /**
   * How long ago it was certain that every instance writes to this feed; absent where that is
   * always certain.
   */
  confirmedAgoMs?(): number
  /**
   * Whether the last read of the store, by any connection, found a layout that this instance knows.
   */
  isKnown(): boolean
}
