import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { watchClock } from '../clock.js'
import { entryAt, entryWords, type Replica } from '../replica.js'
import { withoutArguments } from '../store/cause.js'
import { withDeadline } from '../store/deadline.js'
import type { Entry } from '../store/entry.js'
import type { FeedIdentity, FeedLog } from '../store/feed-log.js'
import { keepSwept } from '../sweeping.js'
import { compareIds, positionOf, type FeedEvent, type Position } from './event.js'

/** Keeps the replica up to date with the feed. */
export type Follower = {
  /** The event that the replica is complete up to; nothing while that is unknown. */
  position(): Position | undefined
  counts(): Readonly<{ gaps: number; historyLost: number; restored: number }>
  /** Epoch milliseconds of the last time that the position was seen in the feed. */
  seenAtMs(): number
  /** To be told of what this instance has stored, before it is added to the replica: it is owed to a Redis that lost it unread. */
  stored(entry: Entry): void
  close(): Promise<void>
}

export type FollowerParts = {
  feed: FeedLog
  replica: Replica
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
const mostUnmet = 100_000
/** A position that has not been seen for so long says nothing any more. */
const unseenForMs = 5_000
/** After a loss every instance that lives has written back what it knows within so long: it notices within `waitMs`. */
const othersRestoreMs = 2_000

/**
 * Follows the feed from a position, inclusively: if the event of the position is not the first that comes, something is missing
 * between. Then the whole set is read again and joined to what is known. When Redis has lost its history, what this instance knows is
 * written back first; it knows nothing it could take back, so nothing is ever removed.
 *
 * Another server may have the position and still lack what came after it, as a replica that lagged: what this instance stored and has
 * not met in the feed is written back to it.
 */
export function createFollower(parts: FollowerParts): Follower {
  const { feed, replica, log, now, timeoutMs } = parts
  const closing = new AbortController()
  const counts = { gaps: 0, historyLost: 0, restored: 0 }
  let last: FeedEvent | undefined
  let identity: FeedIdentity | undefined
  let connection = -1
  let following = false
  let seenAtMs = -Infinity
  /** The same by a clock that nobody sets. */
  let seenAt = -Infinity
  /** What is still to be written back after a loss. */
  let owed: Owed | undefined
  const unmet = new Map<string, Entry>()
  const inTime = <T>(work: Promise<T>) => withDeadline(work, timeoutMs)

  const seen = () => {
    seenAtMs = now()
    seenAt = performance.now()
    following = true
  }
  const isOther = (found: FeedIdentity) => identity !== undefined && (found.history !== identity.history || found.server !== identity.server)
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
  const lost = (found: FeedIdentity) => {
    last = undefined
    identity = found
    owe({ next: replica.pass(), batch: [] }, replica.size(), 'Redis has lost revocations; what this instance knows is written back')
  }
  const writeBack = async (rest: Owed) => {
    await inTime(feed.begin())
    const found = await inTime(feed.identity())
    if (isOther(found)) return lost(found)
    const words = new Uint32Array(restoredAtOnce * entryWords)
    const take = () => Array.from({ length: rest.next(words) }, (_, at) => entryAt(words, at * entryWords))
    // What is taken stays taken until it is stored, however often that is tried.
    for (rest.batch = rest.batch.length > 0 ? rest.batch : take(); rest.batch.length > 0; rest.batch = take()) {
      closing.signal.throwIfAborted()
      await parts.restore(rest.batch)
      counts.restored += rest.batch.length
    }
    log.warn({ restored: counts.restored }, 'revocations written back')
    owed = undefined
    return pause(othersRestoreMs, undefined, { signal: closing.signal })
  }
  const join = async () => {
    await inTime(feed.begin())
    connection = feed.connection()
    const found = await inTime(feed.identity())
    // Lost again while it was written back, or read for the first time.
    if (isOther(found)) return lost(found)
    identity = found
    const tail = await inTime(feed.tail())
    if (tail === undefined) throw new Error('the feed is gone')
    for await (const entries of feed.scan()) {
      closing.signal.throwIfAborted()
      entries.forEach(replica.add)
    }
    // What the scan has seen is the set at the tail only if the tail is still there, in the same history.
    const [first] = await inTime(feed.read(tail.id, 1))
    if (isOther(await inTime(feed.identity())) || first === undefined || positionOf(first) !== positionOf(tail) || feed.connection() !== connection) throw new Error('the feed changed during a scan')
    last = tail
    unmet.clear()
    seen()
  }
  const mend = async (at: FeedEvent) => {
    stopFollowing()
    counts.gaps += 1
    await inTime(feed.begin())
    const found = await inTime(feed.identity())
    const tail = await inTime(feed.tail())
    if (tail === undefined || isOther(found) || compareIds(tail.id, at.id) < 0) return lost(found)
    last = undefined
    log.warn('the feed was trimmed past this instance; every revocation is read again')
  }
  const clock = watchClock({ now, monotonicMs: () => performance.now() })
  const step = async () => {
    if (clock.wasSetBack() && last !== undefined) {
      stopFollowing()
      last = undefined
      log.warn('the clock was set back; every revocation is read again')
    }
    if (owed !== undefined) return writeBack(owed)
    if (last === undefined) return join()
    const at = last
    const page = await inTime(feed.read(at.id, pageEvents))
    const [first, ...events] = page
    if (first === undefined || positionOf(first) !== positionOf(at)) return mend(at)
    // The position is there, so this server has all that went before it.
    if (feed.connection() !== connection) {
      const connected = feed.connection()
      const found = await inTime(feed.identity())
      const mayLack = isOther(found) && unmet.size > 0
      connection = connected
      identity = found
      if (mayLack) {
        return owe({ next: () => 0, batch: [...unmet.values()] }, unmet.size, 'another server answers as Redis; what it may lack is written back')
      }
    }
    seen()
    if (events.length > 0) {
      for (const { entry } of events) {
        if (entry === undefined) continue
        replica.add(entry)
        if ((unmet.get(entry.key)?.cutoff ?? 0) <= (entry.cutoff ?? 0)) unmet.delete(entry.key)
      }
      last = events.at(-1)
      parts.onEvents(events)
    }
    if (page.length === pageEvents) return undefined
    if (events.length > 0) await pause(events.length < busyPage ? paceMs.idle : paceMs.busy)
    else await withDeadline(feed.wait(at.id, waitMs), waitMs + timeoutMs)
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
        // One line for each kind of trouble; the position stays, and whether it still holds is seen at the next step.
        // Before the first connection there is nothing to say that the connection does not say itself.
        if (trouble !== cause.message && feed.connection() > 0) log.error({ err: cause }, 'the feed cannot be followed')
        trouble = cause.message
        // Nothing but closing cuts it short, which ends the loop.
        await pause(retryMs, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }
  const stopSweeping = keepSwept((budget) => {
    clock.look()
    replica.sweep(budget)
  })
  const running = run()
  return {
    position: () => (following && last !== undefined && performance.now() - seenAt < unseenForMs ? positionOf(last) : undefined),
    counts: () => ({ ...counts }),
    seenAtMs: () => seenAtMs,
    stored(entry) {
      // Its event may have been faster than the answer.
      const mark = replica.find(entry.key)
      if ((mark === undefined || mark < (entry.cutoff ?? 0)) && unmet.size < mostUnmet) unmet.set(entry.key, entry)
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
type Owed = { next: ReturnType<Replica['pass']>; batch: readonly Entry[] }
