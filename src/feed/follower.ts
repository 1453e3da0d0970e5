import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
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
/** After a loss every instance that lives has written back what it knows within so long: it notices within `waitMs`. */
const othersRestoreMs = 2_000

/**
 * Follows the feed from a position, inclusively: if the event of the position is not the first that comes, something is missing
 * between. Then the whole set is read again and joined to what is known. When Redis has lost its history, what this instance knows is
 * written back first; it knows nothing it could take back, so nothing is ever removed.
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
  const inTime = <T>(work: Promise<T>) => withDeadline(work, timeoutMs)

  const join = async () => {
    await inTime(feed.begin())
    connection = feed.connection()
    const found = await inTime(feed.identity())
    const tail = await inTime(feed.tail())
    if (tail === undefined) throw new Error('the feed is gone')
    for await (const entries of feed.scan()) {
      closing.signal.throwIfAborted()
      entries.forEach(replica.add)
    }
    // What the scan has seen is the set at the tail only if the tail is still there.
    const [first] = await inTime(feed.read(tail.id, 1))
    if (first === undefined || positionOf(first) !== positionOf(tail) || feed.connection() !== connection) throw new Error('the feed changed during a scan')
    identity = found
    last = tail
    seenAtMs = now()
    following = true
  }
  const mend = async (at: FeedEvent) => {
    if (following) parts.onGap()
    following = false
    counts.gaps += 1
    await inTime(feed.begin())
    const found = await inTime(feed.identity())
    const tail = await inTime(feed.tail())
    const isLost = tail === undefined || found.history !== identity?.history || found.server !== identity.server || compareIds(tail.id, at.id) < 0
    if (isLost) {
      counts.historyLost += 1
      log.error({ revocations: replica.size(), historyLost: counts.historyLost }, 'Redis has lost revocations; what this instance knows is written back')
      const restored = await restoreAll(replica, parts.restore, closing.signal)
      counts.restored += restored
      log.warn({ restored }, 'revocations written back')
      await pause(othersRestoreMs, undefined, { signal: closing.signal })
    } else {
      log.warn('the feed was trimmed past this instance; every revocation is read again')
    }
    last = undefined
  }
  const step = async () => {
    if (last === undefined) return join()
    const at = last
    const page = await inTime(feed.read(at.id, pageEvents))
    const [first, ...events] = page
    if (first === undefined || positionOf(first) !== positionOf(at)) return mend(at)
    // The position is there, so this server has all that went before it.
    if (feed.connection() !== connection) {
      connection = feed.connection()
      identity = await inTime(feed.identity())
    }
    seenAtMs = now()
    following = true
    if (events.length > 0) {
      for (const { entry } of events) if (entry !== undefined) replica.add(entry)
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
  const stopSweeping = keepSwept(replica.sweep)
  const running = run()
  return {
    position: () => (following && last !== undefined ? positionOf(last) : undefined),
    counts: () => ({ ...counts }),
    seenAtMs: () => seenAtMs,
    async close() {
      stopSweeping()
      closing.abort()
      giveUp()
      await running
    },
  }
}

async function restoreAll(replica: Replica, restore: FollowerParts['restore'], signal: AbortSignal): Promise<number> {
  const next = replica.pass()
  const words = new Uint32Array(restoredAtOnce * entryWords)
  let restored = 0
  for (let filled = next(words); filled > 0; filled = next(words)) {
    signal.throwIfAborted()
    await restore(Array.from({ length: filled }, (_, at) => entryAt(words, at * entryWords)))
    restored += filled
  }
  return restored
}
