import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { watchClock } from '../runtime/clock.js'
import type { LiveSet } from '../revocation/live-set.js'
import { unpackEntry, wordsPerEntry } from '../revocation/packed-entry.js'
import { withoutArguments, UnknownLayout } from '../revocation/store-errors.js'
import { withDeadline } from '../runtime/deadline.js'
import type { Entry } from '../revocation/entry.js'
import { startSweeper } from '../runtime/sweeper.js'
import {
  compareFeed,
  isSameIdentity,
  type FeedIdentity,
  type FoundFeed,
  type Place,
} from './continuity.js'
import { positionOf, streamIdOf, UnreadableFeed, type FeedEvent, type Position } from './event.js'
import { createUnconfirmedWrites } from './unconfirmed-writes.js'
import type { FeedLog } from './feed-source.js'

/** Keeps the live set up to date with the feed. */
export type Follower = {
  /** The event that the live set is complete up to; nothing while that is unknown. */
  position(): Position | undefined
  counts(): Readonly<{ gaps: number; historyLost: number; restored: number }>
  /** Epoch milliseconds of the last time that the position was seen in the feed. */
  seenAtMs(): number
  /** To be told of what this instance has stored, before it is added to the live set: it is owed to a Redis that lost it unread. */
  stored(entry: Entry): void
  close(): Promise<void>
}

export type FollowerParts = {
  feed: FeedLog
  liveSet: LiveSet
  /** Stores entries again. */
  restore: (entries: readonly Entry[]) => Promise<void>
  /** Events in the order of the feed, with nothing between two of them, applied already. */
  onEvents: (events: readonly FeedEvent[]) => void
  /** What follows does not join what went before. */
  onGap: () => void
  log: Logger
  now: () => number
  timeoutMs: number
}

const pageEvents = 1_000
/** So soon after events the next ones are read without waiting for word of them: under load, which shows in a page, one holds many. */
const paceMs = { idle: 2, busy: 8 }
const busyPage = 4
const waitMs = 500
const restoredAtOnce = 500
const retryMs = 100
const mostUnconfirmed = 100_000
/** An expiry that is computed from a remaining time may fall short of the one that was stored by so much. */
const remainingTimeMs = 1_000
/** A position that has not been seen for so long says nothing any more. */
const unseenForMs = 5_000
/** After a loss every instance that lives has written back what it knows within so long: it notices within `waitMs`. */
const othersRestoreMs = 2_000

/**
 * Follows the feed from a position, inclusively: if the event of the position is not the first that comes, something is missing
 * between. Then the whole set is read again and joined to what is known. When Redis has lost its history, what this instance knows is
 * written back first; it knows nothing it could take back, so nothing is ever removed.
 *
 * Another server may have the position and still lack what came after it, as a replica that lagged: what this instance stored and does
 * not meet in the feed, read to its end, is written back to it.
 */
export function createFollower(parts: FollowerParts): Follower {
  const { feed, liveSet, log, now, timeoutMs } = parts
  const closing = new AbortController()
  const counts = { gaps: 0, historyLost: 0, restored: 0 }
  let last: FeedEvent | undefined
  /** How far this instance had come, whether it has a position (`last`) or not. */
  let place: Place | undefined
  let connection = -1
  let following = false
  let seenAtMs = -Infinity
  /** The same by a clock that nobody sets. */
  let seenAt = -Infinity
  /** What is still to be written back after a loss. */
  let owed: Owed | undefined
  /** Reads of the feed that were begun. */
  let round = 0
  const unconfirmed = createUnconfirmedWrites({ most: mostUnconfirmed, now })
  const inTime = <T>(work: Promise<T>) => withDeadline(work, timeoutMs)

  const seen = () => {
    seenAtMs = now()
    seenAt = performance.now()
    following = true
  }
  const stopFollowing = () => {
    if (following) parts.onGap()
    following = false
  }
  const owe = (debt: Owed, revocations: number, why: string) => {
    stopFollowing()
    counts.historyLost += 1
    log.error({ revocations, historyLost: counts.historyLost }, why)
    owed = debt
  }
  const lost = (identity: FeedIdentity) => {
    last = undefined
    place = { identity, position: undefined, added: undefined }
    owe(
      { next: liveSet.iterate(), batch: [] },
      liveSet.size(),
      'Redis has lost revocations; what this instance knows is written back',
    )
  }
  /** What the feed, read to its end, does not have though it was stored before that read began. */
  const restoreMissing = (): boolean => {
    const missing = unconfirmed.missing(round)
    if (missing.length === 0) return false
    owe(
      { next: () => 0, batch: missing },
      missing.length,
      'Redis lacks what this instance has stored, as a replica that lagged; it is written back',
    )
    return true
  }
  /** The feed as it is now. In this order: what is read after the identity can only be newer. */
  const inspect = async () => {
    await inTime(feed.begin())
    const identity = await inTime(feed.identity())
    const { firstId, last: tail, added } = await inTime(feed.bounds())
    const id = streamIdOf(place?.position ?? '')
    const [first] = id === undefined ? [] : await inTime(feed.read(id, 1))
    const found: FoundFeed = {
      identity,
      hasPosition: first !== undefined && positionOf(first) === place?.position,
      firstId,
      added,
    }
    return { found, tail, continuity: place === undefined ? 'same' : compareFeed(place, found) }
  }
  const writeBack = async (rest: Owed) => {
    const { found, continuity } = await inspect()
    if (continuity === 'lost') return lost(found.identity)
    const words = new Uint32Array(restoredAtOnce * wordsPerEntry)
    const take = () =>
      Array.from({ length: rest.next(words) }, (_, at) => unpackEntry(words, at * wordsPerEntry))
    // What is taken stays taken until it is stored, however often that is tried.
    for (
      rest.batch = rest.batch.length > 0 ? rest.batch : take();
      rest.batch.length > 0;
      rest.batch = take()
    ) {
      while (rest.batch.length > 0) {
        closing.signal.throwIfAborted()
        const batch = rest.batch.slice(0, restoredAtOnce)
        await parts.restore(batch)
        counts.restored += batch.length
        rest.batch = rest.batch.slice(batch.length)
      }
    }
    log.warn({ restored: counts.restored }, 'revocations written back')
    owed = undefined
    return pause(othersRestoreMs, undefined, { signal: closing.signal })
  }
  const join = async () => {
    connection = feed.connection()
    round += 1
    const { found, tail, continuity } = await inspect()
    // Lost again while it was written back.
    if (continuity === 'lost') return lost(found.identity)
    const { identity, added } = found
    if (tail === undefined) throw new Error('the feed is gone')
    for await (const entries of feed.scan()) {
      closing.signal.throwIfAborted()
      for (const entry of entries) {
        liveSet.add(entry)
        unconfirmed.confirm(entry, remainingTimeMs)
      }
    }
    // What the scan has seen is the set at the tail only if the tail is still there, in the same history.
    const [first] = await inTime(feed.read(tail.id, 1))
    const isSame = isSameIdentity(await inTime(feed.identity()), identity)
    if (
      !isSame ||
      first === undefined ||
      positionOf(first) !== positionOf(tail) ||
      feed.connection() !== connection
    )
      throw new Error('the feed changed during a scan')
    last = tail
    place = { identity, position: positionOf(tail), added }
    if (!restoreMissing()) seen()
  }
  const mend = async () => {
    stopFollowing()
    const { found, continuity } = await inspect()
    counts.gaps += 1
    if (continuity === 'lost') return lost(found.identity)
    // It is there after all: the server that answered before has been replaced meanwhile.
    if (found.hasPosition) return void (place = place && { ...place, identity: found.identity })
    last = undefined
    log.warn('the feed was trimmed past this instance; every revocation is read again')
  }
  const clock = watchClock({ now, monotonicMs: () => performance.now() })
  const apply = (at: FeedEvent, events: readonly FeedEvent[]) => {
    for (const { entry } of events) {
      if (entry === undefined) continue
      liveSet.add(entry)
      unconfirmed.confirm(entry)
    }
    last = events.at(-1) ?? at
    if (place !== undefined)
      place = {
        ...place,
        position: positionOf(last),
        added: place.added === undefined ? undefined : place.added + events.length,
      }
  }
  /** Which server a connection leads to that has the position. */
  const noteServer = async (connected: number) => {
    const identity = await inTime(feed.identity())
    if (feed.connection() !== connected || place === undefined) return
    connection = connected
    const continuity = compareFeed(place, {
      identity,
      hasPosition: true,
      firstId: undefined,
      added: undefined,
    })
    if (continuity === 'other_server')
      log.warn(
        'another server answers as Redis, or it has restarted; what this instance stored last is looked for',
      )
    place = { ...place, identity }
  }
  const step = async () => {
    if (clock.wasSetBack() && last !== undefined) {
      stopFollowing()
      last = undefined
      log.warn('the clock was set back; every revocation is read again')
    }
    if (owed !== undefined) return writeBack(owed)
    if (last === undefined) return join()
    const at = last
    const connected = feed.connection()
    round += 1
    const page = await inTime(feed.read(at.id, pageEvents))
    const [first, ...events] = page
    if (first === undefined || positionOf(first) !== positionOf(at)) return mend()
    // The position is there, so this server has all that went before it; what this instance stored after it is looked for below.
    if (connected !== connection) await noteServer(connected)
    apply(at, events)
    const isWhole = page.length < pageEvents
    if (isWhole && restoreMissing()) return undefined
    seen()
    if (events.length > 0) parts.onEvents(events)
    if (!isWhole) return undefined
    if (events.length > 0) await pause(events.length < busyPage ? paceMs.idle : paceMs.busy)
    // What was stored since the read began must be in the next one, which shows at once whether it is.
    else if (unconfirmed.size() === 0)
      await withDeadline(feed.wait(at.id, waitMs), waitMs + timeoutMs)
    return undefined
  }
  let giveUp: () => void = () => undefined
  // A race against one promise for closing would keep something of every step alive for as long as that is open.
  const unlessClosed = (work: Promise<void>) =>
    new Promise<void>((resolve, reject) => {
      giveUp = () => reject(new Error('closed'))
      work.then(resolve, reject)
    })
  const run = async () => {
    let trouble: string | undefined
    while (!closing.signal.aborted) {
      try {
        await unlessClosed(step())
        trouble = undefined
      } catch (error) {
        if (closing.signal.aborted) return
        const cause = withoutArguments(error) as Error
        const isUnreadable = cause instanceof UnreadableFeed || cause instanceof UnknownLayout
        if (isUnreadable) stopFollowing()
        // One line for each kind of trouble; the position stays, and whether it still holds is seen at the next step.
        // Before the first connection there is nothing to say that the connection does not say itself.
        // Nor is there where the layout is not known: the check of the layout has logged it.
        if (trouble !== cause.message && feed.connection() > 0 && !(cause instanceof UnknownLayout))
          log.error({ err: cause }, 'the feed cannot be followed')
        trouble = cause.message
        // Nothing but closing cuts it short, which ends the loop.
        await pause(retryMs, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }
  const stopSweeping = startSweeper((budget) => {
    clock.checkClock()
    liveSet.sweep(budget)
  })
  const running = run()
  return {
    position: () =>
      following && feed.isKnown() && last !== undefined && performance.now() - seenAt < unseenForMs
        ? positionOf(last)
        : undefined,
    counts: () => ({ ...counts }),
    seenAtMs: () => seenAtMs,
    stored(entry) {
      // Its event may have been faster than the answer.
      if (!liveSet.covers(entry)) unconfirmed.add(entry, round)
    },
    async close() {
      stopSweeping()
      closing.abort()
      giveUp()
      await running
    },
  }
}

/** A pass over what is to be written back, and what of it has been taken and not been stored. */
type Owed = { next: ReturnType<LiveSet['iterate']>; batch: readonly Entry[] }
